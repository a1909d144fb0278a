#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs.py finds what is missing and what is too much, languages.py what is missing."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import docs  # noqa: E402
import languages  # noqa: E402

ENGINE = """
    note(telemetry::Level::warn, "lease.lost", tenant_, "a text with (one bracket");
    db.audit(up ? "script.run" : "script.undone", tenant, text);
"""
STATS = """Ref<Result> Db::stats() {
    add(*rows, "leases.now", "count", 1);
}
Ref<Result> Db::pool_stats() {
    rows({{"pool", "TEXT", 1}, {"open", "INT64", 2}});
}
Ref<Result> Db::tenant_stats(std::string_view tenant) {
    add(*rows, "leases.wait_time", "us", 1);
}
"""
EVENTS_PAGE = """| name | level | when |
|---|---|---|
| `lease.lost` | warn | x |
| `script.run` | audit | x |
| `script.undone` | audit | x |
"""
STATS_PAGE = """## The db: `mtdb_db_stats()`
| `leases.now` | count | x |
## Each pool: `mtdb_pool_stats()`
| `pool` | x |
| `open` | x |
## A tenant: `mtdb_tenant_stats()`
| `leases.wait_time` | us | x |
"""
CITING = """| `tenant.user` | "a word" | `unit.url` "a claim", "another
claim"; `capi.db/opens` |
"""
UNIT = """TEST_CASE("postgres: a claim") {}
suite.claim("another "
            "claim", body);
"""
STEPS = "`Db::stats()`, `Db::pool_stats()` in `src/engine/stats.cpp`, then `note()` in\n  `src/engine/conn.cpp`.\n"


def differences(events=EVENTS_PAGE, stats=STATS_PAGE, steps=STEPS, citing=CITING):
    with tempfile.TemporaryDirectory() as root:
        for name, text in {"src/engine/conn.cpp": ENGINE, "src/engine/stats.cpp": STATS,
                           "docs/events.md": events, "docs/stats.md": stats, "ARCHITECTURE.md": steps,
                           "docs/gorm-multitenancy.md": citing, "docs/sqliteproxy.md": "",
                           "tests/capi/db.c": "Test(db, opens)", "tests/unit/url_test.cpp": UNIT}.items():
            path = Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return list(docs.differences(root))


class Docs(unittest.TestCase):
    def test_complete_pages_are_left_alone(self):
        self.assertEqual(differences(), [])

    def test_a_missing_event_is_named(self):
        page = EVENTS_PAGE.replace("| `script.undone` | audit | x |\n", "")
        self.assertEqual(differences(events=page), ["docs/events.md: script.undone audit is missing"])

    def test_a_wrong_level_is_named(self):
        found = differences(events=EVENTS_PAGE.replace("warn", "info"))
        self.assertIn("docs/events.md: lease.lost warn is missing", found)

    def test_an_event_of_no_source_is_named(self):
        found = differences(events=EVENTS_PAGE + "| `lease.found` | info | x |\n")
        self.assertEqual(found, ["docs/events.md: lease.found info is in no source"])

    def test_a_missing_figure_is_named(self):
        found = differences(stats=STATS_PAGE.replace("| `leases.now` | count | x |\n", ""))
        self.assertEqual(found, ["docs/stats.md, mtdb_db_stats: leases.now count is missing"])

    def test_a_wrong_unit_and_a_missing_column_are_named(self):
        self.assertEqual(len(differences(stats=STATS_PAGE.replace("| us |", "| ms |"))), 2)
        found = differences(stats=STATS_PAGE.replace("| `open` | x |\n", ""))
        self.assertEqual(found, ["docs/stats.md, mtdb_pool_stats: open is missing"])

    def test_a_step_that_is_elsewhere_is_named(self):
        self.assertEqual(differences(steps=STEPS.replace("pool_stats", "figures")),
                         ["ARCHITECTURE.md: Db::figures() is not in src/engine/stats.cpp"])
        self.assertEqual(differences(steps=STEPS.replace("engine/conn", "pool/conn")),
                         ["ARCHITECTURE.md: note() is not in src/pool/conn.cpp"])
        self.assertEqual(differences(steps="None."), ["ARCHITECTURE.md: no step was found"])

    def test_a_cited_test_that_is_not_there_is_named(self):
        self.assertEqual(differences(citing=CITING.replace("a claim", "no claim")),
                         ["docs/gorm-multitenancy.md: tests/unit/url_test.cpp has no 'no claim'"])
        self.assertEqual(differences(citing=CITING.replace("db/opens", "db/closes")),
                         ["docs/gorm-multitenancy.md: tests/capi/db.c has no 'closes'"])
        self.assertEqual(differences(citing=CITING.replace("unit.url", "unit.none"))[0],
                         "docs/gorm-multitenancy.md: tests/unit/none_test.cpp has no 'a claim'")

    def test_a_test_of_a_language_that_is_not_there_is_named(self):
        page = "Run `ctest.name`.\n| `values.json` | `vectors.values` | `go.conformance` |\n"
        self.assertEqual(list(languages.missing(page, ["vectors.values", "go.conformance"], ["go"])), [])
        self.assertEqual(list(languages.missing(page, ["vectors.values"], ["ruby"])), [])
        self.assertEqual(list(languages.missing(page, ["vectors.values"], ["go"])),
                         ["docs/languages.md: there is no test go.conformance"])
        self.assertEqual(list(languages.missing(page, ["go.conformance"], ["go"])),
                         ["docs/languages.md: there is no test vectors.values"])
        self.assertEqual(list(languages.missing("None.", [], [])), ["docs/languages.md: no test was found"])


if __name__ == "__main__":
    unittest.main()
