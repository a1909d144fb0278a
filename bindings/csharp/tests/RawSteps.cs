// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Text;
using Mtdb;
using Mtdb.Raw;
using Step = System.Collections.Generic.Dictionary<string, object>;

internal sealed unsafe partial class Steps {
    /// <summary>Steps about lengths, missing texts, blocks that are none, and several rows for a query.</summary>
    /// <returns>whether the step was one of those</returns>
    internal bool Raw(Step step) {
        var call = (string)step["call"];
        var several = call == "query" && step.TryGetValue("params_rows", out var rows)
            && ((List<object>)rows).Count > 1;
        var missing = call == "query" && !step.ContainsKey("sql");
        if (call != "bad_block" && !step.ContainsKey("sql_len") && !several && !missing) return false;
        var text = Text(step, "sql", null);
        var sql = text == null ? null : Encoding.UTF8.GetBytes(text + "\0");
        var length = Number(step, "sql_len", -1);
        var block = several ? BlockWriter.Rows(ManyRows(step)) : null;
        if (call == "bad_block") block = Tagged.Hex(Text(step, "block", "bytes:").Substring(6));
        IntPtr made, error;
        int status;
        fixed (byte* of = sql, values = block)
            status = Native.mtdb_conn_query(lease.Handle, (IntPtr)of, length, (IntPtr)values, Utf8.Length(block),
                Native.MTDB_FOREVER, Handle.None, out made, out error);
        MtdbException failure = null;
        try {
            Failure.Check(status, error);
            Check(step, new Rows(made, null));
        } catch (Exception exception) {
            failure = MtdbException.From(exception);
            if (failure == null) throw;
        }
        Outcome(step, failure);
        return true;
    }
}
