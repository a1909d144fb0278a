// SPDX-License-Identifier: MIT

using System.Data.Common;

namespace Mtdb.Data {
    /// <summary>Makes the provider's objects, for code that knows ADO.NET only.</summary>
    public sealed class MtdbFactory : DbProviderFactory {
        /// <summary>The one instance, where <see cref="DbProviderFactories"/> looks for it.</summary>
        public static readonly MtdbFactory Instance = new MtdbFactory();

        private MtdbFactory() { }

        /// <summary>A closed connection.</summary>
        public override DbConnection CreateConnection() => new MtdbConnection();

        /// <summary>A command without a connection.</summary>
        public override DbCommand CreateCommand() => new MtdbCommand();

        /// <summary>A parameter without a value.</summary>
        public override DbParameter CreateParameter() => new MtdbParameter();

        /// <summary>An adapter without commands.</summary>
        public override DbDataAdapter CreateDataAdapter() => new MtdbDataAdapter();

        /// <summary>An empty connection string.</summary>
        public override DbConnectionStringBuilder CreateConnectionStringBuilder() => new MtdbConnectionStringBuilder();
    }

    /// <summary>Fills a <see cref="System.Data.DataSet"/> and writes its changes back by the commands it is
    /// given.</summary>
    public sealed class MtdbDataAdapter : DbDataAdapter {
        /// <summary>An adapter without commands.</summary>
        public MtdbDataAdapter() { }

        /// <summary>An adapter that selects.</summary>
        public MtdbDataAdapter(MtdbCommand select) {
            SelectCommand = select;
        }

        /// <summary>An adapter that selects over a connection, which it opens and closes unless it is open.</summary>
        public MtdbDataAdapter(string select, MtdbConnection connection) {
            SelectCommand = new MtdbCommand(select, connection);
        }
    }
}
