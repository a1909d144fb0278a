// SPDX-License-Identifier: MIT

using System;
using System.Data;
using System.Data.Common;
using System.Threading;
using System.Threading.Tasks;

namespace Mtdb.Data {
    /// <summary>One statement on its way to a connection. Its asynchronous calls run on another thread, and their token
    /// ends the statement itself, as <see cref="Cancel"/> does.</summary>
    public sealed class MtdbCommand : DbCommand {
        private readonly MtdbParameterCollection parameters = new MtdbParameterCollection();
        private MtdbConnection connection;
        private MtdbTransaction transaction;
        private volatile Cancellation running;
        private int? timeout;
        private string text = "";

        /// <summary>A command without text.</summary>
        public MtdbCommand() { }

        /// <summary>A command with its text.</summary>
        public MtdbCommand(string text, MtdbConnection connection = null, MtdbTransaction transaction = null) {
            CommandText = text;
            this.connection = connection;
            this.transaction = transaction;
        }

        /// <summary>One statement; its placeholders are the database's own, or ? and :name with option
        /// placeholders=portable.</summary>
        public override string CommandText {
            get => text;
            set => text = value ?? "";
        }

        /// <summary>Seconds that the statement with its rows may take; 0: no end. Unless set, option
        /// query_timeout_ms.</summary>
        public override int CommandTimeout {
            get => timeout ?? (int)Math.Ceiling((connection?.Db?.QueryTimeout ?? TimeSpan.Zero).TotalSeconds);
            set => timeout = value >= 0 ? value : throw new ArgumentException("a time below zero", nameof(value));
        }

        /// <summary>Text: there is no other.</summary>
        public override CommandType CommandType {
            get => CommandType.Text;
            set {
                if (value != CommandType.Text) throw new NotSupportedException($"commands of type {value}");
            }
        }

        /// <summary>For designers.</summary>
        public override bool DesignTimeVisible { get; set; }

        /// <summary>For a data adapter.</summary>
        public override UpdateRowSource UpdatedRowSource { get; set; } = UpdateRowSource.None;

        /// <summary>The values for the statement's placeholders.</summary>
        public new MtdbParameterCollection Parameters => parameters;

        /// <summary>The key that the last INSERT of the connection generated; 0 for none.</summary>
        public long LastInsertId => Connected().Lease.InsertId;

        /// <summary>The connection.</summary>
        protected override DbConnection DbConnection {
            get => connection;
            set => connection = (MtdbConnection)value;
        }

        /// <summary>The values for the statement's placeholders.</summary>
        protected override DbParameterCollection DbParameterCollection => parameters;

        /// <summary>The transaction that the command belongs to: the connection's, if it has one.</summary>
        protected override DbTransaction DbTransaction {
            get => transaction;
            set => transaction = (MtdbTransaction)value;
        }

        /// <summary>A parameter without a value.</summary>
        protected override DbParameter CreateDbParameter() => new MtdbParameter();

        /// <summary>Ends what the command runs now, if anything. From any thread; never waits.</summary>
        public override void Cancel() => running?.Trigger();

        /// <summary>Checks the statement; the library keeps its compiled form.</summary>
        public override void Prepare() => Connected().Lease.Prepare(text).Dispose();

        /// <summary>Runs the statement.</summary>
        /// <returns>rows changed</returns>
        public override int ExecuteNonQuery() => NonQuery(default);

        /// <summary>Runs the statement, and drops all but the first value of the first row.</summary>
        /// <returns>null: no row</returns>
        public override object ExecuteScalar() => Scalar(default);

        /// <summary>Runs the statement on another thread.</summary>
        public override Task<int> ExecuteNonQueryAsync(CancellationToken cancellationToken) =>
            Task.Run(() => NonQuery(cancellationToken), cancellationToken);

        /// <summary>Runs the statement on another thread.</summary>
        public override Task<object> ExecuteScalarAsync(CancellationToken cancellationToken) =>
            Task.Run(() => Scalar(cancellationToken), cancellationToken);

        /// <summary>Runs the statement.</summary>
        public new MtdbDataReader ExecuteReader() => Reader(CommandBehavior.Default, default);

        /// <summary>Runs the statement.</summary>
        public new MtdbDataReader ExecuteReader(CommandBehavior behavior) => Reader(behavior, default);

        /// <summary>Runs the statement.</summary>
        protected override DbDataReader ExecuteDbDataReader(CommandBehavior behavior) => Reader(behavior, default);

        /// <summary>Runs the statement on another thread; the token ends the reading of its rows too.</summary>
        protected override Task<DbDataReader> ExecuteDbDataReaderAsync(CommandBehavior behavior,
            CancellationToken cancellationToken) =>
            Task.Run<DbDataReader>(() => Reader(behavior, cancellationToken), cancellationToken);

        private MtdbConnection Connected() {
            if (connection == null) throw new InvalidOperationException("the command has no connection");
            if (transaction != null && connection.Pending != transaction)
                throw new InvalidOperationException("the command's transaction has ended, or is another connection's");
            return connection;
        }

        private TimeSpan? Limit() {
            if (timeout == null) return null;
            return timeout == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(timeout.Value);
        }

        private int NonQuery(CancellationToken token) {
            var lease = Connected().Lease;
            var block = Binding.Block(connection, text, parameters);
            using (var cancellation = new Cancellation(token)) {
                running = cancellation;
                try {
                    var affected = lease.Execute(text, block, Wait.For(Limit(), cancellation));
                    return (int)Math.Min(int.MaxValue, affected);
                } finally {
                    running = null;
                }
            }
        }

        private object Scalar(CancellationToken token) {
            using (var reader = Reader(CommandBehavior.SingleRow, token))
                return reader.Read() && reader.FieldCount > 0 ? reader.GetValue(0) : null;
        }

        private MtdbDataReader Reader(CommandBehavior behavior, CancellationToken token) {
            if ((behavior & CommandBehavior.SchemaOnly) != 0 && !Reads(text))
                throw new NotSupportedException("the schema of a statement that may write");
            var lease = Connected().Lease;
            var block = Binding.Block(connection, text, parameters);
            var cancellation = new Cancellation(token);
            running = cancellation;
            try {
                var rows = lease.Query(text, block, Wait.For(Limit(), cancellation));
                rows.Ended = () => {
                    if (running == cancellation) running = null;
                };
                return new MtdbDataReader(rows, connection, behavior, cancellation);
            } catch {
                running = null;
                cancellation.Dispose();
                throw;
            }
        }

        private static bool Reads(string sql) {
            var start = sql.TrimStart();
            return start.StartsWith("SELECT", StringComparison.OrdinalIgnoreCase)
                || start.StartsWith("VALUES", StringComparison.OrdinalIgnoreCase);
        }
    }
}
