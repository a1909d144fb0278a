# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Mtdb
  # One thing done to many tenants: a canary first, then waves, with a ledger (docs/fleets.md). Made by Database#fleet.
  class Fleet
    # For Database#fleet.
    def initialize(db, migrator, tenants, options)
      @db = db
      @migrator = migrator
      @handle = Native::Handle.new(:fleet)
      wishes = Options.handle(:fleet, options)
      Call.raw(:mtdb_fleet_new, db.send(:handle), migrator&.send(:handle), wishes) { |address| @handle.fill(address) }
      tenants&.each { |id| add(id) }
    end

    # Adds a tenant to the run's list.
    def add(id)
      Call.raw(:mtdb_fleet_add, @handle, id.to_s)
      self
    end
    alias << add

    # Runs to the end and returns how many tenants have failed. With verdict: true, the block is asked after each wave
    # but the last whether the run goes on; it gets what `progress` is.
    def run(timeout: nil, cancel: nil)
      needed = lambda do
        stand = progress
        next @db.send(:answer_requests) unless stand[:state] == "verdict" # then it is a route

        decide(block_given? && yield(stand))
      end
      @db.send(:answering, timeout, needed) do |left|
        Native.with_token(cancel) { |token| Call.raw(:mtdb_fleet_run, @handle, left, token) }
      end
    end

    # Asks the run to stop; what has begun is done to its end. From any thread, or a signal handler.
    def stop
      Call.raw(:mtdb_fleet_stop, @handle)
      self
    end

    # Where the run stands, as one row; while it runs too.
    def progress = rows(:mtdb_fleet_progress).first

    # What became of each tenant, in the order of the list. `error` is the exception that it failed with, or nil.
    def results = rows(:mtdb_fleet_results).map { |row| Outcome.of(row) }

    # Without its list.
    def inspect = "#<Mtdb::Fleet of #{@db.url}>"

    private

    def decide(go_on) = Call.raw(:mtdb_fleet_decide, @handle, go_on ? 1 : 0)

    def rows(name)
      Call.raw(name, @handle) { |address| Native.adopt(address, self, nil) }.each_hash.to_a
    end
  end
end
