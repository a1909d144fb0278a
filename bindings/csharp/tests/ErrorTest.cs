// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Linq;
using Mtdb;
using NUnit.Framework;

[TestFixture, Direct]
public sealed class ErrorTest {
    /// <summary>The one table: what is thrown for a status. All others are a plain MtdbException.</summary>
    private static readonly Dictionary<Status, Type> table = new Dictionary<Status, Type> {
        { Status.Closed, typeof(ObjectDisposedException) }, { Status.Forked, typeof(ObjectDisposedException) },
        { Status.InvalidState, typeof(InvalidOperationException) }, { Status.Misuse,
        typeof(InvalidOperationException) },
        { Status.TxLost, typeof(InvalidOperationException) }, { Status.Cancelled, typeof(OperationCanceledException) },
        { Status.Unsupported, typeof(NotSupportedException) }, { Status.NoMemory, typeof(OutOfMemoryException) },
        { Status.MigrationChecksum, typeof(MtdbMigrationException) },
        { Status.MigrationFailed, typeof(MtdbMigrationException) },
        { Status.MigrationDirty, typeof(MtdbMigrationException) },
        { Status.MigrationLocked, typeof(MtdbMigrationException) }
    };

    private static readonly Status[] transient = {
        Status.Serialization, Status.Busy, Status.Timeout, Status.Unavailable, Status.TenantHeld, Status.PoolExhausted,
        Status.MigrationLocked
    };

    private static readonly Status[] all =
        ((Status[])Enum.GetValues(typeof(Status))).Where(status => status < 0).ToArray();

    private static Exception Failed(string sql) {
        using (var db = Db.Open("echo:")) return Assert.Catch(() => db.Create("acme").Query(sql).ToList());
    }

    [Test]
    public void EveryStatusHasItsExceptionWithTheErrorInside() {
        Assert.AreEqual(34, all.Length);
        foreach (var status in all) {
            var thrown = Failed("fail " + (int)status + " 'said so'");
            var cause = MtdbException.From(thrown);
            var want = table.TryGetValue(status, out var type) ? type : typeof(MtdbException);
            Assert.AreEqual(want, thrown.GetType(), status.ToString());
            Assert.AreEqual(status, cause.Code);
            Assert.AreEqual("said so", cause.Message, status.ToString());
            Assert.AreEqual("said so", thrown.Message, status.ToString());
            Assert.AreEqual(5, cause.SqlState.Length);
            Assert.AreEqual("echo", cause.Engine);
            Assert.AreEqual(transient.Contains(status), cause.IsTransient, status.ToString());
        }
    }

    [Test]
    public void ATimeoutHasATimeoutExceptionInside() =>
        Assert.IsInstanceOf<TimeoutException>(Failed("fail TIMEOUT 'late'").InnerException);

    [Test]
    public void StatusesHaveTheNamesOfTheLibrary() {
        foreach (var status in all) {
            var name = Statuses.Name((int)status).Replace("_", "").Replace("NOMEM", "NOMEMORY");
            Assert.AreEqual(status.ToString().ToUpperInvariant(), name);
        }
    }

    [Test]
    public void APlaceIsCountedInCharacters() {
        var failure = (MtdbException)Failed("echo '\ud83d\ude00',\n '\ud83d\ude00', nothing");
        Assert.AreEqual(new[] { 2L, 7L }, new[] { failure.Line, failure.Column });
    }

    [Test]
    public void TheTenantIsNamed() {
        using (var db = Db.Open("echo:")) {
            var failure = Assert.Throws<MtdbException>(() => db["ghost"].Query("echo 1"));
            Assert.AreEqual("ghost", failure.Tenant);
            Assert.AreEqual(Status.TenantUnknown, failure.Code);
        }
    }

    [Test]
    public void NoErrorHasNoLibraryErrorBehindIt() => Assert.IsNull(MtdbException.From(new Exception("other")));
}
