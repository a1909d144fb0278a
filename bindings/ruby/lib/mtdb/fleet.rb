# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Mtdb
  # One thing done to many tenants: a canary first, then waves, with a ledger (docs/fleets.md). Made by Database#fleet.
  class Fleet
    # For Database#fleet.
    def initialize(db, migrator, tenants, options)
      @db = db
      @listed = []
      @handle = Native::Handle.new(:fleet)
      wishes = Options.handle(:fleet, options)
      Call.raw(:mtdb_fleet_new, db.send(:handle), migrator&.send(:handle), wishes) { |address| @handle.fill(address) }
      tenants&.each { |id| add(id) }
      refuse_none if tenants && @listed.empty?
    end

    # Adds a tenant to the run's list.
    def add(id)
      Call.raw(:mtdb_fleet_add, @handle, id.to_s)
      @listed << id
      self
    end
    alias << add

    # Adds tenants that are a wave of their own, in the order of the calls: behind the canary, before those of `add`.
    def add_wave(*ids)
      ids = ids.flatten
      refuse_none if ids.empty?
      Call.raw(:mtdb_fleet_add_wave, @handle, Tenants.lines(ids))
      @listed.concat(ids)
      self
    end

    # Gives the run the scripts of the shared tables: they run once, before any tenant. If they fail, no tenant is
    # touched.
    # @param migrator  of the same db
    def share(migrator)
      Call.raw(:mtdb_fleet_share, @handle, migrator.send(:handle))
      self
    end

    # Runs to the end and returns how many tenants have failed. With verdict: true, the block is asked after each wave
    # but the last whether the run goes on; it gets what `progress` is.
    def run(timeout: nil, cancel: nil, &block)
      @db.send(:learn_routes, @listed)
      judge(block) # the block of an earlier call may have raised
      @db.send(:answering, timeout, -> { give_what_is_needed(block) }) do |left|
        Native.with_token(cancel) { |token| Call.raw(:mtdb_fleet_run, @handle, left, token) }
      end
    end

    # Runs the query of verb: "sql" on each tenant and gives its rows as they come, as a Result: the tenant's id, then
    # the query's own columns. With a block yields each of them, and returns the result. Tenants come as they answer;
    # each one's rows keep their order. The run goes on while the rows are read, a few blocks ahead; to leave them early
    # (break, an exception) stops it, and waits until what has begun is done. `results` says which tenants failed.
    def query(timeout: nil, cancel: nil, &block)
      @db.send(:learn_routes, @listed)
      rows = @db.send(:answering, timeout) do |left|
        Native.with_token(cancel) { |token| Call.result(:mtdb_fleet_query, @handle, left, token, self, cancel) }
      end
      block ? rows.each(&block) : rows
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

    # To the library a run without a list is one over all tenants.
    def refuse_none = raise(Errors.build(-1, message: "a list of no tenants; a run over all of them has no list"))

    # Places of tenants, or the verdict on a wave.
    def give_what_is_needed(verdict)
      @db.send(:answer_requests)
      judge(verdict)
    end

    def judge(verdict)
      now = progress
      decide(verdict&.call(now)) if now[:state] == "verdict"
    end

    def decide(go_on) = Call.raw(:mtdb_fleet_decide, @handle, go_on ? 1 : 0)

    def rows(name)
      Call.raw(name, @handle) { |address| Native.adopt(address, self, nil) }.each_hash.to_a
    end
  end
end
