# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Sequel
  module Mtdb
    # Sequel's view of mtdb's own pool: a lease of the present tenant, for as long as a fiber holds it. Nothing is kept
    # between two calls.
    class ConnectionPool < Sequel::ConnectionPool
      # Yields a lease; within its block the same fiber gets the same one again, for the same tenant.
      def hold(_server = nil, &block)
        tenant = db.tenant
        lease = leases[tenant]
        # The program may have turned the lease to another tenant (Lease#use).
        lease && lease.tenant == tenant ? yield(lease) : borrow(tenant, &block)
      end

      # Yields the leases of the present fiber.
      def all_connections(&block) = leases.each_value(&block)

      # mtdb closes its connections itself.
      def disconnect(_opts = nil) = nil

      # Leases that are out.
      def size = db.mtdb.pool_stats.sum { |pool| pool[:leased] }

      # Open connections per tenant or server, as the library has it.
      def max_size = (db.opts[:mtdb_options] || {}).fetch(:pool_size_max, 8)

      # Its name for Sequel.
      def pool_type = :mtdb

      private

      # Of this pool and fiber, by tenant.
      def leases = Thread.current[@key ||= :"mtdb_leases_#{object_id}"] ||= {}

      def borrow(tenant)
        held = leases
        given = false
        db.mtdb.tenant(tenant) do |lease|
          given = true
          before = held[tenant]
          begin
            held[tenant] = lease
            yield lease
          ensure
            before ? held[tenant] = before : held.delete(tenant)
          end
        end
      rescue ::Mtdb::Error => e
        raise if given

        db.send(:raise_error, e)
      end

      def preconnect(_concurrent = nil) = nil
    end
  end
end
