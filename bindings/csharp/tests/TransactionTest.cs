// SPDX-License-Identifier: MIT

using System;
using System.Linq;
using System.Threading.Tasks;
using Mtdb;
using NUnit.Framework;

[TestFixture, Direct]
public sealed class TransactionTest {
    private static Tenant WithTable(Backends backend) {
        var tenant = backend.NewTenant();
        tenant.Execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b INTEGER)");
        return tenant;
    }

    private static int Count(Tenant tenant) => tenant.Scalar<int>("SELECT COUNT(*) FROM t");

    [Test]
    public void WhatIsNotCommittedIsUndone() {
        Backends.Each(backend => {
            var tenant = WithTable(backend);
            using (var lease = tenant.Acquire()) {
                using (lease.Begin()) lease.Execute("INSERT INTO t VALUES (1, 1)");
                Assert.AreEqual(TransactionState.None, lease.TransactionState);
                using (var transaction = lease.Begin()) {
                    lease.Execute("INSERT INTO t VALUES (2, 2)");
                    transaction.Save("one");
                    lease.Execute("INSERT INTO t VALUES (3, 3)");
                    transaction.RollbackTo("one");
                    transaction.Release("one");
                    transaction.Commit();
                }
            }
            Assert.AreEqual(1, Count(tenant));
        });
    }

    [Test]
    public void RunCommitsAndAnExceptionUndoes() {
        Backends.Each(backend => {
            var tenant = WithTable(backend);
            Assert.AreEqual(5, tenant.Run(lease => lease.Execute("INSERT INTO t VALUES (1, 1)") + 4));
            Assert.Throws<FormatException>(() => tenant.Run(lease => {
                lease.Execute("INSERT INTO t VALUES (2, 2)");
                throw new FormatException("mine");
            }));
            Assert.AreEqual(1, Count(tenant));
        });
    }

    [Test]
    public void RunRepeatsWhatWroteNothing() {
        using (var db = Db.Open("echo:")) {
            var tenant = db.Create("acme");
            var tries = 0;
            var done = tenant.Run(lease => {
                if (++tries < 4) lease.Execute(tries % 2 == 0 ? "fail SERIALIZATION 'again'" : "fail BUSY 'again'");
                return tries;
            });
            Assert.AreEqual(4, done);
            tries = 0;
            Assert.Throws<MtdbException>(() => tenant.Run(lease => { tries++; lease.Execute("fail BUSY"); }, null, 3));
            Assert.AreEqual(3, tries);
            tries = 0;
            Assert.Throws<MtdbException>(() => tenant.Run(lease => { tries++; lease.Execute("fail CONSTRAINT"); }));
            Assert.AreEqual(1, tries);
        }
    }

    [Test]
    public void ConflictingTransactionsAllSucceedInTheEnd() {
        Backends.Each(backend => {
            var tenant = WithTable(backend);
            tenant.Execute("INSERT INTO t VALUES (1, 0)");
            var options = new TransactionOptions { Isolation = TxIsolationChoice.Serializable };
            Parallel.For(0, 40, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i => tenant.Run(lease => {
                var b = lease.Scalar<int>("SELECT b FROM t WHERE a = 1");
                lease.Execute("UPDATE t SET b = ? WHERE a = 1", b + 1);
            }, options, 1000));
            Assert.AreEqual(40, tenant.Scalar<int>("SELECT b FROM t"));
        });
    }

    [Test]
    public void ALostTransactionAllowsARollbackOnly() {
        using (var db = Db.Open("sqlite::memory:")) {
            var tenant = db.Create("acme");
            tenant.Execute("CREATE TABLE t(a UNIQUE)");
            using (var lease = tenant.Acquire())
            using (var transaction = lease.Begin()) {
                lease.Execute("INSERT INTO t VALUES (1)");
                Assert.Throws<MtdbException>(() => lease.Execute("INSERT OR ROLLBACK INTO t VALUES (1)"));
                Assert.AreEqual(TransactionState.Lost, lease.TransactionState);
                var lost = Assert.Throws<InvalidOperationException>(() => lease.Execute("INSERT INTO t VALUES (2)"));
                Assert.AreEqual(Status.TxLost, MtdbException.From(lost).Code);
                transaction.Rollback();
                Assert.AreEqual(0, lease.Scalar<int>("SELECT count(*) FROM t"));
            }
        }
    }
}
