// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Threading;
using Mtdb;
using Step = System.Collections.Generic.Dictionary<string, object>;

/// <summary>The calls of one test, and what they must show.</summary>
internal sealed partial class Steps {
    private static readonly string[] effects = { "none", "rolled_back", "committed", "unknown" };
    private readonly Db db;
    private readonly Lease lease;
    private readonly string tenant;
    private Transaction transaction;

    internal Steps(Db db, Lease lease, string tenant) {
        this.db = db;
        this.lease = lease;
        this.tenant = tenant;
    }

    /// <summary>The checks that did not hold.</summary>
    internal List<string> Wrong { get; } = new List<string>();

    internal void Run(Step step) {
        if (Raw(step)) return;
        MtdbException failure = null;
        try {
            Call(step);
        } catch (OperationCanceledException exception) when (MtdbException.From(exception) == null) {
            // A token that was triggered before the call: the library was not asked.
            Equal("status", "CANCELLED", Text(step, "status", "OK"));
            return;
        } catch (Exception exception) {
            failure = MtdbException.From(exception);
            if (failure == null) throw;
        }
        Outcome(step, failure);
    }

    private void Equal(string what, object got, object want) {
        if (!Equals(got, want)) Wrong.Add(what + ": got " + got + ", want " + want);
    }

    private static string Text(Step step, string key, string otherwise) =>
        step.TryGetValue(key, out var value) ? (string)value : otherwise;

    private static long Number(Step step, string key, long otherwise) =>
        step.TryGetValue(key, out var value) ? (long)(double)value : otherwise;

    private static TimeSpan Limit(Step step) {
        var milliseconds = Number(step, "timeout_ms", -1);
        return milliseconds < 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(milliseconds);
    }

    private static string Shout(Status status) => Statuses.Name((int)status);

    private void Outcome(Step step, MtdbException failure) {
        var got = failure == null ? "OK" : Shout(failure.Code);
        var want = Text(step, "status", "OK");
        if (got != want) {
            Wrong.Add("status: got " + got + " " + failure?.Message + ", want " + want);
        } else if (step.TryGetValue("error", out var fields)) {
            foreach (var field in (Step)fields) Equal(field.Key, Field(failure, field.Key), Plain(field.Value));
        }
    }

    private static object Plain(object value) => value is double number ? (long)number : value;

    private static object Field(MtdbException failure, string name) {
        switch (name) {
            case "sqlstate": return failure.SqlState;
            case "engine": return failure.Engine;
            case "tenant": return failure.Tenant;
            case "message": return failure.Message;
            case "native": return failure.NativeCode;
            case "line": return failure.Line;
            case "column": return failure.Column;
            case "statement": return failure.Statement;
            case "effect": return effects[(int)failure.Effect];
            case "retryable": return failure.IsTransient;
            default: return "a field that the runner does not know";
        }
    }

    /// <summary>One row of parameters, or null for none.</summary>
    private static object[] Parameters(Step step) {
        if (step.TryGetValue("params", out var row)) return Values(row);
        var rows = ManyRows(step);
        return rows == null ? new object[0] : rows.Single();
    }

    private static List<object[]> ManyRows(Step step) =>
        step.TryGetValue("params_rows", out var rows) ? ((List<object>)rows).Select(Values).ToList() : null;

    private static object[] Values(object row) =>
        ((List<object>)row).Select(item => Tagged.Parameter((string)item)).ToArray();

    private void Call(Step step) {
        var sql = Text(step, "sql", null);
        switch ((string)step["call"]) {
            case "query": Check(step, lease.Query(sql, Parameters(step), Limit(step))); break;
            case "db_query": Check(step, db[Text(step, "tenant", tenant)].Query(sql, Parameters(step))); break;
            case "statement": Statement(step, sql); break;
            case "scan": Scan(step, sql); break;
            case "parallel": Parallel(step); break;
            case "event": Event(step); break;
            case "exec": Execute(step, sql); break;
            case "script": Script(step, sql); break;
            case "insert_id": {
                var id = lease.InsertId;
                Equal("insert_id", id, Number(step, "insert_id", id));
                break;
            }
            case "acquire": db[Text(step, "tenant", tenant)].Acquire().Dispose(); break;
            case "create": db.Create(Text(step, "tenant", tenant)); break;
            case "check_tenant": db.Check((string)Tagged.Parameter((string)step["id"])); break;
            case "close": lease.Close(); break;
            case "option": Option((string)step["key"], (string)step["value"]); break;
            default: Control(step); break;
        }
    }

