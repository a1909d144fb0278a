// SPDX-License-Identifier: MIT

using System;

namespace Mtdb {
    /// <summary>One script of a plan.</summary>
    public sealed class MigrationStep {
        internal MigrationStep(Rows rows) {
            Version = Table.Text(rows, 0);
            Description = Table.Text(rows, 1);
            Script = Table.Text(rows, 2);
            Kind = Table.Text(rows, 3);
            Checksum = Table.Number(rows, 4);
            State = Table.Text(rows, 5);
            Problem = Table.Text(rows, 6);
            Transactional = Table.Number(rows, 7) == 1;
            Statements = Table.Number(rows, 8) ?? 0;
            Destructive = Table.Text(rows, 9);
        }

        /// <summary>Its version.</summary>
        public string Version { get; }

        /// <summary>Its description.</summary>
        public string Description { get; }

        /// <summary>Its file, or name.</summary>
        public string Script { get; }

        /// <summary>What kind of script it is.</summary>
        public string Kind { get; }

        /// <summary>Its checksum, if it has one.</summary>
        public long? Checksum { get; }

        /// <summary>"pending", "applied" and others.</summary>
        public string State { get; }

        /// <summary>What is wrong with it, or null.</summary>
        public string Problem { get; }

        /// <summary>Whether it runs in a transaction.</summary>
        public bool Transactional { get; }

        /// <summary>How many statements it has.</summary>
        public long Statements { get; }

        /// <summary>What in it destroys data, or null.</summary>
        public string Destructive { get; }
    }

    /// <summary>One entry of a history, or a script that is not applied.</summary>
    public sealed class MigrationEntry {
        internal MigrationEntry(Rows rows) {
            Category = Table.Text(rows, 0);
            Version = Table.Text(rows, 1);
            Description = Table.Text(rows, 2);
            Type = Table.Text(rows, 3);
            Script = Table.Text(rows, 4);
            State = Table.Text(rows, 5);
            InstalledRank = Table.Number(rows, 6);
            Checksum = Table.Number(rows, 7);
            InstalledOn = Table.Text(rows, 8);
            InstalledBy = Table.Text(rows, 9);
            var took = Table.Number(rows, 10);
            ExecutionTime = took == null ? (TimeSpan?)null : TimeSpan.FromMilliseconds(took.Value);
            Undoable = Table.Number(rows, 11) == 1;
        }

        /// <summary>"Versioned", "Repeatable", "Baseline", or empty for a marker.</summary>
        public string Category { get; }

        /// <summary>Its version, or null.</summary>
        public string Version { get; }

        /// <summary>Its description.</summary>
        public string Description { get; }

        /// <summary>Its type in the history.</summary>
        public string Type { get; }

        /// <summary>Its file, or name.</summary>
        public string Script { get; }

        /// <summary>"pending", "success", "out_of_order" and others.</summary>
        public string State { get; }

        /// <summary>null: not applied.</summary>
        public long? InstalledRank { get; }

        /// <summary>Its checksum, if it has one.</summary>
        public long? Checksum { get; }

        /// <summary>When it was applied, as the history says it.</summary>
        public string InstalledOn { get; }

        /// <summary>By whom.</summary>
        public string InstalledBy { get; }

        /// <summary>How long it took.</summary>
        public TimeSpan? ExecutionTime { get; }

        /// <summary>Whether there is a script that undoes it.</summary>
        public bool Undoable { get; }
    }

    /// <summary>One change of a repair.</summary>
    public sealed class MigrationRepair {
        internal MigrationRepair(Rows rows) {
            Action = Table.Text(rows, 0);
            Version = Table.Text(rows, 1);
            Description = Table.Text(rows, 2);
            Script = Table.Text(rows, 3);
            Detail = Table.Text(rows, 4);
        }

        /// <summary>"remove", "mark", "align", "set" or "explain".</summary>
        public string Action { get; }

        /// <summary>The version concerned, or null.</summary>
        public string Version { get; }

        /// <summary>Its description.</summary>
        public string Description { get; }

        /// <summary>Its script.</summary>
        public string Script { get; }

        /// <summary>What is changed, in words.</summary>
        public string Detail { get; }
    }

    /// <summary>Where a tenant stands.</summary>
    public sealed class MigrationStatus {
        internal MigrationStatus(Rows rows) {
            Tenant = Table.Text(rows, 0);
            Current = Table.Text(rows, 1);
            Target = Table.Text(rows, 2);
            State = Table.Text(rows, 3);
            Pending = Table.Number(rows, 4) ?? 0;
            AppliedAt = Table.Text(rows, 5);
            History = Table.Text(rows, 6);
            Problem = Table.Text(rows, 7);
        }

        /// <summary>The tenant.</summary>
        public string Tenant { get; }

        /// <summary>Its version; null: nothing is applied.</summary>
        public string Current { get; }

        /// <summary>The newest version of the scripts.</summary>
        public string Target { get; }

        /// <summary>"up_to_date", "outdated", "newer" or "problem".</summary>
        public string State { get; }

        /// <summary>How many scripts are not applied.</summary>
        public long Pending { get; }

        /// <summary>When the last one was; null: the history does not say.</summary>
        public string AppliedAt { get; }

        /// <summary>Whose history it is.</summary>
        public string History { get; }

        /// <summary>What is wrong, or null.</summary>
        public string Problem { get; }
    }

    /// <summary>One difference between a history and the scripts.</summary>
    public sealed class MigrationProblem {
        internal MigrationProblem(Rows rows) {
            Code = Table.Text(rows, 0);
            Version = Table.Text(rows, 1);
            Description = Table.Text(rows, 2);
            Script = Table.Text(rows, 3);
            Message = Table.Text(rows, 4);
            Repair = Table.Text(rows, 5);
        }

        /// <summary>Flyway's code.</summary>
        public string Code { get; }

        /// <summary>The version concerned, or null.</summary>
        public string Version { get; }

        /// <summary>Its description.</summary>
        public string Description { get; }

        /// <summary>Its script.</summary>
        public string Script { get; }

        /// <summary>The problem, in words.</summary>
        public string Message { get; }

        /// <summary>What repair would change; null: nothing.</summary>
        public string Repair { get; }
    }

    /// <summary>What a verb over many tenants did to one of them.</summary>
    public sealed class MigrationOutcome {
        internal MigrationOutcome(Rows rows) {
            Tenant = Table.Text(rows, 0);
            Status = (Status)rows.GetInt64(1);
            Applied = rows.GetInt64(2);
            Version = Table.Text(rows, 3);
            State = Table.Text(rows, 4);
            Message = Table.Text(rows, 5);
            Error = Table.Text(rows, 6);
        }

        /// <summary>The tenant.</summary>
        public string Tenant { get; }

        /// <summary><see cref="Mtdb.Status.Ok"/>, or what it failed with.</summary>
        public Status Status { get; }

        /// <summary>Scripts applied, or undone.</summary>
        public long Applied { get; }

        /// <summary>The version that it stands at.</summary>
        public string Version { get; }

        /// <summary>"up_to_date", "outdated", "newer" or "problem".</summary>
        public string State { get; }

        /// <summary>Of a failure, or null.</summary>
        public string Message { get; }

        /// <summary>The failure whole, as a JSON object, or null.</summary>
        public string Error { get; }
    }
}
