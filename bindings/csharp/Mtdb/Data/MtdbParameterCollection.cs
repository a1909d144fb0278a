// SPDX-License-Identifier: MIT

using System;
using System.Collections;
using System.Collections.Generic;
using System.Data.Common;

namespace Mtdb.Data {
    /// <summary>The parameters of a command.</summary>
    public sealed class MtdbParameterCollection : DbParameterCollection {
        private readonly List<MtdbParameter> all = new List<MtdbParameter>();

        internal MtdbParameterCollection() { }

        internal IReadOnlyList<MtdbParameter> All => all;

        /// <summary>How many there are.</summary>
        public override int Count => all.Count;

        /// <summary>The list's lock, by convention.</summary>
        public override object SyncRoot => ((ICollection)all).SyncRoot;

        /// <summary>Never.</summary>
        public override bool IsFixedSize => false;

        /// <summary>Never.</summary>
        public override bool IsReadOnly => false;

        /// <summary>Never.</summary>
        public override bool IsSynchronized => false;

        /// <summary>A parameter by its place.</summary>
        public new MtdbParameter this[int index] {
            get => all[index];
            set => all[index] = value;
        }

        /// <summary>A parameter by its name.</summary>
        public new MtdbParameter this[string name] {
            get => all[Required(name)];
            set => all[Required(name)] = value;
        }

        /// <summary>Adds a parameter, or a value without a name.</summary>
        public override int Add(object value) {
            all.Add(value as MtdbParameter ?? new MtdbParameter("", value));
            return all.Count - 1;
        }

        /// <summary>Adds a parameter.</summary>
        /// <returns>the parameter itself</returns>
        public MtdbParameter Add(MtdbParameter parameter) {
            all.Add(parameter ?? throw new ArgumentNullException(nameof(parameter)));
            return parameter;
        }

        /// <summary>Adds a name with its value.</summary>
        public MtdbParameter AddWithValue(string name, object value) => Add(new MtdbParameter(name, value));

        /// <summary>Adds several.</summary>
        public override void AddRange(Array values) {
            foreach (var value in values) Add(value);
        }

        /// <summary>Removes all.</summary>
        public override void Clear() => all.Clear();

        /// <summary>Whether a parameter is among them.</summary>
        public override bool Contains(object value) => IndexOf(value) >= 0;

        /// <summary>Whether a name is among them.</summary>
        public override bool Contains(string value) => IndexOf(value) >= 0;

        /// <summary>Copies the parameters.</summary>
        public override void CopyTo(Array array, int index) => ((ICollection)all).CopyTo(array, index);

        /// <summary>The parameters in their order.</summary>
        public override IEnumerator GetEnumerator() => all.GetEnumerator();

        /// <summary>A parameter's place; -1: not among them.</summary>
        public override int IndexOf(object value) => all.IndexOf(value as MtdbParameter);

        /// <summary>A name's place, with or without a sigil; -1: not among them.</summary>
        public override int IndexOf(string parameterName) => all.FindIndex(
            parameter => string.Equals(Bare(parameter.ParameterName), Bare(parameterName), StringComparison.Ordinal));

        /// <summary>Puts a parameter before another.</summary>
        public override void Insert(int index, object value) => all.Insert(index, (MtdbParameter)value);

        /// <summary>Removes a parameter.</summary>
        public override void Remove(object value) => all.Remove((MtdbParameter)value);

        /// <summary>Removes by place.</summary>
        public override void RemoveAt(int index) => all.RemoveAt(index);

        /// <summary>Removes by name.</summary>
        public override void RemoveAt(string parameterName) => all.RemoveAt(Required(parameterName));

        /// <summary>By place.</summary>
        protected override DbParameter GetParameter(int index) => all[index];

        /// <summary>By name.</summary>
        protected override DbParameter GetParameter(string parameterName) => all[Required(parameterName)];

        /// <summary>By place.</summary>
        protected override void SetParameter(int index, DbParameter value) => all[index] = (MtdbParameter)value;

        /// <summary>By name.</summary>
        protected override void SetParameter(string parameterName, DbParameter value) =>
            all[Required(parameterName)] = (MtdbParameter)value;

        private static string Bare(string name) => (name ?? "").TrimStart('@', ':', '$');

        private int Required(string name) {
            var index = IndexOf(name);
            return index >= 0 ? index : throw new IndexOutOfRangeException($"no parameter '{name}'");
        }
    }
}
