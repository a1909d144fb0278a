// SPDX-License-Identifier: MIT

using System;
using System.Threading;

namespace Mtdb {
    /// <summary>Runs transactions again that failed without writing anything, and may succeed later.</summary>
    internal static class Retry {
        private const int FirstPauseMs = 10;
        private const int LongestPauseMs = 1000;
        private static int seed = Environment.TickCount;
        private static readonly ThreadLocal<Random> random =
            new ThreadLocal<Random>(() => new Random(Interlocked.Increment(ref seed)));

        internal static T Run<T>(int attemptsMax, CancellationToken cancellation, Func<T> attempt) {
            if (attemptsMax < 1) throw new ArgumentOutOfRangeException(nameof(attemptsMax));
            for (var number = 1; ; number++) {
                cancellation.ThrowIfCancellationRequested();
                try {
                    return attempt();
                } catch (Exception exception) when (number < attemptsMax && MayRepeat(exception)) {
                    var longest = Math.Min(LongestPauseMs, FirstPauseMs << Math.Min(number - 1, 10));
                    cancellation.WaitHandle.WaitOne(random.Value.Next(longest / 2, longest + 1));
                }
            }
        }

        internal static T Once<T>(Lease lease, Func<Lease, T> work, TransactionOptions options,
            CancellationToken cancellation) {
            using (var transaction = lease.Begin(options, null, cancellation)) {
                var result = work(lease);
                transaction.Commit(null, cancellation);
                return result;
            }
        }

        /// <summary>A lost transaction was undone: running it again as a whole writes nothing twice.</summary>
        private static bool MayRepeat(Exception exception) {
            var cause = MtdbException.From(exception);
            if (cause == null || cause.Effect == Effect.Unknown || cause.Effect == Effect.Committed) return false;
            return cause.IsTransient || cause.Code == Status.TxLost;
        }
    }
}
