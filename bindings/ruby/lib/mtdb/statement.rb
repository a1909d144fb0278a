# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Mtdb
  # A prepared statement of a lease: `lease.prepare(sql) { |statement| ... }`. It keeps its lease alive.
  class Statement
    include Queries

    # Its text.
    attr_reader :sql

    # For Lease#prepare.
    def initialize(lease, sql, handle)
      @lease = lease
      @sql = sql
      @handle = handle
      @indexes = {}
    end

    # Runs it and returns its rows; with a block yields each of them, and returns the result.
    # @param params  values by position, or one Hash of values by name (with its sigil or without) or by number from 1;
    #   what is left out is NULL
    def query(*params, timeout: nil, cancel: nil, block_rows: nil, block_bytes: nil, &block)
      params = ordered(params.first) if params.first.is_a?(Hash)
      limits = [block_rows || 0, block_bytes || 0] if block_rows || block_bytes
      rows = Native.execute(@handle, params, Call.milliseconds(timeout), cancel, self, limits) ||
             @lease.query(@sql, *padded(params), timeout: timeout, cancel: cancel, block_rows: block_rows,
                                                 block_bytes: block_bytes)
      block ? rows.each(&block) : rows
    end

    # Runs it and returns the number of rows changed.
    def exec(*params, timeout: nil, cancel: nil)
      result = query(*params, timeout: timeout, cancel: cancel)
      result.close
      result.affected
    end

    # Runs it once for each row of values, all in one transaction; returns the number of rows changed.
    def exec_many(rows, timeout: nil, cancel: nil) = @lease.exec_many(@sql, rows, timeout: timeout, cancel: cancel)

    # How many parameters it has.
    def parameter_count = @parameter_count ||= Call.raw(:mtdb_stmt_parameter_count, @handle)

    # The position of a named parameter, from 1.
    def parameter_index(name)
      @indexes[name] ||= Call.raw(:mtdb_stmt_parameter_index, @handle, name.to_s)
    end

    # Ends it. Again does nothing.
    def close
      return unless @handle.open?

      Call.raw(:mtdb_stmt_close, @handle) { @handle.release }
      nil
    end

    # Without any value.
    def inspect = "#<Mtdb::Statement#{" closed" unless @handle.open?}>"

    private

    def ordered(named)
      values = Array.new(parameter_count)
      named.each { |name, value| values[place(name) - 1] = value }
      values
    end

    def place(name)
      return parameter_index(name) unless name.is_a?(Integer)
      return name if name.between?(1, parameter_count)

      raise Errors.build(-1, message: "the statement has no parameter #{name}")
    end

    def padded(params) = params + Array.new([parameter_count - params.size, 0].max)
  end
end
