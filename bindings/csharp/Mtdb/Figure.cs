// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>One figure of a db or tenant: docs/stats.md has the names.</summary>
    public sealed class Figure {
        private Figure(Rows rows) {
            Name = rows.GetString(0);
            Unit = rows.GetString(1);
            Value = rows.GetInt64(2);
        }

        /// <summary>Its name, such as "leases.now".</summary>
        public string Name { get; }

        /// <summary>"count", "us", "bytes".</summary>
        public string Unit { get; }

        /// <summary>Its value.</summary>
        public long Value { get; }

        internal static IReadOnlyList<Figure> All(Rows rows) => Table.All(rows, row => new Figure(row));
    }

    /// <summary>Figures of one open pool.</summary>
    public sealed class PoolFigures {
        internal PoolFigures(Rows rows) {
            Pool = rows.GetString(0);
            Open = rows.GetInt64(1);
            Idle = rows.GetInt64(2);
            Leased = rows.GetInt64(3);
            Waiting = rows.GetInt64(4);
            Writing = rows.GetInt64(5);
            Files = rows.GetInt64(6);
            MemoryBytes = rows.GetInt64(7);
            IdleTime = TimeSpan.FromMilliseconds(rows.GetInt64(8));
            Connecting = rows.GetInt64(9);
            Failures = rows.GetInt64(10);
        }

        /// <summary>The tenant, or "server:N".</summary>
        public string Pool { get; }

        /// <summary>Open connections.</summary>
        public long Open { get; }

        /// <summary>Of these, ready for the next lease.</summary>
        public long Idle { get; }

        /// <summary>Of these, lent out.</summary>
        public long Leased { get; }

        /// <summary>Callers in a queue.</summary>
        public long Waiting { get; }

        /// <summary>Leases that have the writer's turn.</summary>
        public long Writing { get; }

        /// <summary>Descriptors.</summary>
        public long Files { get; }

        /// <summary>Memory that the connections hold.</summary>
        public long MemoryBytes { get; }

        /// <summary>How long the pool has been idle.</summary>
        public TimeSpan IdleTime { get; }

        /// <summary>Connections on their way.</summary>
        public long Connecting { get; }

        /// <summary>Failures to connect.</summary>
        public long Failures { get; }
    }

    public sealed partial class Db {
        /// <summary>Figures of the whole db.</summary>
        public IReadOnlyList<Figure> Stats() {
            Failure.Check(Native.mtdb_db_stats(Handle, out var made, out var error), error);
            return Figure.All(new Rows(made, null));
        }

        /// <summary>Figures of each open pool.</summary>
        public IReadOnlyList<PoolFigures> PoolStats() {
            Failure.Check(Native.mtdb_pool_stats(Handle, out var made, out var error), error);
            return Table.All(new Rows(made, null), rows => new PoolFigures(rows));
        }
    }
}
