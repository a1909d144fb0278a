// SPDX-License-Identifier: MIT

using System;
using System.Threading;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>What new leases of a held tenant do.</summary>
    public enum HoldMode {
        /// <summary>They wait for the end of the hold, within their own time.</summary>
        Wait = Native.MTDB_HOLD_WAIT,
        /// <summary>They fail at once.</summary>
        Refuse = Native.MTDB_HOLD_REFUSE
    }

    /// <summary>The pause of one tenant in one db: it ends when this is disposed.</summary>
    public sealed class Hold : IDisposable {
        private readonly Db db;
        private int ended;

        internal Hold(Db db, string tenant) {
            this.db = db;
            Tenant = tenant;
        }

        /// <summary>The held tenant.</summary>
        public string Tenant { get; }

        /// <summary>Ends the hold: those who wait are let in at once.</summary>
        public void Dispose() {
            if (Interlocked.Exchange(ref ended, 1) == 0) db.Resume(Tenant);
        }
    }
}
