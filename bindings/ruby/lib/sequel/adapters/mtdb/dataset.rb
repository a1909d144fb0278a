# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Sequel
  module Mtdb
    # Datasets: rows arrive in blocks, and become Hashes in the extension.
    class Dataset < Sequel::Dataset
      # Yields each row as a Hash by column name.
      def fetch_rows(sql)
        execute(sql) do |result|
          names = result.columns.map { |name| output_identifier(name) }
          self.columns = names
          conversions = names.zip(db.conversions_of(result)).select(&:last)
          result.each_loose(names) do |row|
            conversions.each { |name, conversion| (value = row[name]).nil? || row[name] = conversion.call(value) }
            yield row
          end
        end
        self
      end
    end
  end
end
