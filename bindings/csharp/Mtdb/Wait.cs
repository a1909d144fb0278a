// SPDX-License-Identifier: MIT

using System;
using System.Diagnostics;
using System.Threading;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>How long a call may take, and what ends it earlier. Owns the library's token.</summary>
    internal readonly struct Wait : IDisposable {
        private readonly long milliseconds;
        private readonly long began;
        private readonly Cancellation cancellation;

        private Wait(long milliseconds, Cancellation cancellation) {
            this.milliseconds = milliseconds;
            this.cancellation = cancellation;
            began = milliseconds > 0 ? Stopwatch.GetTimestamp() : 0;
        }

        /// <param name="timeout">null: the option's value; <see cref="Timeout.InfiniteTimeSpan"/>: no deadline</param>
        /// <param name="token">ends the call when it is triggered</param>
        internal static Wait For(TimeSpan? timeout, CancellationToken token) =>
            new Wait(Milliseconds(timeout), Cancellation.Of(token));

        /// <summary>With a token of the library that is there already.</summary>
        internal static Wait For(TimeSpan? timeout, Cancellation cancellation) =>
            new Wait(Milliseconds(timeout), cancellation);

        /// <summary>What is left of the time, as the library takes it.</summary>
        internal long Left {
            get {
                if (began == 0) return milliseconds;
                var passed = (Stopwatch.GetTimestamp() - began) * 1000 / Stopwatch.Frequency;
                return Math.Max(0, milliseconds - passed);
            }
        }

        internal Handle Cancel => cancellation == null ? Ending.Handle : cancellation.Handle;

        internal CancellationToken Token => cancellation == null ? default : cancellation.Token;

        internal Cancellation Cancellation => cancellation;

        public void Dispose() => cancellation?.Dispose();

        private static long Milliseconds(TimeSpan? timeout) {
            if (timeout == null) return Native.MTDB_DEFAULT;
            var ticks = timeout.Value.Ticks;
            if (timeout.Value == Timeout.InfiniteTimeSpan) return Native.MTDB_FOREVER;
            if (ticks < 0) throw new ArgumentOutOfRangeException(nameof(timeout), "a time below zero");
            return (ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;
        }
    }

    /// <summary>A token of the library that follows a <see cref="CancellationToken"/>. It lives as long as what it may
    /// end: a call, or a result until its rows are read.</summary>
    internal sealed class Cancellation : IDisposable {
        /// <summary>By a weak reference: a token that lives long keeps nothing alive that was forgotten.</summary>
        private static readonly Action<object> trigger = state => {
            if (((WeakReference<Cancellation>)state).TryGetTarget(out var one)) one.Trigger();
        };

        /// <summary>Also for a token that nothing triggers: <see cref="Trigger"/> does.</summary>
        internal Cancellation(CancellationToken token) : this(Loaded(), token) { }

        internal Cancellation(CancellationToken end, CancellationToken token) {
            token.ThrowIfCancellationRequested();
            Failure.Check(Native.mtdb_cancel_new(out var made, out var error), error);
            Handle = new CancelHandle(made);
            Token = token;
            var weak = new WeakReference<Cancellation>(this);
            Handle.Ending = end.Register(trigger, weak);
            if (token.CanBeCanceled) Handle.Registration = token.Register(trigger, weak);
        }

        private static CancellationToken Loaded() {
            Library.Load();
            return Ending.Token;
        }

        internal CancelHandle Handle { get; }

        internal CancellationToken Token { get; }

        /// <summary>null for a token that nothing can trigger.</summary>
        internal static Cancellation Of(CancellationToken token) =>
            token.CanBeCanceled ? new Cancellation(token) : null;

        /// <summary>Ends what carries this token. From any thread, also when all is over; never waits.</summary>
        internal void Trigger() {
            try {
                Native.mtdb_cancel_trigger(Handle, 0, out var error);
                Failure.Drop(error);
            } catch (ObjectDisposedException) {
                // What it was for has ended.
            }
        }

        /// <summary>The operation is over. Waits for a trigger that runs meanwhile.</summary>
        public void Dispose() => Handle.Dispose();
    }
}
