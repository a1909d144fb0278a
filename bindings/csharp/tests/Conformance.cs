// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Mtdb;

/// <summary>Runs the shared vectors through the binding's own classes. What those cannot say, because a text has its
/// length with it and a block is made for the caller, goes through the raw layer: <see cref="Steps.Raw"/>.</summary>
internal sealed class Conformance {
    private readonly string file;
    private int passed;
    private int failed;

    private Conformance(string file) {
        this.file = file;
    }

    private static int Main(string[] files) {
        int passed = 0, failed = 0;
        foreach (var path in files) {
            var run = new Conformance(Path.GetFileName(path));
            run.File((Dictionary<string, object>)Json.Parse(System.IO.File.ReadAllText(path)));
            passed += run.passed;
            failed += run.failed;
        }
        Console.WriteLine("{0} passed, {1} failed", passed, failed);
        return failed > 0 || passed == 0 ? 1 : 0;
    }

    private void File(Dictionary<string, object> vectors) {
        using (var db = Db.Open(Url((string)vectors["url"]))) {
            var number = 0;
            foreach (Dictionary<string, object> test in (List<object>)vectors["tests"]) Test(db, test, ++number);
        }
    }

    /// <summary>An address, or the environment's with that name.</summary>
    private static string Url(string url) =>
        url.StartsWith("env:", StringComparison.Ordinal) ? Environment.GetEnvironmentVariable(url.Substring(4)) : url;

    /// <summary>Every test has a tenant and a lease of its own. A server keeps those of the run before.</summary>
    private void Test(Db db, Dictionary<string, object> test, int number) {
        var steps = (List<object>)test["steps"];
        var wrong = new List<string>();
        var at = 0;
        try {
            if (db.Exists("t" + number)) db.Drop("t" + number);
            using (var lease = db.Create("t" + number).Acquire()) {
                var run = new Steps(db, lease, "t" + number);
                foreach (Dictionary<string, object> step in steps) {
                    at++;
                    run.Run(step);
                    wrong.AddRange(run.Wrong.Select(what => "step " + at + ": " + what));
                    run.Wrong.Clear();
                }
            }
        } catch (Exception exception) {
            wrong.Add("step " + at + ": " + exception);
        }
        foreach (var what in wrong) Console.WriteLine("FAILED {0}: {1}: {2}", file, test["name"], what);
        if (wrong.Count == 0 && steps.Count > 0) passed++;
        else failed++;
    }
}
