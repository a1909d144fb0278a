# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require "mtdb"
require "sequel"
require_relative "mtdb/connection_pool"
require_relative "mtdb/transactions"
require_relative "mtdb/dataset"
require_relative "mtdb/dialects"

module Sequel
  # Sequel over mtdb: one Sequel::Database serves all tenants, or one of them.
  #
  #   DB = Sequel.connect(adapter: "mtdb", database: "postgres://app@db/app")    # or mtdb: a Mtdb::Database
  #   Mtdb.with_tenant("acme") { DB[:orders].where(paid: false).all }
  #
  #   ACME = Sequel.connect(adapter: "mtdb", mtdb: DB.mtdb, tenant: "acme")      # always this tenant
  #
  # A connection is a lease that goes back at the end of each call, or of the `synchronize` or `transaction` around it:
  # mtdb has the pool. What Sequel remembers of a schema, it remembers for all tenants of one Sequel::Database.
  module Mtdb
    # What `Sequel.connect(adapter: "mtdb")` gives.
    #
    # Options besides Sequel's: mtdb: (a Mtdb::Database) or database: (what Mtdb.open takes), mtdb_options: (its
    # options), tenant:.
    class Database < Sequel::Database
      set_adapter_scheme :mtdb

      # The Mtdb::Database behind it.
      attr_reader :mtdb

      # The tenant that calls mean now.
      def tenant = (@opts[:tenant] || ::Mtdb.current_tenant!).to_s

      # Runs a statement and yields its Mtdb::Result.
      def execute(sql, opts = OPTS)
        perform(sql, opts) do |lease|
          result = lease.query(sql)
          block_given? ? yield(result) : result.close
        end
      end

      # Runs a statement; the number of rows changed.
      def execute_dui(sql, opts = OPTS) = perform(sql, opts) { |lease| lease.exec(sql) }

      # Runs a statement, or several.
      def execute_ddl(sql, opts = OPTS)
        perform(sql, opts) { |lease| sql.match?(/;\s*\S/) ? lease.script(sql) : lease.exec(sql) }
        nil
      end

      # Runs an INSERT; the key that it generated.
      def execute_insert(sql, opts = OPTS)
        perform(sql, opts) do |lease|
          lease.exec(sql)
          lease.insert_id
        end
      end

      # Without options, which may have a password.
      def inspect = "#<#{self.class.name} #{@mtdb.url}#{" tenant #{@opts[:tenant]}" if @opts[:tenant]}>"

      private

      def adapter_initialize
        @opts[:tenant] = -@opts[:tenant].to_s if @opts[:tenant]
        @mtdb = @opts[:mtdb] || ::Mtdb.open(@opts.fetch(:database), **(@opts[:mtdb_options] || OPTS))
        Dialects.adopt(self, @mtdb.engine)
        extend Transactions
      end

      def connection_pool_default_options = super.merge(pool_class: ConnectionPool)

      def connection_execute_method = :exec

      def perform(sql, opts)
        synchronize(opts[:server]) do |lease|
          log_connection_yield(sql, lease) { yield lease }
        rescue ::Mtdb::Error => e
          raise_error(e)
        end
      end

      def database_error_classes = [::Mtdb::Error]

      def database_exception_sqlstate(exception, _opts) = exception.sqlstate

      def dataset_class_default = Dataset

      # What every engine's failure is; the others are the dialect's.
      def database_specific_error_class(exception, opts)
        case exception.code
        when :SERIALIZATION then SerializationFailure
        when :BUSY then DatabaseLockTimeout
        when :POOL_EXHAUSTED then PoolTimeout
        when :UNAVAILABLE, :CLOSED, :FORKED then DatabaseDisconnectError
        else super
        end
      end
    end
  end
end
