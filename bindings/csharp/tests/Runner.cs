// SPDX-License-Identifier: MIT

using System;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Reflection;
using NUnit.Framework;

internal sealed class DirectAttribute : CategoryAttribute { }

internal sealed class AdoNetAttribute : CategoryAttribute { }

internal sealed class CancelAttribute : CategoryAttribute { }

internal sealed class LeaksAttribute : CategoryAttribute { }

/// <summary>Runs what carries NUnit's attributes, and ends with `N passed, N failed`.</summary>
/// <remarks>Usage: Mtdb.Tests.exe [--servers] CATEGORY [PART OF A NAME...]. With --servers also over the servers that
/// the environment names; without them it fails.</remarks>
internal static class Runner {
    private static int Main(string[] arguments) {
        if (arguments.Contains("--leave-open")) return LeakTest.LeaveOpen();
        Backends.WithServers = arguments.Contains("--servers");
        var words = arguments.Where(argument => argument != "--servers").ToArray();
        int passed = 0, failed = 0;
        foreach (var type in Assembly.GetExecutingAssembly().GetTypes().OrderBy(type => type.Name)) {
            if (type.GetCustomAttribute<TestFixtureAttribute>() == null) continue;
            if (Category(type) != words[0]) continue;
            foreach (var test in type.GetMethods().Where(IsTest)) {
                var name = type.Name + "." + test.Name;
                if (words.Length > 1 && !words.Skip(1).Any(name.Contains)) continue;
                var clock = Stopwatch.StartNew();
                var failure = Failure(type, test);
                if (failure == null) passed++;
                else failed++;
                if (failure != null) Console.WriteLine("FAILED {0}: {1}", name, failure);
                else Console.WriteLine("{0} {1} ms", name, clock.ElapsedMilliseconds);
            }
        }
        Console.WriteLine("{0} passed, {1} failed", passed, failed);
        return failed > 0 || passed == 0 ? 1 : 0;
    }

    /// <summary>A count of random tries, multiplied by MTDB_SCALE.</summary>
    internal static int Scaled(int count) {
        var scale = Environment.GetEnvironmentVariable("MTDB_SCALE");
        if (string.IsNullOrEmpty(scale)) return count;
        return Math.Max(1, (int)(count * double.Parse(scale, CultureInfo.InvariantCulture)));
    }

    /// <summary>The build runs each category; a fixture that is in none would never be run.</summary>
    private static string Category(Type type) =>
        type.GetCustomAttribute<CategoryAttribute>()?.Name.ToLowerInvariant()
        ?? throw new InvalidOperationException(type.Name + " is in no category");

    private static bool IsTest(MethodInfo method) => method.GetCustomAttribute<TestAttribute>() != null;

    private static Exception Failure(Type type, MethodInfo test) {
        var fixture = Activator.CreateInstance(type);
        try {
            Call<SetUpAttribute>(type, fixture);
            test.Invoke(fixture, null);
            return null;
        } catch (TargetInvocationException exception) {
            return exception.InnerException;
        } finally {
            Call<TearDownAttribute>(type, fixture);
        }
    }

    private static void Call<T>(Type type, object fixture) where T : Attribute {
        foreach (var method in type.GetMethods())
            if (method.GetCustomAttribute<T>() != null) method.Invoke(fixture, null);
    }
}
