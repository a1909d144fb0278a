# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Mtdb
  # Transactions of a lease.
  module Transactions
    # States by the header's numbers.
    STATES = %i[none open lost].freeze

    # Runs a block in a transaction and is what the block was. The end of the block commits, and so do `return`,
    # `break` and `next`; an exception, a `throw`, a Timeout or the end of the thread roll back. Mtdb::Rollback rolls
    # back and is not raised further.
    #
    # @param attempts  how often the block runs at most, when it or the commit fails with an error that is retryable
    # @param options  read_only:, isolation:, immediate: (docs/options.md, scope tx)
    def transaction(attempts: 1, timeout: nil, cancel: nil, **options)
      wishes = Options.handle(:tx, options)
      Retry.run(attempts) do
        Native.transaction(@handle, wishes, Call.milliseconds(timeout), cancel, self) { yield self }
      end
    rescue Rollback
      nil
    end

    # Runs a block in a savepoint of the open transaction: an exception undoes what the block did, no more.
    def savepoint(name = nil)
      name ||= "mtdb_#{@savepoints = (@savepoints || 0) + 1}"
      set_savepoint(name)
      Native.transact(Savepoint.new(self, name)) { yield self }
    rescue Rollback
      nil
    end

    # Begins a transaction; the block forms above are safer.
    def begin_transaction(timeout: nil, cancel: nil, **options)
      handle = Options.handle(:tx, options)
      waiting(cancel) { |token| Call.raw(:mtdb_tx_begin, @handle, handle, Call.milliseconds(timeout), token) }
      self
    end

    # Commits. The effect of an error says what became of the transaction.
    def commit(timeout: nil, cancel: nil)
      waiting(cancel) { |token| Call.raw(:mtdb_tx_commit, @handle, Call.milliseconds(timeout), token) }
      self
    end

    # Rolls back; also ends a lost transaction. Without one it does nothing.
    def rollback
      Call.raw(:mtdb_tx_rollback, @handle)
      self
    end

    # Sets a savepoint.
    def set_savepoint(name) = Call.raw(:mtdb_tx_savepoint, @handle, name.to_s)

    # Undoes everything after a savepoint; it stays.
    def rollback_to(name) = Call.raw(:mtdb_tx_rollback_to, @handle, name.to_s)

    # Forgets a savepoint, and those after it.
    def release_savepoint(name) = Call.raw(:mtdb_tx_release_savepoint, @handle, name.to_s)

    # :none, :open, or :lost (it ended without our commit or rollback: only a rollback is taken).
    def transaction_state = STATES.fetch(Call.raw(:mtdb_tx_state, @handle))

    # Whether a transaction is open or lost.
    def in_transaction? = transaction_state != :none

    # What the extension tells how a savepoint's block was left.
    Savepoint = Struct.new(:lease, :name) do
      # For the extension.
      def end_transaction(commits)
        lease.rollback_to(name) unless commits
        lease.release_savepoint(name)
      rescue Error
        raise if commits
      end
    end
  end

  # Runs a block again after a failure that may pass.
  module Retry
    PAUSE = 0.01
    PAUSE_MAX = 1.0

    # @param attempts  how often at most
    def self.run(attempts)
      attempt = 0
      begin
        attempt += 1
        yield
      rescue Error => e
        raise unless e.retryable? && attempt < attempts

        sleep([PAUSE * (2**attempt), PAUSE_MAX].min * (0.5 + (rand / 2)))
        retry
      end
    end
  end
end
