// SPDX-License-Identifier: MIT

using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Mtdb.Raw;

namespace Mtdb {
    /// <summary>Rows of parameters as one block, laid out as mtdb.h says: no call of the library per value.</summary>
    internal static unsafe class BlockWriter {
        private const int Entry = 32;

        /// <summary>A block of one row; null when there are no parameters.</summary>
        internal static byte[] Row(object[] values) {
            if (values == null) values = new object[] { null };
            return values.Length == 0 ? null : Rows(new[] { values });
        }

        /// <exception cref="ArgumentException">The rows are of different lengths, or one is null.</exception>
        internal static byte[] Rows(IReadOnlyList<object[]> rows) {
            if (rows.Any(row => row == null)) throw new ArgumentException("a row that is null");
            var columns = rows.Count == 0 ? 0 : rows[0].Length;
            var cells = new Parameter[columns][];
            for (var column = 0; column < columns; column++) cells[column] = new Parameter[rows.Count];
            for (var row = 0; row < rows.Count; row++) {
                if (rows[row].Length != columns) throw new ArgumentException("rows of different lengths");
                for (var column = 0; column < columns; column++)
                    cells[column][row] = Parameter.From(rows[row][column]);
            }
            return Written(cells, rows.Count);
        }

        private static byte[] Written(Parameter[][] cells, int rows) {
            var plans = new Plan[cells.Length];
            var total = (long)Entry + Entry * cells.Length;
            for (var column = 0; column < cells.Length; column++) plans[column] = new Plan(cells[column], ref total);
            if (total > int.MaxValue) throw new ArgumentException("parameters of more than 2 GiB");
            var block = new byte[total];
            fixed (byte* at = block) {
                var header = (int*)at;
                header[0] = Native.MTDB_BLOCK_MAGIC;
                header[1] = Native.MTDB_BLOCK_VERSION;
                header[2] = cells.Length;
                header[3] = rows;
                *(long*)(at + 16) = total;
                for (var column = 0; column < cells.Length; column++)
                    plans[column].Write(at, at + Entry + Entry * column, cells[column]);
            }
            return block;
        }

        private static long Padded(long size) => (size + 7) & ~7L;

        /// <summary>Where the parts of one column lie.</summary>
        private readonly struct Plan {
            private readonly MtdbType type;
            private readonly long validity;
            private readonly long data;
            private readonly long heap;

            internal Plan(Parameter[] cells, ref long end) {
                type = MtdbType.Null;
                var nulls = false;
                var bytes = 0L;
                foreach (var cell in cells) {
                    if (cell.Type == MtdbType.Null) nulls = true;
                    else if (type == MtdbType.Null) type = cell.Type;
                    else if (type != cell.Type) type = MtdbType.Variant;
                    if (cell.Bytes != null) bytes += cell.Bytes.Length;
                }
                validity = data = heap = 0;
                if (type == MtdbType.Null) return;
                if (nulls) {
                    validity = end;
                    end += Padded((cells.Length + 7) / 8);
                }
                data = end;
                end += Size(type, cells.Length);
                if (type == MtdbType.Variant || IsText(type)) {
                    heap = end;
                    end += Padded(bytes);
                }
            }

            private static bool IsText(MtdbType type) =>
                type == MtdbType.Text || type == MtdbType.Bytes || type == MtdbType.Decimal || type == MtdbType.Json
                || type == MtdbType.Other;

            private static long Size(MtdbType type, long rows) {
                if (IsText(type)) return Padded(4 * (rows + 1));
                switch (type) {
                    case MtdbType.Boolean:
                        return Padded(rows);
                    case MtdbType.Date:
                    case MtdbType.Single:
                        return Padded(4 * rows);
                    case MtdbType.Guid:
                    case MtdbType.Interval:
                        return 16 * rows;
                    case MtdbType.Variant:
                        return Padded(rows) + 8 * rows;
                    default:
                        return 8 * rows;
                }
            }

            internal void Write(byte* block, byte* entry, Parameter[] cells) {
                *(int*)entry = (int)type;
                *(long*)(entry + 8) = validity;
                *(long*)(entry + 16) = data;
                *(long*)(entry + 24) = heap;
                if (type == MtdbType.Null) return;
                var used = 0;
                for (var row = 0; row < cells.Length; row++) {
                    var cell = cells[row];
                    if (validity != 0 && cell.Type != MtdbType.Null)
                        block[validity + row / 8] |= (byte)(1 << row % 8);
                    if (type == MtdbType.Variant) Tagged(block, cells.Length, row, cell, ref used);
                    else Plain(block + data, block + heap, row, cell, ref used);
                }
            }

            private void Plain(byte* at, byte* bytes, int row, Parameter cell, ref int used) {
                if (IsText(type)) {
                    Append(bytes, cell.Bytes, ref used);
                    ((int*)at)[row + 1] = used;
                    return;
                }
                if (cell.Type == MtdbType.Null) return;
                switch (type) {
                    case MtdbType.Boolean:
                        at[row] = (byte)cell.Slot;
                        break;
                    case MtdbType.Date:
                        ((int*)at)[row] = checked((int)cell.Slot);
                        break;
                    case MtdbType.Single:
                        ((float*)at)[row] = (float)BitConverter.Int64BitsToDouble(cell.Slot);
                        break;
                    case MtdbType.Guid:
                    case MtdbType.Interval:
                        for (var index = 0; index < 16; index++) at[16 * row + index] = cell.Bytes[index];
                        break;
                    default:
                        ((long*)at)[row] = cell.Slot;
                        break;
                }
            }

            private void Tagged(byte* block, int rows, int row, Parameter cell, ref int used) {
                block[data + row] = (byte)cell.Type;
                var slot = (long*)(block + data + Padded(rows)) + row;
                *slot = cell.Slot;
                if (cell.Bytes == null) return;
                *slot = ((long)used << 32) | (uint)cell.Bytes.Length;
                Append(block + heap, cell.Bytes, ref used);
            }

            private static void Append(byte* heap, byte[] bytes, ref int used) {
                if (bytes == null) return;
                Marshal.Copy(bytes, 0, (IntPtr)(heap + used), bytes.Length);
                used += bytes.Length;
            }
        }
    }
}
