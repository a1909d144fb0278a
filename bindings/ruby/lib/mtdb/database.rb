# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Mtdb
  # All tenants of one place: the root of everything. It serves every thread at once. Made by Mtdb.open.
  class Database
    include Queries

    # Where the tenants live, without a password.
    attr_reader :url

    # For Mtdb.open.
    def initialize(url, resolver: nil, **options)
      @handle = Native::Handle.new(:db)
      @resolver = resolver
      @url = url.to_s.sub(%r{(://[^:/@]*):[^@/]*@}, '\1:***@').gsub(/(password[^=&]*=)[^&]*/i, '\1***').freeze
      options = { "tenant.routes": "resolver" }.merge(options) if resolver
      wishes = Options.handle(:db, options)
      Call.raw(:mtdb_db_open, url.to_s, wishes) { |address| @handle.fill(address) }
    end

    # The database behind it, from the url: "sqlite", "postgres", "mysql" or "echo".
    def engine
      case @url[/\A[a-z0-9+]+(?=:)/]
      when /\A(postgres|postgresql)/ then "postgres"
      when /\A(mysql|mariadb)/ then "mysql"
      when "echo" then "echo"
      else "sqlite"
      end
    end

    # Borrows a connection bound to one tenant. With a block yields the Lease, gives it back at the block's end however
    # that comes, and is what the block was; without one the caller closes it.
    #
    # @param id  the tenant; without it that of Mtdb.with_tenant
    # @param options  tag: (a name for events), read_only: (docs/options.md, scope lease)
    def tenant(id = Mtdb.current_tenant!, timeout: nil, cancel: nil, **options, &block)
      lease = Lease.new(self)
      wishes = Options.handle(:lease, options) unless options.empty?
      answering(timeout) { |left| lease.send(:acquire, @handle, id.to_s, wishes, left, cancel, &block) }
    end

    # Runs one statement in a tenant and returns its rows: Lease#query with a lease of its own, which goes back when the
    # rows were read.
    def query(sql, *params, tenant: Mtdb.current_tenant!, timeout: nil, cancel: nil, block_rows: nil, &block)
      params = by_position(sql, params.first, tenant, timeout, cancel) if params.first.is_a?(Hash)
      limits = [block_rows, 0] if block_rows
      rows = answering(timeout) do |left|
        Native.query(@handle, tenant.to_s, sql, params, left, cancel, self, limits) || Native::NEEDS
      end
      block ? rows.each(&block) : rows
    end

    # Runs one statement that returns no rows in a tenant; returns the number of rows changed.
    def exec(sql, *params, tenant: Mtdb.current_tenant!, timeout: nil, cancel: nil)
      params = by_position(sql, params.first, tenant, timeout, cancel) if params.first.is_a?(Hash)
      run_rows(sql, params.empty? ? nil : [params], tenant, timeout, cancel)
    end

    # Runs one statement in a tenant once for each row of values, all in one transaction.
    def exec_many(sql, rows, tenant: Mtdb.current_tenant!, timeout: nil, cancel: nil)
      rows = rows.to_a
      rows.empty? ? 0 : run_rows(sql, rows, tenant, timeout, cancel)
    end

    # Runs a block in a transaction of a tenant, with a lease of its own, and again after a failure that may pass: a
    # deadlock, a transaction that cannot be ordered, a connection that was lost before the commit.
    #
    # @param attempts  how often at most
    # @param options  as Lease#transaction
    def transaction(id = Mtdb.current_tenant!, attempts: 5, timeout: nil, cancel: nil, **options, &block)
      Retry.run(attempts) do
        tenant(id, timeout: timeout, cancel: cancel) do |lease|
          lease.transaction(timeout: timeout, cancel: cancel, **options, &block)
        end
      end
    end

    # The tenants: create, drop, list, hold, ...
    def tenants = @tenants ||= Tenants.new(self)

    # A Migrator for a folder of scripts (source:) or, with a block, for scripts that it adds.
    # @param options  source:, layout:, history:, mode: and others (docs/options.md, scope migrator)
    def migrator(**options) = Migrator.new(self, options).tap { |migrator| yield migrator if block_given? }

    # A Fleet: one thing done to many tenants.
    # @param migrator  of this db; none for verb: "sql"
    # @param options  verb:, target:, canary:, waves: and others (docs/options.md, scope fleet)
    def fleet(migrator = nil, tenants: nil, **options) = Fleet.new(self, migrator, tenants, options)

    # The deployment's pause flags.
    # @param options  store:, scopes: and others (docs/options.md, scope quiesce)
    def quiesce(**options) = Quiesce.new(self, options)

    # What happened, oldest first: an Events, which is Enumerable.
    # @param wait  seconds to wait for the next event before it ends; 0 takes what there is
    def events(wait: 0, cancel: nil) = Events.new(self, wait, cancel)

    # The figures of the whole db, by name (docs/stats.md).
    def stats = figures(:mtdb_db_stats)

    # A frozen Hash for each open pool.
    def pool_stats = rows_of(:mtdb_pool_stats).each_hash.to_a

    # Does a share of the maintenance; needed only with threads: "none". False: there is more to do.
    # @param budget  seconds; nil for all that is due
    def maintain(budget = nil)
      Call.raw(:mtdb_db_maintain, @handle, Call.milliseconds(budget || Float::INFINITY)) do |status|
        status == Call::Raw::MTDB_DONE
      end
    end

    # Shuts down: refuses new work, lets running work end, interrupts what is left at the deadline. Returns how many
    # leases had to be interrupted. Again does nothing.
    def close(timeout: nil, cancel: nil)
      return 0 unless @handle.open?

      Native.with_token(cancel) { |token| Call.raw(:mtdb_db_close, @handle, Call.milliseconds(timeout), token) }
        .tap { @closed = true }
    end

    # Whether it was closed.
    def closed? = @closed || false

    # Without a password.
    def inspect = "#<Mtdb::Database #{@url}#{" closed" if closed?}>"

    private

    attr_reader :handle

    # A run over many tenants asks the host for no route: a tenant whose place is not known then would fail. They are
    # believed for route_ttl_ms.
    def learn_routes(ids)
      return unless @resolver

      ids.each do |id|
        tenants.exist?(id)
      rescue Error
        nil # the run says it of that tenant
      end
    end

    def by_position(sql, named, id, timeout, cancel)
      tenant(id, timeout: timeout, cancel: cancel) { |lease| lease.send(:by_position, sql, named) }
    end

    def run_rows(sql, rows, tenant, timeout, cancel)
      answering(timeout) do |left|
        Native.exec(@handle, tenant.to_s, sql, rows, left, cancel) || Native::NEEDS
      end
    end

    # A raw call of the db that can need an answer: name, db, arguments, timeout, token.
    def verb(name, *arguments, timeout: nil, cancel: nil)
      answering(timeout) do |left|
        Native.with_token(cancel) { |token| Call.raw(name, @handle, *arguments, left, token) }
      end
    end

    # Runs a block, which gets the milliseconds that are left, until the library needs nothing more for it.
    # @param needed  does what the library needs
    def answering(timeout, needed = method(:answer_requests))
      left = Call.milliseconds(timeout)
      ends = left.positive? ? now + timeout : nil
      while true # `loop` would swallow a StopIteration
        outcome = yield(left)
        return outcome unless outcome.equal?(Native::NEEDS)

        needed.call
        left = [((ends - now) * 1000).ceil, 0].max if ends
      end
    end

    # Asks the resolver about every tenant that the library waits for. What it raises is raised here; others who wait
    # for that tenant are told that there is none.
    def answer_requests
      while (id, tenant = next_request)
        begin
          route = @resolver&.call(tenant)
        rescue Exception => e # the request must not stay taken, whatever it was
          Call.raw(:mtdb_db_refuse, @handle, id, "the resolver failed: #{e.class}")
          raise
        end
        answer(id, route)
      end
    end

    def next_request
      Call.raw(:mtdb_db_request, @handle, 0, nil, 64) do |id, _kind, bytes, size, status|
        status == Call::Raw::MTDB_OK ? [id, bytes.byteslice(0, size).force_encoding(Encoding::UTF_8)] : []
      end
    end

    def answer(id, route)
      return Call.raw(:mtdb_db_refuse, @handle, id, "the resolver knows no such tenant") if route.nil?

      Call.raw(:mtdb_db_answer, @handle, id, route.to_s)
    rescue Error => e
      Call.raw(:mtdb_db_refuse, @handle, id, "the resolver's answer is no route") unless e.code == :NOT_FOUND
      raise
    end

    def rows_of(name, *arguments)
      Call.raw(name, @handle, *arguments) { |address| Native.adopt(address, self, nil) }
    end

    def figures(name, *arguments) = rows_of(name, *arguments).to_h { |figure, _unit, value| [figure, value] }

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end
