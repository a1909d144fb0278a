# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Mtdb
  # Short ways to read, for what has a `query`: a lease, a db, a statement.
  module Queries
    # All rows, each a frozen Array.
    def rows(...) = query(...).to_a

    # All rows, each a frozen Hash by column name (a Symbol).
    def hashes(...) = query(...).each_hash.to_a

    # The first row as a frozen Array, or nil. The others are not read.
    def first(...) = query(...).first

    # The first column of the first row, or nil.
    def value(...) = query(...).first&.first
  end
end
