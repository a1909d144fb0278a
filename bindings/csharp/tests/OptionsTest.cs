// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using Mtdb;
using Mtdb.Raw;
using NUnit.Framework;
using Option = System.Collections.Generic.Dictionary<string, object>;

[TestFixture, Direct]
public sealed class OptionsTest {
    private static readonly Dictionary<string, Type> scopes = new Dictionary<string, Type> {
        { "db", typeof(DbOptions) }, { "migrator", typeof(MigratorOptions) }, { "driver", typeof(DriverOptions) },
        { "quiesce", typeof(QuiesceOptions) }, { "fleet", typeof(FleetOptions) }, { "lease", typeof(LeaseOptions) },
        { "tx", typeof(TransactionOptions) }, { "run", typeof(RunOptions) }
    };

    private static IEnumerable<Option> Described() {
        Library.Load();
        for (var index = 0; index < Native.mtdb_options_count(); index++) {
            var number = index;
            yield return (Option)Json.Parse(Utf8.Filled((IntPtr buffer, long capacity, out long needed,
                out IntPtr error) =>
                Native.mtdb_options_describe(number, buffer, capacity, out needed, out error)));
        }
    }

    private static IEnumerable<(MemberInfo Member, string Key)> Members(Type type) =>
        from member in type.GetMembers()
        let option = member.GetCustomAttribute<OptionAttribute>()
        where option != null
        select (member, option.Key);

    [Test]
    public void EveryOptionOfTheLibraryHasAMemberInTheClassesOfItsScopes() {
        var wanted = new HashSet<string>();
        foreach (var option in Described())
            foreach (var scope in ((string)option["scope"]).Split(',')) wanted.Add(scopes[scope].Name + " "
                + option["key"]);
        var found = scopes.Values.SelectMany(type => Members(type).Select(member => type.Name + " " + member.Key));
        Assert.That(wanted.Count, Is.GreaterThan(100));
        CollectionAssert.AreEquivalent(wanted, found);
    }

    [Test]
    public void EveryMemberTakesItsDefaultAndTheLibraryTakesThatBack() {
        var tried = 0;
        foreach (var option in Described()) {
            var key = (string)option["key"];
            if (key.Contains("<id>")) continue;
            foreach (var scope in ((string)option["scope"]).Split(',')) {
                var set = (Options)Activator.CreateInstance(scopes[scope]);
                var property = (PropertyInfo)Members(scopes[scope]).Single(member => member.Key == key).Member;
                var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
                property.SetValue(set, Default(type, option));
                Assert.AreEqual(Default(type, option), property.GetValue(set), key);
                using (var native = Options.Native(set)) {
                    Assert.IsFalse(native.IsInvalid, key);
                    tried++;
                }
            }
        }
        Assert.That(tried, Is.GreaterThan(100));
    }

    private static object Default(Type type, Option option) {
        var value = option["default"];
        if (type == typeof(string)) return Convert.ToString(value);
        if (type == typeof(bool)) return (bool)value;
        if (type == typeof(TimeSpan)) return TimeSpan.FromMilliseconds((double)value);
        if (!type.IsEnum) return Convert.ChangeType(value, type);
        return Enum.ToObject(type, ((List<object>)option["values"]).IndexOf(value));
    }

    [Test]
    public void AWrongKeyNamesTheNearest() {
        var options = new DbOptions { PoolSizeMax = 2 };
        options["pool.size_maxx"] = "1";
        var failure = Assert.Throws<MtdbException>(() => Db.Open("echo:", options));
        Assert.AreEqual(Status.InvalidArgument, failure.Code);
        StringAssert.Contains("pool.size_max", failure.Message);
    }

    [Test]
    public void ATimeBelowAMillisecondIsRoundedUp() =>
        Assert.AreEqual("1", new DbOptions { QueryTimeout = TimeSpan.FromTicks(1) }["query_timeout_ms"]);

    [Test]
    public void NullTakesAnOptionAway() {
        var options = new DbOptions { PoolSizeMax = 3, Threads = ThreadsChoice.None };
        Assert.AreEqual(3, options.PoolSizeMax);
        Assert.AreEqual(ThreadsChoice.None, options.Threads);
        options.PoolSizeMax = null;
        Assert.IsNull(options.PoolSizeMax);
        CollectionAssert.AreEqual(new[] { "threads" }, options.Values.Select(pair => pair.Key));
    }
}
