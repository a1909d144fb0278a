# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Mtdb
  # Different statements that run together, all or none: `lease.batch { |b| b.add(...) }`. PostgreSQL gets them in one
  # flight.
  class Batch
    # For Lease#batch.
    attr_reader :handle

    # An empty one.
    def initialize
      @handle = Native::Handle.new(:batch)
      Call.raw(:mtdb_batch_new) { |address| @handle.fill(address) }
    end

    # Adds a statement with its values, behind those that are there.
    def add(sql, *params)
      Call.raw(:mtdb_batch_add, @handle, sql, params.empty? ? nil : Native.block([params]))
      self
    end
  end
end
