# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module Sequel
  module Mtdb
    # Transactions by the library's calls instead of SQL: so it knows them, and tells one that was lost.
    module Transactions
      ISOLATION = { uncommitted: "read_committed", committed: "read_committed", repeatable: "repeatable_read",
                    serializable: "serializable" }.freeze

      # What the extension tells how a block was left.
      Leaving = Struct.new(:transactions, :conn) do
        # Sequel commits after a `throw`, which is how Timeout ends a block: here it rolls back.
        def end_transaction(in_order)
          transactions.fetch(conn)[:savepoints].last[:rollback_on_exit] = true unless in_order
        end
      end

      private

      def _transaction(conn, opts = OPTS)
        super(conn, opts) { ::Mtdb::Native.transact(Leaving.new(@transactions, conn)) { yield conn } }
      end

      def begin_new_transaction(conn, opts)
        logged("BEGIN", conn) { conn.begin_transaction(**wishes(opts)) }
        return unless database_type == :postgres

        log_connection_execute(conn, "SET TRANSACTION DEFERRABLE") if opts[:deferrable]
        sync = opts.fetch(:synchronous) { return }
        sync = { true => :on, false => :off }.fetch(sync, sync)
        log_connection_execute(conn, "SET LOCAL synchronous_commit = #{sync}")
      end

      def wishes(opts)
        level = opts.fetch(:isolation, transaction_isolation_level)
        { isolation: level && supports_transaction_isolation_levels? ? ISOLATION.fetch(level) : nil,
          read_only: opts[:read_only] ? true : nil, immediate: opts[:mode] == :deferred ? false : nil }
      end

      def begin_savepoint(conn, _opts)
        name = savepoint(conn, 1)
        logged("SAVEPOINT #{name}", conn) { conn.set_savepoint(name) }
      end

      def commit_transaction(conn, _opts = OPTS)
        return logged("COMMIT", conn) { conn.commit } if savepoint_level(conn) <= 1

        name = savepoint(conn, 1)
        logged("RELEASE SAVEPOINT #{name}", conn) { conn.release_savepoint(name) }
      end

      def rollback_transaction(conn, _opts = OPTS)
        return logged("ROLLBACK", conn) { conn.rollback } if savepoint_level(conn) <= 1

        name = savepoint(conn, 1)
        logged("ROLLBACK TO SAVEPOINT #{name}", conn) { conn.rollback_to(name) }
      end

      def savepoint(conn, above) = "autopoint_#{savepoint_level(conn) - above}"

      def logged(text, conn, &block)
        log_connection_yield(text, conn, &block)
      rescue ::Mtdb::Error => e
        raise_error(e)
      end
    end
  end
end