    private void Control(Step step) {
        var name = Text(step, "name", "");
        var open = transaction ?? Transaction.Of(lease);
        switch ((string)step["call"]) {
            case "begin": transaction = lease.Begin(Options(step)); break;
            case "commit": open.Commit(); break;
            case "rollback": open.Rollback(); break;
            case "savepoint": open.Save(name); break;
            case "rollback_to": open.RollbackTo(name); break;
            case "release_savepoint": open.Release(name); break;
            case "state":
                Equal("state", lease.TransactionState.ToString().ToLowerInvariant(), Text(step, "state", "none"));
                break;
            case "status_name":
                Equal("name", Statuses.Name((int)Number(step, "number", 0)), Text(step, "name", ""));
                break;
            default:
                Wrong.Add("call: " + step["call"] + " is not known to the runner");
                break;
        }
    }

    private static TransactionOptions Options(Step step) {
        var options = new TransactionOptions();
        if (!step.TryGetValue("options", out var pairs)) return options;
        foreach (var pair in (Step)pairs) options[pair.Key] = (string)pair.Value;
        return options;
    }

    /// <summary>An option is checked where it is used.</summary>
    private static void Option(string key, string value) {
        var options = new DbOptions();
        options[key] = value;
        Db.Open("echo:", options).Dispose();
    }

    private void Execute(Step step, string sql) {
        var rows = ManyRows(step);
        var affected = rows != null
            ? lease.ExecuteMany(sql, rows, Limit(step))
            : lease.Execute(sql, Parameters(step), Limit(step));
        Equal("affected", affected, Number(step, "affected", affected));
    }

    /// <summary>How many statements ran, also when one of them failed: the failing one has the next number.</summary>
    private void Script(Step step, string sql) {
        try {
            var ran = lease.ExecuteScript(sql);
            Equal("statements", ran, Number(step, "statements", ran));
        } catch (MtdbException exception) {
            Equal("statements", exception.Statement - 1, Number(step, "statements", exception.Statement - 1));
            throw;
        }
    }

    private void Statement(Step step, string sql) {
        using (var statement = lease.Prepare(sql)) {
            if (step.ContainsKey("parameters"))
                Equal("parameters", (long)statement.ParameterCount, Number(step, "parameters", 0));
            if (step.TryGetValue("bind", out var pairs)) {
                foreach (var pair in (Step)pairs) {
                    var value = Tagged.Parameter((string)pair.Value);
                    if (int.TryParse(pair.Key, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
                        statement.Bind(index, value);
                    else
                        statement.Bind(pair.Key, value);
                }
            }
            var rows = ManyRows(step);
            if (rows != null) statement.BindRows(rows);
            Check(step, statement.Query());
        }
    }

    /// <summary>Reads a result to its end, or to its failure; the rows before that are compared too.</summary>
    private void Check(Step step, Rows rows) {
        var got = new List<string[]>();
        var blocks = new List<string[]>();
        var seen = 0;
        using (rows) {
            Columns(step, rows);
            rows.BlockRowsMax = (int)Number(step, "max_rows", 0);
            rows.BufferBytes = (int)Number(step, "buffer", 65536);
            try {
                while (rows.Read()) {
                    var row = new string[rows.ColumnCount];
                    for (var column = 0; column < row.Length; column++) row[column] = Tagged.Words(rows, column);
                    got.Add(row);
                    if (rows.Blocks == seen) continue;
                    seen = rows.Blocks;
                    blocks.Add(row.Select((word, column) => Tagged.Tag(rows.BlockType(column))).ToArray());
                }
            } finally {
                Compare(step, rows, got, blocks);
            }
        }
    }

    private void Columns(Step step, Rows rows) {
        if (step.TryGetValue("columns", out var names))
            for (var column = 0; column < ((List<object>)names).Count; column++)
                Equal("column name", rows.Name(column), ((List<object>)names)[column]);
        if (step.TryGetValue("declared", out var types))
            for (var column = 0; column < ((List<object>)types).Count; column++)
                Equal("declared type", rows.Declared(column), ((List<object>)types)[column]);
    }

    private void Compare(Step step, Rows rows, List<string[]> got, List<string[]> blocks) {
        if (step.ContainsKey("affected")) Equal("affected", rows.Affected, Number(step, "affected", 0));
        if (step.ContainsKey("insert_id")) Equal("insert_id", rows.InsertId, Number(step, "insert_id", 0));
        if (step.TryGetValue("rows", out var wanted)) {
            var want = ((List<object>)wanted).Select(
                row => string.Join(" | ", ((List<object>)row).Select(item => Tagged.Words((string)item)))).ToArray();
            Equal("rows", string.Join("\n", got.Select(row => string.Join(" | ", row))), string.Join("\n", want));
            Equal("count of rows", got.Count, want.Length);
        }
        if (step.TryGetValue("types", out var types))
            Equal("types", blocks.Count == 0 ? "" : string.Join(" ", blocks[0]), string.Join(" ", (List<object>)types));
        if (step.TryGetValue("blocks", out var all))
            Equal("blocks", string.Join("\n", blocks.Select(block => string.Join(" ", block))),
                string.Join("\n", ((List<object>)all).Select(block => string.Join(" ", (List<object>)block))));
    }
}
