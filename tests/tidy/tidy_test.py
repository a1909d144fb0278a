#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each check of tidy.py finds what it is there for, and leaves good text alone."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import tidy  # noqa: E402

SPDX = "// SPDX-License-Identifier: MIT\n"


def offences(check, files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, name)
            if text is None:
                path.mkdir(parents=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        return list(tidy.CHECKS[check](tidy.Tree(folder)))


class Tidy(unittest.TestCase):
    def bad(self, check, files, part=""):
        found = offences(check, files)
        self.assertTrue(found, f"{check} found nothing")
        self.assertIn(part, found[0])

    def good(self, check, files):
        self.assertEqual(offences(check, files), [])

    def test_layers(self):
        self.bad("layers", {"src/db/a.cpp": '#include "engine/db.hpp"\n'}, "db may not include engine/db.hpp")
        self.bad("layers", {"src/pool/a.cpp": '#include "tenant/id.hpp"\n'}, "pool may not include tenant/id.hpp")
        self.bad("layers", {"src/backends/sqlite/a.cpp": '#include "backends/echo/b.hpp"\n'}, "may not include")
        self.bad("layers", {"src/engine/a.cpp": '#include "mtdb_unstable.h"\n'}, "may not include")
        self.bad("layers", {"src/misc/a.cpp": "\n"}, "not in the table")
        self.good("layers", {"src/capi/a.cpp": '#include "mtdb.h"\n#include "engine/db.hpp"\n#include <vector>\n',
                             "src/backends/registry.cpp": '#include "backends/echo/echo.hpp"\n',
                             "src/backends/echo/a.cpp": '#include "backends/echo/echo.hpp"\n#include "db/block.hpp"\n'})

    def test_functions(self):
        body = "    step();\n" * 69
        in_namespace = "namespace a {\nvoid f(int x) {\n" + body + "}\n}\n"
        self.bad("functions", {"src/a.cpp": in_namespace}, "src/a.cpp:2: a function of 71")
        self.bad("functions", {"src/a.cpp": "class A {\n    void f() const {\n" + body + "    }\n};\n"}, "of 71 lines")
        self.bad("functions", {"tests/a.cpp": 'TEST_CASE("a { b") {\n' + body + "}\n"}, "of 71 lines")
        self.bad("functions", {"bindings/a.rb": "def f\n" + "  g\n" * 70 + "end\n"}, "of 72 lines")
        self.bad("functions", {"tests/a.py": "def f():\n" + "    g()\n" * 70}, "of 71 lines")
        self.bad("functions", {"bindings/A.java": "class A {\n  void f() {\n" + body + "  }\n}\n"}, "of 71 lines")
        self.good("functions", {"src/a.cpp": "void f() {\n" + body[:-12] + "}\nvoid g() {\n" + body[:-12] + "}\n",
                                "src/b.cpp": "constexpr int table[] = {\n" + "    1,\n" * 100 + "};\n",
                                "src/c.cpp": "enum class E {\n" + "    a,  // (b)\n" * 100 + "};\n"})

    def test_columns(self):
        self.bad("columns", {"src/a.cpp": "x" * 121 + "\n"}, "src/a.cpp:1: 121 columns")
        self.good("columns", {"src/a.cpp": "\u00e4" * 120 + "\n", "src/mtdb.map": "x" * 200})

    def test_leftovers(self):
        for word in ["TO" + "DO", "FIX" + "ME", "X" + "XX"]:
            self.bad("leftovers", {"src/a.cpp": f"\n// {word}: later\n"}, f"src/a.cpp:2: {word}")
        self.good("leftovers", {"src/a.cpp": "// method\n"})

    def test_licence(self):
        self.bad("licence", {"src/a.cpp": "\n" + SPDX}, "first line")
        self.bad("licence", {"scripts/a": "#!/bin/sh\necho\n"}, "first line")
        self.good("licence", {"src/a.cpp": SPDX, "scripts/a": "#!/bin/sh\n# SPDX-License-Identifier: MIT\n",
                              "tests/fuzz/corpus/url/1": "sqlite:x"})

    def test_banned(self):
        for call in ["exit(1);", "std::abort();", "::signal(SIGPIPE, f);", "atexit(f);", "thread_local int x;",
                     "std::cout << 1;", "printf(x);", "std::fprintf(stderr, x);", "sqlite3_interrupt(db);",
                     "sqlite3_config(1);", "sqlite3_busy_timeout(db, 1);"]:
            self.bad("banned", {"src/a.cpp": f"\n{call}\n"}, "src/a.cpp:2: ")
        harmless = "condition.signal(); // exit(1)\nauto s = \"abort()\"; snprintf(b, 1, x); on_exit(1);\n"
        self.good("banned", {"src/a.cpp": harmless, "tests/a.cpp": "abort();\n"})

    def test_listed(self):
        self.bad("listed", {"src/CMakeLists.txt": "add_library(a b.cpp)", "src/a.cpp": ""}, "src/a.cpp:1: not listed")
        self.bad("listed", {"src/CMakeLists.txt": "a.cpp", "src/a.cpp": "", "src/a.hpp": ""}, "nothing includes it")
        self.good("listed", {"src/CMakeLists.txt": "x/a.cpp", "src/x/a.cpp": '#include "x/a.hpp"\n', "src/x/a.hpp": ""})

    def test_folders(self):
        self.bad("folders", {"src/a.cpp": "x", "src/empty": None}, "src/empty:1: an empty folder")
        self.bad("folders", {"src/a.cpp": ""}, "src/a.cpp:1: an empty file")
        self.good("folders", {"src/x/a.cpp": "x", "tests/fuzz/corpus/url/empty": ""})

    def test_readme(self):
        readme = "```c\nint x;\nint y;\n```\n"
        self.bad("readme", {"README.md": readme, "examples/c/a.c": "int x;\n\nint y;\n"}, "README.md:1: this code")
        self.bad("readme", {"README.md": readme, "examples/go/a.go": "int x;\nint y;\n"}, "no file below examples/c")
        self.good("readme", {"README.md": readme + "```sh\nls\n```\n", "examples/c/a.c": "#\nint x;\nint y;\n#\n"})

    def test_paths(self):
        self.bad("paths", {"src/a.cpp": '// see /' + 'home/me/notes\n'}, "a path of one machine")
        self.bad("paths", {"docs/a.md": "cd /" + "root/x\n"}, "a path of one machine")
        self.good("paths", {"src/a.cpp": "open(\"/tmp/x\"); // $HOME/x a/home/b\n"})

    def test_generated_files_are_left_alone(self):
        self.good("columns", {"bindings/go/raw.go": "// Code generated. DO NOT EDIT.\n" + "x" * 200})

    def test_every_check_has_a_test(self):
        self.assertEqual([name for name in tidy.CHECKS if not hasattr(self, f"test_{name}")], [])


if __name__ == "__main__":
    unittest.main()
