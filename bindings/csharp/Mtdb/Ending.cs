// SPDX-License-Identifier: MIT

using System;
using System.Runtime.CompilerServices;
using System.Threading;

namespace Mtdb {
    /// <summary>The end of the process. Mono waits for a background thread until it leaves the library, so what still
    /// waits there is cancelled: each call carries a token that the end triggers.</summary>
    internal static class Ending {
        private static readonly CancellationTokenSource source = new CancellationTokenSource();

        private static Cancellation shared;

        /// <summary>For calls without a token of their own. What the program still does at the end, in its handlers, is
        /// not cancelled.</summary>
        internal static Handle Handle =>
            source.IsCancellationRequested && !Thread.CurrentThread.IsBackground ? Mtdb.Handle.None : shared.Handle;

        internal static CancellationToken Token => source.Token;

        /// <summary>A background thread that the end has cancelled goes no further: the runtime ends it.</summary>
        internal static void Park() {
            if (source.IsCancellationRequested && Thread.CurrentThread.IsBackground) Thread.Sleep(Timeout.Infinite);
        }

        /// <summary>Called once, when the library is loaded.</summary>
        [MethodImpl(MethodImplOptions.NoInlining)]
        internal static void Watch() {
            shared = new Cancellation(source.Token, default);
            AppDomain.CurrentDomain.ProcessExit += (sender, arguments) => source.Cancel();
        }
    }
}
