// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Threading;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>Something that happened in a db: docs/events.md has the names.</summary>
    public sealed class Event {
        internal Event(Rows rows, long droppedBefore) {
            Sequence = rows.GetInt64(0);
            At = rows.GetDateTime(1);
            Class = rows.GetString(2);
            Level = rows.GetString(3);
            Name = rows.GetString(4);
            Tenant = Table.Text(rows, 5);
            Message = rows.GetString(6);
            Fields = rows.GetString(7);
            DroppedBefore = droppedBefore;
        }

        /// <summary>Counts from 1; order by it.</summary>
        public long Sequence { get; }

        /// <summary>The wall clock, in UTC.</summary>
        public DateTime At { get; }

        /// <summary>"log" or "audit".</summary>
        public string Class { get; }

        /// <summary>"debug", "info", "warn" or "error".</summary>
        public string Level { get; }

        /// <summary>For programs: "lease.abandoned".</summary>
        public string Name { get; }

        /// <summary>The tenant concerned, or null.</summary>
        public string Tenant { get; }

        /// <summary>For people; may change with any release.</summary>
        public string Message { get; }

        /// <summary>For programs: a JSON object.</summary>
        public string Fields { get; }

        /// <summary>Events lost before this one because the queue was full.</summary>
        public long DroppedBefore { get; }
    }

    public sealed unsafe partial class Db {
        private const int EventBytes = 64 * 1024;

        /// <summary>Takes events out of the queue as they come, oldest first, until the db is closed or the token is
        /// triggered. What was left at the close comes before the end. Waits in between: give it a thread of its
        /// own.</summary>
        public IEnumerable<Event> Events(CancellationToken cancellation = default) {
            while (true) {
                IReadOnlyList<Event> some;
                try {
                    some = PollEvents(Timeout.InfiniteTimeSpan, cancellation);
                } catch (ObjectDisposedException) {
                    yield break;
                } catch (OperationCanceledException) when (cancellation.IsCancellationRequested) {
                    yield break;
                }
                foreach (var one in some) yield return one;
            }
        }

        /// <summary>Takes the oldest events out of the queue; none when the time is over.</summary>
        /// <param name="timeout">for the first of them; null: only look</param>
        /// <param name="cancellation">ends the wait</param>
        public IReadOnlyList<Event> PollEvents(TimeSpan? timeout = null, CancellationToken cancellation = default) {
            var buffer = new byte[EventBytes];
            using (var wait = Wait.For(timeout ?? TimeSpan.Zero, cancellation)) {
                while (true) {
                    int status;
                    long count, used, dropped;
                    IntPtr error;
                    fixed (byte* at = buffer)
                        status = Native.mtdb_events_poll(Handle, wait.Left, wait.Cancel, (IntPtr)at, buffer.Length,
                            out count, out used, out dropped, out error);
                    if (status != Native.MTDB_TRUNCATED) {
                        Failure.Check(status, error, wait.Token);
                        return Read(buffer, (int)count, dropped);
                    }
                    buffer = new byte[used];
                }
            }
        }

        private static IReadOnlyList<Event> Read(byte[] block, int count, long dropped) {
            var events = new List<Event>(count);
            if (count == 0) return events;
            using (var rows = Rows.OfBlock(block, count)) {
                while (rows.Read()) events.Add(new Event(rows, events.Count == 0 ? dropped : 0));
            }
            return events;
        }
    }
}
