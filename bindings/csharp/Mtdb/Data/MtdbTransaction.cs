// SPDX-License-Identifier: MIT

using System;
using System.Data;
using System.Data.Common;

namespace Mtdb.Data {
    /// <summary>The open transaction of a connection: rolled back when it is disposed without a commit.</summary>
    public sealed class MtdbTransaction : DbTransaction {
        private readonly MtdbConnection connection;
        private readonly Transaction transaction;
        private bool ended;

        internal MtdbTransaction(MtdbConnection connection, Transaction transaction, IsolationLevel level) {
            this.connection = connection;
            this.transaction = transaction;
            IsolationLevel = level;
        }

        /// <summary>The level that it was begun with.</summary>
        public override IsolationLevel IsolationLevel { get; }

        /// <summary>The connection; null when the transaction has ended.</summary>
        protected override DbConnection DbConnection => ended ? null : connection;

        /// <summary>Commits. When it fails, <see cref="MtdbException.Effect"/> says what became of it.</summary>
        public override void Commit() {
            Open().Commit();
            End();
        }

        /// <summary>Rolls back; also ends a lost transaction.</summary>
        public override void Rollback() {
            Open().Rollback();
            End();
        }

        /// <summary>Sets a savepoint.</summary>
        public void Save(string name) => Open().Save(name);

        /// <summary>Undoes everything after a savepoint, which stays.</summary>
        public void Rollback(string name) => Open().RollbackTo(name);

        /// <summary>Forgets a savepoint; what was done since stays.</summary>
        public void Release(string name) => Open().Release(name);

        /// <summary>Rolls back what was not committed.</summary>
        protected override void Dispose(bool disposing) {
            if (disposing && !ended) {
                transaction.Dispose();
                End();
            }
            base.Dispose(disposing);
        }

        private Transaction Open() =>
            ended ? throw new InvalidOperationException("the transaction has ended") : transaction;

        private void End() {
            ended = true;
            if (connection.Pending == this) connection.Pending = null;
        }
    }
}
