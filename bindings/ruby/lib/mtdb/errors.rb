# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require "timeout"

module Mtdb
  # What every exception of this library is: `rescue Mtdb::Error` catches all of them. docs/ruby.md ends with the table.
  module Error
    # The class of the failure as a number of mtdb.h, such as -20; its name is {#code}.
    attr_reader :status
    # Five characters: the engine's SQLSTATE, or the default of the status.
    attr_reader :sqlstate
    # Who failed: "sqlite", "postgres", "mysql", "echo", or "mtdb" when no engine was asked.
    attr_reader :engine
    # The tenant concerned, or nil.
    attr_reader :tenant
    # The migration script concerned, or nil.
    attr_reader :script
    # The option that was reached (BusyError of an exhausted pool), or nil.
    attr_reader :limit
    # The engine's own code; 0 when no engine was asked.
    attr_reader :native_code
    # What the failed call did to the data: :none, :rolled_back, :committed, or :unknown (read before you write again).
    attr_reader :effect
    # Place in the SQL text or script, from 1; nil when unknown.
    attr_reader :line, :column
    # Number of the failing statement of a script or batch, from 1; nil when there was one or none.
    attr_reader :statement

    # The status by its name, such as :TENANT_UNKNOWN.
    def code = Errors.name_of(status)

    # Whether the same call may succeed later without a change; nothing was written then.
    def retryable? = @retryable

    # For Errors.build: takes what the library told.
    def describe(status, fields)
      @status = status
      @sqlstate, @engine, @native_code = fields.values_at(:sqlstate, :engine, :native)
      @tenant, @script, @limit = fields.values_at(:tenant, :script, :limit).map { |text| text unless text.to_s.empty? }
      @line, @column, @statement = fields.values_at(:line, :column, :statement).map { |n| n unless n.to_i.zero? }
      @effect = Errors::EFFECTS[fields[:effect] || 0]
      @retryable = fields[:retryable] || false
      self
    end
  end

  # The base of most errors, and the class of a status that this version does not know.
  class DatabaseError < StandardError
    include Error
  end

  # A parameter is wrong: a bad id, an unknown option, a value that has no type.
  class InvalidArgumentError < ::ArgumentError
    include Error
  end

  # The thing, or its db, was closed; or the call comes at the wrong moment.
  class ClosedError < DatabaseError; end

  # Two threads entered one lease, statement or result.
  class MisuseError < ::ThreadError
    include Error
  end

  # There is no such folder, parameter, savepoint, script.
  class NotFoundError < DatabaseError; end

  # The tenant, script version, schema or database is there already.
  class ExistsError < DatabaseError; end

  # A constraint refused the data.
  class ConstraintError < DatabaseError; end

  # The transaction cannot be ordered with others: run it again, whole.
  class SerializationError < DatabaseError; end

  # Something else has it, or no connection came free in time.
  class BusyError < DatabaseError; end

  # The deadline came. Code that rescues ::Timeout::Error catches it too.
  class TimeoutError < ::Timeout::Error
    include Error
  end

  # A Mtdb::Cancel was triggered, or shutdown interrupted the work.
  class CancelledError < DatabaseError; end

  # The server refused the credentials, or the operation is not allowed.
  class AuthError < DatabaseError; end

  # The database cannot be reached, or the connection was lost; see #effect.
  class ConnectionError < DatabaseError; end

  # The engine refuses the statement; #line and #column say where.
  class SqlError < DatabaseError; end

  # No space left, reading or writing failed, or a write where only reading is allowed.
  class StorageError < DatabaseError; end

  # The transaction ended behind the caller's back: roll back, then run all of it again.
  class TransactionLostError < DatabaseError; end

  # There is no such tenant.
  class TenantNotFound < DatabaseError; end

  # The tenant's schema is older or newer than the scripts.
  class TenantVersionError < DatabaseError; end

  # The tenant is held, or its deployment is quiesced: again, later.
  class TenantQuiesced < DatabaseError; end

  # A migration failed, or its history is not what the scripts say.
  class MigrationError < DatabaseError; end

  # This backend or build cannot do that.
  class NotImplementedError < DatabaseError; end

  # A size is beyond what the backend or an option takes.
  class LimitError < DatabaseError; end

  # The thing belongs to the parent process: open the db after the fork.
  class ForkedError < DatabaseError; end

  # The file is damaged, or the library made a mistake.
  class InternalError < DatabaseError; end

  # No memory.
  class NoMemoryError < ::NoMemoryError
    include Error
  end

  # Raised inside of a transaction's block: rolls back, and the transaction returns nil.
  class Rollback < StandardError; end

  # The table of statuses and classes.
  module Errors
    # For the numbers of the header's effects.
    EFFECTS = %i[none rolled_back committed unknown].freeze

    # The class of each status, in the order of the header: -1, -2, ...
    TABLE = {
      INVALID_ARGUMENT: InvalidArgumentError, INVALID_STATE: ClosedError, CLOSED: ClosedError, MISUSE: MisuseError,
      NOT_FOUND: NotFoundError, EXISTS: ExistsError, CONSTRAINT: ConstraintError,
      SERIALIZATION: SerializationError, BUSY: BusyError, TIMEOUT: TimeoutError, CANCELLED: CancelledError,
      AUTH: AuthError, PERMISSION: AuthError, UNAVAILABLE: ConnectionError, SQL_ERROR: SqlError,
      DISK_FULL: StorageError, IO: StorageError, READ_ONLY: StorageError, TX_LOST: TransactionLostError,
      TENANT_UNKNOWN: TenantNotFound, TENANT_OUTDATED: TenantVersionError, TENANT_NEWER: TenantVersionError,
      TENANT_HELD: TenantQuiesced, POOL_EXHAUSTED: BusyError, MIGRATION_CHECKSUM: MigrationError,
      MIGRATION_FAILED: MigrationError, MIGRATION_DIRTY: MigrationError, MIGRATION_LOCKED: MigrationError,
      UNSUPPORTED: NotImplementedError, LIMIT: LimitError, CORRUPT: InternalError, NOMEM: NoMemoryError,
      FORKED: ForkedError, INTERNAL: InternalError
    }.freeze

    # The same by number.
    BY_STATUS = TABLE.each_with_index.to_h { |(name, type), index| [-1 - index, [name, type].freeze] }.freeze

    class << self
      # The name of a negative status, or :UNKNOWN.
      def name_of(status) = BY_STATUS.dig(status, 0) || :UNKNOWN

      # The exception for a status and the fields of its error object. The extension calls it.
      def build(status, fields)
        type = BY_STATUS.dig(status, 1) || DatabaseError
        type.new(fields[:message]).describe(status, fields)
      end
    end
  end
end
