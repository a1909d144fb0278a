// SPDX-License-Identifier: MIT

using System;
using System.Collections.Concurrent;
using System.Linq;

namespace Mtdb.Data {
    /// <summary>Brings a command's parameters into the order of the statement's placeholders.</summary>
    internal static class Binding {
        private const int Remembered = 1000;
        private static readonly ConcurrentDictionary<string, int[]> orders = new ConcurrentDictionary<string, int[]>();

        /// <summary>A block of one row; null for no parameters.</summary>
        internal static byte[] Block(MtdbConnection connection, string sql, MtdbParameterCollection parameters) {
            var all = parameters.All;
            if (all.Count == 0) return null;
            if (all.All(parameter => parameter.ParameterName.Length == 0))
                return BlockWriter.Row(all.Select(parameter => parameter.Bound).ToArray());
            var order = Order(connection, sql, parameters);
            var values = new object[order.Length];
            for (var index = 0; index < order.Length; index++) values[index] = all[order[index]].Bound;
            return BlockWriter.Row(values);
        }

        /// <summary>For each placeholder, the parameter that it gets. What a text's placeholders are called does not
        /// change, so it is asked once.</summary>
        private static int[] Order(MtdbConnection connection, string sql, MtdbParameterCollection parameters) {
            var key = connection.Db.Url + "\n" + string.Join("\n", parameters.All.Select(one => one.ParameterName))
                + "\n" + sql;
            if (orders.TryGetValue(key, out var known)) return known;
            if (orders.Count >= Remembered) orders.Clear();
            return orders[key] = Asked(connection, sql, parameters);
        }

        private static int[] Asked(MtdbConnection connection, string sql, MtdbParameterCollection parameters) {
            using (var statement = connection.Lease.Prepare(sql)) {
                var order = Enumerable.Repeat(-1, statement.ParameterCount).ToArray();
                string unknown = null;
                for (var index = 0; index < parameters.Count; index++) {
                    var name = parameters[index].ParameterName;
                    var place = name.Length == 0 ? -1 : Place(statement, name);
                    if (place > 0) order[place - 1] = index;
                    else unknown = unknown ?? name;
                }
                // A statement that has no names takes them in their order.
                if (order.All(index => index < 0) && order.Length == parameters.Count)
                    return Enumerable.Range(0, order.Length).ToArray();
                if (unknown != null) throw new InvalidOperationException($"the statement has no parameter '{unknown}'");
                var missing = Array.IndexOf(order, -1);
                if (missing >= 0) throw new InvalidOperationException($"parameter {missing + 1} has no value");
                return order;
            }
        }

        /// <summary>0: no such name. What begins with another sigil than the statement's is looked for without
        /// it.</summary>
        private static int Place(Statement statement, string name) {
            foreach (var form in new[] { name, name.TrimStart('@', ':', '$') }) {
                try {
                    return statement.IndexOf(form);
                } catch (MtdbException exception) when (exception.Code == Status.NotFound) {
                    continue;
                }
            }
            return 0;
        }
    }
}
