# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Mtdb
  # One ordered set of scripts, and what can be done with it: docs/migrations.md. Made by Database#migrator. It serves
  # every thread at once. A target is a version, "latest", "empty", "current", "next" or "+2".
  #
  # Every verb takes `timeout:` and `cancel:`; a cancel stops between two scripts. Rows are frozen Hashes.
  class Migrator
    # For Database#migrator.
    def initialize(db, options)
      @db = db
      @handle = Native::Handle.new(:migrator)
      wishes = Options.handle(:migrator, options)
      Call.raw(:mtdb_migrator_new, db.send(:handle), wishes) { |address| @handle.fill(address) }
    end

    # Adds one inline script.
    # @param version  dotted numbers such as "3" or "2024.1.7"
    # @param down  the statements that undo it
    def add(version, description, up, down: nil)
      Call.raw(:mtdb_migrator_add, @handle, version.to_s, description, up, down)
      self
    end

    # Makes the db ask this migrator at each tenant's first lease, in its mode.
    def enable
      Call.raw(:mtdb_migrator_enable, @handle)
      self
    end

    # What would run: a row per step, problems first. Nothing is touched.
    def plan(tenant, target = "", **wait) = rows(:mtdb_migrator_plan, tenant, target, **wait)

    # Migrates one tenant; returns how many scripts were applied.
    def migrate(tenant, target = "", **wait) = verb(:mtdb_migrator_migrate, tenant, target, **wait)

    # Undoes the scripts above a target, newest first; returns how many.
    def undo(tenant, target = "next", **wait) = verb(:mtdb_migrator_undo, tenant, target, **wait)

    # Where one tenant stands, as one row.
    def status(tenant, **wait) = rows(:mtdb_migrator_status, tenant, **wait).first

    # The whole picture of a tenant: a row per entry of its history and per script that is not applied.
    def info(tenant, target = "", **wait) = rows(:mtdb_migrator_info, tenant, target, **wait)

    # Every problem of a tenant's history, a row each; empty: all is well.
    def validate(tenant, **wait) = rows(:mtdb_migrator_validate, tenant, **wait)

    # Puts a history right: a row per change.
    # @param apply  false: only tells
    def repair(tenant, apply: true, **wait) = rows(:mtdb_migrator_repair, tenant, apply ? 1 : 0, **wait)

    # Says that a tenant without a history stands at a version.
    def baseline(tenant, version = "", description = "", **wait)
      verb(:mtdb_migrator_baseline, tenant, version, description, **wait)
      self
    end

    # Sets the version of golang-migrate's history; "empty" for none.
    def force(tenant, version, **wait)
      verb(:mtdb_migrator_force, tenant, version, **wait)
      self
    end

    # Drops all that is in a tenant; needs drop: "allow". Returns how many objects were dropped.
    def drop(tenant, **wait) = verb(:mtdb_migrator_drop, tenant, **wait)

    # Runs one verb over many tenants, goes on after a failure; a row per tenant, in the order of the list. Its `error`
    # is the exception that the tenant failed with, or nil.
    #
    # @param verb  "migrate", "undo", "status" or "validate"
    # @param tenants  ids; nil for all there are, an empty list for none
    # @param workers  threads
    def run(verb, target = "", tenants: nil, workers: 1, timeout: nil, cancel: nil)
      list = tenants&.to_a
      return [] if list&.empty?

      lines = list && Tenants.lines(list)
      @db.send(:learn_routes, list || [])
      wishes = Options.handle(:run, workers: workers)
      found = waiting(timeout, cancel) do |left, token|
        Call.raw(:mtdb_migrator_run, @handle, verb.to_s, target.to_s, lines, wishes, left, token) do |address|
          Native.adopt(address, self, nil)
        end
      end
      found.each_hash.map { |row| Outcome.of(row) }
    end

    # Without its scripts.
    def inspect = "#<Mtdb::Migrator of #{@db.url}>"

    private

    attr_reader :handle

    def verb(name, tenant, *arguments, timeout: nil, cancel: nil, &block)
      arguments = arguments.map { |argument| argument.is_a?(Integer) ? argument : argument.to_s }
      waiting(timeout, cancel) do |left, token|
        Call.raw(name, @handle, tenant.to_s, *arguments, left, token, &block)
      end
    end

    # Yields the milliseconds that are left and a token, until the library needs nothing more from the program.
    def waiting(timeout, cancel)
      @db.send(:answering, timeout) { |left| Native.with_token(cancel) { |token| yield left, token } }
    end

    def rows(*arguments, **wait)
      verb(*arguments, **wait) { |address| Native.adopt(address, self, nil) }.each_hash.to_a
    end
  end

  # A row about one tenant of a run, with its error as an exception.
  module Outcome
    # @param row  with `status` and `error`, the JSON of an error
    def self.of(row)
      return row if row[:error].nil?

      fields = JSON.parse(row[:error], symbolize_names: true)
      fields[:effect] = Errors::EFFECTS.index(fields[:effect].to_s.to_sym)
      row.merge(error: Errors.build(row[:status], fields)).freeze
    end
  end
end
