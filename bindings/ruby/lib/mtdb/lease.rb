# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Mtdb
  # A connection bound to one tenant until it is given back: what `db.tenant("a") { |t| ... }` yields. It serves one
  # thread at a time.
  #
  # Every call takes `timeout:` (seconds; Float::INFINITY for no end; without it the db's option) and `cancel:` (a
  # Mtdb::Cancel). Timeout.timeout, Thread#raise and signal handlers that raise end a call too.
  class Lease
    include Queries
    include Transactions

    # The db that it was borrowed from.
    attr_reader :db

    # For Database#tenant.
    def initialize(db)
      @db = db
      @handle = Native::Handle.new(:conn)
    end

    # Runs one statement and returns its rows; with a block yields each of them, and returns the result.
    #
    # @param params  values by position, or one Hash of values by name
    # @param block_rows  at most so many rows are taken from the library at a time
    # @param block_bytes  room for the first of these blocks
    def query(sql, *params, timeout: nil, cancel: nil, block_rows: nil, block_bytes: nil, &block)
      params = by_position(sql, params.first) if params.first.is_a?(Hash)
      limits = [block_rows || 0, block_bytes || 0] if block_rows || block_bytes
      rows = Native.query(@handle, nil, sql, params, Call.milliseconds(timeout), cancel, self, limits)
      block ? rows.each(&block) : rows
    end

    # Runs one statement that returns no rows; returns the number of rows changed.
    def exec(sql, *params, timeout: nil, cancel: nil)
      params = by_position(sql, params.first) if params.first.is_a?(Hash)
      Native.exec(@handle, nil, sql, params.empty? ? nil : [params], Call.milliseconds(timeout), cancel)
    end

    # Runs one statement once for each row of values, all in one transaction; returns the number of rows changed.
    def exec_many(sql, rows, timeout: nil, cancel: nil)
      rows = rows.to_a
      return 0 if rows.empty?

      Native.exec(@handle, nil, sql, rows, Call.milliseconds(timeout), cancel)
    end

    # Runs a text of several statements in order; returns how many there were. The error of one that fails has its
    # number, line and column.
    def script(text, timeout: nil, cancel: nil)
      waiting(cancel) do |token|
        Call.raw(:mtdb_conn_exec_script, @handle, text, Call.milliseconds(timeout), token)
      end
    end

    # Prepares one statement; with a block yields it, ends it afterwards, and is what the block was.
    def prepare(sql, timeout: nil, cancel: nil)
      handle = Native::Handle.new(:stmt)
      waiting(cancel) do |token|
        Call.raw(:mtdb_stmt_prepare, @handle, sql, Call.milliseconds(timeout), token) do |address|
          handle.fill(address)
        end
      end
      statement = Statement.new(self, sql, handle)
      return statement unless block_given?

      begin
        yield statement
      ensure
        statement.close
      end
    end

    # Runs what a block adds to a Batch, all or none; returns a frozen Hash per statement: statement, affected,
    # insert_id.
    def batch(timeout: nil, cancel: nil)
      yield(batch = Batch.new)
      rows = waiting(cancel) do |token|
        Call.raw(:mtdb_conn_exec_batch, @handle, batch.handle, Call.milliseconds(timeout), token) do |address|
          Native.adopt(address, self, nil)
        end
      end
      rows.each_hash.to_a
    end

    # The key that the last INSERT generated; 0 when there was none.
    def insert_id = Call.raw(:mtdb_conn_insert_id, @handle)

    # The id of the tenant.
    def tenant = Call.text { |capacity| Call::Raw.mtdb_conn_tenant(@handle, capacity) }

    # The tenant that the session stands in, asked of the server.
    def current_tenant(timeout: nil, cancel: nil)
      waiting(cancel) do |token|
        Call.text { |capacity| Call::Raw.mtdb_conn_current(@handle, Call.milliseconds(timeout), token, capacity) }
      end
    end

    # Binds the lease to another tenant, as if it were given back and borrowed anew; with a block, until its end.
    def use(id, timeout: nil, cancel: nil)
      rebind(:mtdb_conn_use, id, timeout, cancel)
      return self unless block_given?

      begin
        yield self
      ensure
        reset(timeout: timeout, cancel: cancel)
      end
    end

    # Binds the lease to the tenant again that it was borrowed for.
    def reset(timeout: nil, cancel: nil) = rebind(:mtdb_conn_reset, nil, timeout, cancel)

    # Gives the lease back; rolls back what is open. Again does nothing.
    def close = @handle.open? ? Native.close_conn(@handle) : nil

    # Whether the lease was given back.
    def closed? = !@handle.open?

    # Without any value.
    def inspect = "#<Mtdb::Lease #{closed? ? "closed" : tenant}>"

    private

    attr_reader :handle

    # For Database#tenant: borrows.
    def acquire(db_handle, id, options, milliseconds, cancel, &block)
      Native.acquire(@handle, db_handle, id, options, milliseconds, cancel, self, &block)
    end

    # Values by name become values by position. The statement that tells goes back to the connection's cache, where the
    # call finds it.
    def by_position(sql, named) = prepare(sql) { |statement| statement.send(:ordered, named) }

    def waiting(cancel, &block) = Native.with_token(cancel, &block)

    def rebind(call, id, timeout, cancel)
      @db.send(:answering, timeout) do |left|
        waiting(cancel) { |token| Call.raw(call, @handle, *id, left, token) }
      end
      self
    end
  end
end
