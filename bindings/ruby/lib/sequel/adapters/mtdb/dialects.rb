# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require "sequel/adapters/shared/mysql"
require "sequel/adapters/shared/postgres"
require "sequel/adapters/shared/sqlite"
require "sequel/adapters/utils/unmodified_identifiers"

module Sequel
  module Mtdb
    # What differs between the databases behind mtdb: Sequel's own dialects, and how values become what Sequel gives.
    module Dialects
      BLOB = ->(value) { SQL::Blob.new(value) }

      # Gives a Sequel::Database the dialect of an engine.
      def self.adopt(database, engine)
        dialect = { "postgres" => Postgres, "mysql" => MySQL }.fetch(engine, SQLite)
        database.extend(dialect)
        database.send(:initialize_dialect)
        database.dataset_class = dialect::Dataset
      end

      # Values of servers, whose columns have a type.
      module Typed
        # A conversion, or nil, for each column of a result.
        def conversions_of(result)
          result.types.map { |type, _nullable| conversions[type] }
        end

        private

        def conversions
          @conversions ||= {
            bytes: BLOB, time: method(:time_of_day), interval: :to_s.to_proc,
            timestamp: method(:naive_timestamp), timestamptz: method(:moment)
          }.freeze
        end

        # MariaDB's TIME may be longer than a day, or negative: Sequel has no class for that.
        def time_of_day(time)
          return time unless time.microseconds.between?(0, 86_400_000_000)

          SQLTime.create(time.hour % 24, time.minute, time.second.to_i, time.microseconds % 1_000_000)
        end

        # A server's infinity stays the Float that it is.
        def moment(time) = time.is_a?(Time) ? to_application_timestamp(time) : time

        # A moment without a zone is in the database's.
        def naive_timestamp(time)
          return time unless time.is_a?(Time)

          to_application_timestamp([time.year, time.month, time.day, time.hour, time.min, time.sec, time.nsec])
        end
      end

      # PostgreSQL.
      module Postgres
        include Sequel::Postgres::DatabaseMethods
        include Typed

        # Its datasets.
        class Dataset < Mtdb::Dataset
          include Sequel::Postgres::DatasetMethods
        end

        private

        def initialize_dialect = initialize_postgres_adapter

        # Without a schema's name it is the tenant's: the search path has pg_catalog in it too.
        def filter_schema(dataset, opts)
          opts[:schema] ? super : dataset.where(Sequel[:pg_namespace][:nspname] => Sequel.function(:current_schema))
        end
      end

      # MariaDB and MySQL. Sessions are in UTC, and so Sequel's view of them, unless the program says otherwise.
      module MySQL
        include Sequel::MySQL::DatabaseMethods
        include Typed

        # Its datasets.
        class Dataset < Mtdb::Dataset
          include Sequel::MySQL::DatasetMethods
        end

        CONSTRAINTS = { 1048 => NotNullConstraintViolation, 1062 => UniqueConstraintViolation,
                        1169 => UniqueConstraintViolation, 1216 => ForeignKeyConstraintViolation,
                        1217 => ForeignKeyConstraintViolation, 1451 => ForeignKeyConstraintViolation,
                        1452 => ForeignKeyConstraintViolation, 3819 => CheckConstraintViolation,
                        4025 => CheckConstraintViolation }.freeze

        # Asked once.
        def server_version(_server = nil) = @server_version ||= super()

        private

        def initialize_dialect = self.timezone = :utc

        # TINYINT(1) is BOOLEAN, and so are its values.
        def schema_column_type(db_type) = db_type.match?(/\Atinyint\(1\)/i) ? :boolean : super

        def database_specific_error_class(exception, opts) = CONSTRAINTS[exception.native_code] || super
      end

      # SQLite, and echo: values have a type each, and a column's declared one says what Sequel makes of them.
      module SQLite
        include Sequel::SQLite::DatabaseMethods

        # Its datasets.
        class Dataset < Mtdb::Dataset
          include Sequel::SQLite::DatasetMethods
        end

        FALSE_VALUES = [0, "0", "f", "false", "n", "no"].freeze

        # A conversion, or nil, for each column of a result.
        def conversions_of(result)
          result.declared.map { |type| conversions[type[/\A[^(]*/].strip.downcase] || conversions[:bytes] }
        end

        private

        def initialize_dialect = set_integer_booleans

        def sqlite_error_code(exception) = exception.native_code

        def conversions
          @conversions ||= {
            bytes: ->(value) { binary?(value) ? SQL::Blob.new(value) : value },
            "blob" => ->(value) { SQL::Blob.new(value.to_s) },
            "date" => method(:sqlite_date), "time" => method(:sqlite_time)
          }.merge(numbers, of(%w[datetime timestamp], method(:sqlite_timestamp)),
                  of(%w[bit bool boolean], method(:sqlite_boolean)))
        end

        def binary?(value) = value.is_a?(String) && value.encoding == Encoding::BINARY

        def sqlite_boolean(value) = !FALSE_VALUES.include?(value.is_a?(String) ? value.downcase : value)

        def of(names, conversion) = names.to_h { |name| [name, conversion] }

        def numbers
          of(%w[integer smallint mediumint int bigint], :to_i.to_proc)
            .merge(of(%w[numeric decimal money], ->(value) { BigDecimal(value.to_s, exception: false) || value }),
                   of(["float", "double", "real", "dec", "fixed", "double precision"], :to_f.to_proc))
        end

        def sqlite_date(value) = value.is_a?(String) ? Sequel.string_to_date(value) : Date.jd(value.to_i)

        def sqlite_time(value)
          return Sequel.string_to_time(value) if value.is_a?(String)

          seconds, fraction = value.divmod(1)
          SQLTime.create(seconds / 3600, seconds / 60 % 60, seconds % 60, (fraction * 1_000_000).round)
        end

        def sqlite_timestamp(value)
          case value
          when Integer then to_application_timestamp(Time.at(value).to_s)
          when Float then to_application_timestamp(DateTime.jd(value).to_s)
          else to_application_timestamp(value)
          end
        end
      end
    end
  end
end
