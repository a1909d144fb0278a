# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Mtdb
  # The tenants of a db: Enumerable over their ids, in no particular order. Every call takes `timeout:` and `cancel:`.
  class Tenants
    include Enumerable

    # For Database#tenants.
    def initialize(db)
      @db = db
    end

    # Ids as the calls take them that have a list. What is no id is refused: a line of its own would be another tenant,
    # and nothing at all every tenant.
    def self.lines(ids)
      ids = ids.map(&:to_s)
      wrong = ids.find { |id| id.empty? || id.include?("\n") }
      raise Errors.build(-1, message: "#{wrong.inspect} is no tenant's id") if wrong

      ids.join("\n")
    end

    # Yields the id of each tenant.
    def each(timeout: nil, cancel: nil)
      return enum_for(:each, timeout: timeout, cancel: cancel) unless block_given?

      rows = Native.with_token(cancel) do |token|
        Call.result(:mtdb_tenant_list, handle, Call.milliseconds(timeout), token, @db, cancel)
      end
      rows.each { |row| yield row.first }
      self
    end

    # Creates one: durable when this returns, never half-made.
    def create(id, **wait) = call(:mtdb_tenant_create, id, **wait)

    # Drops one with all its data. Refused while a lease of it is out.
    def drop(id, **wait) = call(:mtdb_tenant_drop, id, **wait)

    # Copies a live tenant to a new one: a consistent snapshot.
    def copy(source, target, **wait) = call(:mtdb_tenant_copy, source, target, **wait)

    # Gives a tenant another id; its data stay. Refused while a lease of either is out.
    def rename(id, target, **wait) = call(:mtdb_tenant_rename, id, target, **wait)

    # Opens and reads one existing tenant; never creates one.
    def ping(id, **wait) = call(:mtdb_db_ping, id, **wait)

    # Whether there is such a tenant.
    def exist?(id)
      found = @db.send(:answering, nil) { Call.raw(:mtdb_tenant_exists, handle, id.to_s) }
      found == 1
    end
    alias include? exist?
    alias member? exist?

    # Raises InvalidArgumentError, which names the rule, for an id that no tenant may have.
    def check(id)
      Call.raw(:mtdb_tenant_check, handle, id.to_s)
      id
    end

    # Holds one tenant in this process: no lease of it is out, and none is given, until `resume` or the block's end.
    #
    # @param refuse  new leases fail at once, instead of waiting for the end of the hold
    # @param cancel_running  at the deadline, what runs is ended instead of the hold being given up
    def hold(id, refuse: false, cancel_running: false, **wait)
      call(:mtdb_tenant_hold, id, refuse ? 1 : 0, cancel_running ? 1 : 0, **wait)
      return self unless block_given?

      begin
        yield id
      ensure
        resume(id)
      end
    end

    # Ends the hold of a tenant.
    def resume(id)
      Call.raw(:mtdb_tenant_resume, handle, id.to_s)
      self
    end

    # The figures of one tenant, by name.
    def stats(id) = @db.send(:figures, :mtdb_tenant_stats, id.to_s)

    # Without listing them.
    def inspect = "#<Mtdb::Tenants of #{@db.url}>"

    private

    def handle = @db.send(:handle)

    def call(name, *arguments, **wait)
      @db.send(:verb, name, *arguments.map { |argument| argument.is_a?(Symbol) ? argument.to_s : argument }, **wait)
      self
    end
  end
end
