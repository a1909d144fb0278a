// SPDX-License-Identifier: MIT

using System;
using System.Data;
using System.Data.Common;

namespace Mtdb.Data {
    /// <summary>A value for a placeholder: by its name, with or without its sigil, else by its place in the collection.
    /// Its type is that of the value unless one is set.</summary>
    public sealed class MtdbParameter : DbParameter {
        private MtdbType? type;
        private DbType? dbType;
        private string name = "";
        private string source = "";

        /// <summary>A parameter without a name or value.</summary>
        public MtdbParameter() { }

        /// <summary>A parameter with a name and a value.</summary>
        public MtdbParameter(string name, object value) {
            ParameterName = name;
            Value = value;
        }

        /// <summary>A parameter for a data adapter: its value comes from a column.</summary>
        public MtdbParameter(string name, DbType type, string sourceColumn) {
            ParameterName = name;
            DbType = type;
            SourceColumn = sourceColumn;
        }

        /// <summary>The library's type; null: as the value says.</summary>
        public MtdbType? MtdbType {
            get => type;
            set {
                type = value;
                dbType = null;
            }
        }

        /// <summary>The type in ADO.NET's words; <see cref="DbType.Object"/>: as the value says.</summary>
        public override DbType DbType {
            get => dbType ?? DbType.Object;
            set {
                type = Mapped(value);
                dbType = value;
            }
        }

        /// <summary>Input: there is no other.</summary>
        public override ParameterDirection Direction {
            get => ParameterDirection.Input;
            set {
                if (value != ParameterDirection.Input)
                    throw new NotSupportedException($"a parameter of direction {value}");
            }
        }

        /// <summary>Kept, and not used.</summary>
        public override bool IsNullable { get; set; } = true;

        /// <summary>The placeholder's name; empty: by its place.</summary>
        public override string ParameterName {
            get => name;
            set => name = value ?? "";
        }

        /// <summary>Kept, and not used: values are never cut.</summary>
        public override int Size { get; set; }

        /// <summary>For a data adapter: the column that the value comes from.</summary>
        public override string SourceColumn {
            get => source;
            set => source = value ?? "";
        }

        /// <summary>For a data adapter.</summary>
        public override bool SourceColumnNullMapping { get; set; }

        /// <summary>For a data adapter: which version of the row.</summary>
        public override DataRowVersion SourceVersion { get; set; } = DataRowVersion.Current;

        /// <summary>The value; null and <see cref="DBNull"/> are SQL NULL.</summary>
        public override object Value { get; set; }

        /// <summary>Goes back to the type of the value.</summary>
        public override void ResetDbType() {
            type = null;
            dbType = null;
        }

        internal object Bound => type == null ? Value : Typed.Of(type.Value, Value);

        /// <summary>null where the value's own type does.</summary>
        private static MtdbType? Mapped(DbType wanted) {
            switch (wanted) {
                case DbType.AnsiString:
                case DbType.AnsiStringFixedLength:
                case DbType.String:
                case DbType.StringFixedLength:
                case DbType.Xml:
                    return Mtdb.MtdbType.Text;
                case DbType.Byte:
                case DbType.SByte:
                case DbType.Int16:
                case DbType.UInt16:
                case DbType.Int32:
                case DbType.UInt32:
                case DbType.Int64:
                    return Mtdb.MtdbType.Int64;
                case DbType.UInt64:
                    return Mtdb.MtdbType.UInt64;
                case DbType.Boolean:
                    return Mtdb.MtdbType.Boolean;
                case DbType.Single:
                    return Mtdb.MtdbType.Single;
                case DbType.Double:
                    return Mtdb.MtdbType.Double;
                case DbType.Currency:
                case DbType.Decimal:
                case DbType.VarNumeric:
                    return Mtdb.MtdbType.Decimal;
                case DbType.Binary:
                    return Mtdb.MtdbType.Bytes;
                case DbType.Date:
                    return Mtdb.MtdbType.Date;
                case DbType.Time:
                    return Mtdb.MtdbType.Time;
                case DbType.DateTimeOffset:
                    return Mtdb.MtdbType.TimestampTz;
                default:
                    return null;
            }
        }
    }
}
