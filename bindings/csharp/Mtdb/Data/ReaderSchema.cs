// SPDX-License-Identifier: MIT

using System;
using System.Data;
using System.Data.Common;

namespace Mtdb.Data {
    public sealed partial class MtdbDataReader {
        /// <summary>A column's name.</summary>
        public override string GetName(int ordinal) => Open().Name(ordinal);

        /// <summary>A column's index: its exact name, else the name in any case.</summary>
        public override int GetOrdinal(string name) => Open().Ordinal(name);

        /// <summary>A column's declared type in the engine's words; of an expression, the type of its values.</summary>
        public override string GetDataTypeName(int ordinal) {
            var declared = Open().Declared(ordinal);
            return declared.Length > 0 ? declared : Kind(ordinal).ToString();
        }

        /// <summary>The .NET type of a column's values: on SQLite, of those in the present block.</summary>
        public override Type GetFieldType(int ordinal) {
            var kind = Kind(ordinal);
            return kind == MtdbType.Null ? Hinted(Open().Declared(ordinal)) : NetType(kind);
        }

        /// <summary>One row per column, as <see cref="DataTable.Load(IDataReader)"/> and data adapters read
        /// it.</summary>
        public override DataTable GetSchemaTable() {
            if (FieldCount == 0) return null;
            var table = new DataTable("SchemaTable");
            table.Columns.Add(SchemaTableColumn.ColumnName, typeof(string));
            table.Columns.Add(SchemaTableColumn.ColumnOrdinal, typeof(int));
            table.Columns.Add(SchemaTableColumn.ColumnSize, typeof(int));
            table.Columns.Add(SchemaTableColumn.NumericPrecision, typeof(short));
            table.Columns.Add(SchemaTableColumn.NumericScale, typeof(short));
            table.Columns.Add(SchemaTableColumn.DataType, typeof(Type));
            table.Columns.Add(SchemaTableColumn.ProviderType, typeof(int));
            table.Columns.Add(SchemaTableColumn.IsLong, typeof(bool));
            table.Columns.Add(SchemaTableColumn.AllowDBNull, typeof(bool));
            table.Columns.Add(SchemaTableOptionalColumn.IsReadOnly, typeof(bool));
            table.Columns.Add(SchemaTableOptionalColumn.IsRowVersion, typeof(bool));
            table.Columns.Add(SchemaTableColumn.IsUnique, typeof(bool));
            table.Columns.Add(SchemaTableColumn.IsKey, typeof(bool));
            table.Columns.Add(SchemaTableOptionalColumn.IsAutoIncrement, typeof(bool));
            table.Columns.Add(SchemaTableColumn.BaseSchemaName, typeof(string));
            table.Columns.Add(SchemaTableColumn.BaseTableName, typeof(string));
            table.Columns.Add(SchemaTableColumn.BaseColumnName, typeof(string));
            table.Columns.Add("DataTypeName", typeof(string));
            for (var ordinal = 0; ordinal < FieldCount; ordinal++) Describe(table.NewRow(), table, ordinal);
            return table;
        }

        private void Describe(DataRow row, DataTable table, int ordinal) {
            rows.ColumnType(ordinal, out var nullable);
            row[SchemaTableColumn.ColumnName] = GetName(ordinal);
            row[SchemaTableColumn.ColumnOrdinal] = ordinal;
            row[SchemaTableColumn.ColumnSize] = -1;
            row[SchemaTableColumn.DataType] = GetFieldType(ordinal);
            row[SchemaTableColumn.ProviderType] = (int)Kind(ordinal);
            row[SchemaTableColumn.IsLong] = false;
            row[SchemaTableColumn.AllowDBNull] = nullable ?? true;
            row[SchemaTableOptionalColumn.IsReadOnly] = false;
            row[SchemaTableOptionalColumn.IsRowVersion] = false;
            row[SchemaTableColumn.IsUnique] = false;
            row[SchemaTableColumn.IsKey] = false;
            row[SchemaTableOptionalColumn.IsAutoIncrement] = false;
            row[SchemaTableColumn.BaseColumnName] = GetName(ordinal);
            row["DataTypeName"] = GetDataTypeName(ordinal);
            table.Rows.Add(row);
        }

        /// <summary>The type of a column: of its result, else of the present block; Null while no value says.</summary>
        private MtdbType Kind(int ordinal) {
            var fixedKind = Open().ColumnType(ordinal);
            if (fixedKind != MtdbType.Variant) return fixedKind;
            return rows.Peek() ? rows.BlockType(ordinal) : MtdbType.Null;
        }

        private static Type NetType(MtdbType kind) {
            switch (kind) {
                case MtdbType.Boolean: return typeof(bool);
                case MtdbType.Int64: return typeof(long);
                case MtdbType.UInt64: return typeof(ulong);
                case MtdbType.Single: return typeof(float);
                case MtdbType.Double: return typeof(double);
                case MtdbType.Decimal: return typeof(decimal);
                case MtdbType.Bytes: return typeof(byte[]);
                case MtdbType.Date:
                case MtdbType.Timestamp:
                case MtdbType.TimestampTz: return typeof(DateTime);
                case MtdbType.Time: return typeof(TimeSpan);
                case MtdbType.Guid: return typeof(Guid);
                case MtdbType.Interval: return typeof(Interval);
                case MtdbType.Text:
                case MtdbType.Json:
                case MtdbType.Other: return typeof(string);
                default: return typeof(object);
            }
        }

        /// <summary>For a column of which no value was seen: what SQLite would make of its declared type.</summary>
        private static Type Hinted(string declared) {
            var type = declared.ToUpperInvariant();
            if (type.Contains("INT")) return typeof(long);
            if (type.Contains("CHAR") || type.Contains("CLOB") || type.Contains("TEXT")) return typeof(string);
            if (type.Contains("BLOB")) return typeof(byte[]);
            if (type.Contains("REAL") || type.Contains("FLOA") || type.Contains("DOUB")) return typeof(double);
            return typeof(object);
        }
    }
}
