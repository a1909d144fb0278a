# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Mtdb
  # The rows of a query, in blocks from the library; Enumerable. They are read once, from the first to the last: keep
  # them with `to_a`. A block that is left early (break, an exception, `first`) ends the reading, and drops the rest.
  #
  # Rows and the values in them are frozen. `each` yields Arrays; the types are in docs/ruby.md.
  #
  # In the extension: `each`, `each_raw` (values as a block carries them: days, microseconds, decimals as text),
  # `columns` (frozen names), `declared` (types in the engine's words; before the last row), `affected`, `insert_id`,
  # `close`, `closed?`.
  class Result
    # Rows as frozen Hashes by column name; a name that comes twice has its last value.
    # @param symbolize  true: keys are Symbols; false: frozen Strings
    def each_hash(symbolize: true, &block)
      return enum_for(:each_hash, symbolize: symbolize) unless block

      each_keyed(symbolize ? columns.map(&:to_sym) : columns, false, &block)
    end

    # Rows as Hashes with these keys, which may be changed, and so may their Strings: for layers that hand rows on.
    def each_loose(keys, &block) = each_keyed(keys, true, &block)

    # Yields this result once for each set of rows that a procedure returns.
    def each_set
      return enum_for(:each_set) unless block_given?

      begin
        more = keep_sets
        while more
          yield self
          more = next_set
        end
        self
      ensure
        close
      end
    end

    # Blocks as they come: yields the types (Symbols) of the columns in this block, and its rows.
    # @param raw  as `each_raw`
    def each_block(raw: false)
      return enum_for(:each_block, raw: raw) unless block_given?

      begin
        while (types, rows = next_block(raw))
          yield types.map { |type| TYPES.key(type) || :bytes }, rows
        end
        self
      ensure
        close
      end
    end

    # What is known of the columns before their values: [type, nullable] each. The type is a Symbol, :variant where each
    # value has its own; nullable is true, false, or nil for unknown. Before the last row only.
    def types
      column_types.map { |type, nullable| [TYPES.key(type) || :bytes, { 0 => false, 1 => true }[nullable]] }
    end

    # Without any value.
    def inspect = "#<Mtdb::Result #{closed? ? "closed" : columns.join(", ")}>"
  end
end
