#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each gate of the ABI fails on a copy that is broken in one place, and passes on the same copy when it is not.

The copies are small: the real headers and map over a library of empty functions made from them.
Usage: gates_test.py ROOT CC
"""
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import baseline  # noqa: E402
import exports  # noqa: E402
import header  # noqa: E402
import header_lint  # noqa: E402

ROOT, CC = Path("."), "cc"


def empty_library(root, extra=""):
    """A library with every declared function, each doing nothing."""
    lines = ['#define MTDB_UNSTABLE', '#include "mtdb_unstable.h"']
    for f in header.parse(root / "include/mtdb.h", root / "include/mtdb_unstable.h"):
        arguments = ", ".join(f"{p.type} {p.name}" for p in f.parameters) or "void"
        lines.append(f"{f.returns} {f.name}({arguments}) {{ {'return 0;' if f.returns != 'void' else ''} }}")
    (root / "empty.c").write_text("\n".join(lines) + "\n" + extra + "\n", encoding="utf-8")
    library = root / "libmtdb.so"
    subprocess.run([CC, "-shared", "-fPIC", "-g", "-fvisibility=hidden", f"-I{root / 'include'}", "-o", str(library),
                    str(root / "empty.c"), f"-Wl,--version-script={root / 'src/capi/mtdb.map'}"], check=True)
    return library


class Gates(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        shutil.copytree(ROOT / "include", self.root / "include")
        (self.root / "src/capi").mkdir(parents=True)
        shutil.copy(ROOT / "src/capi/mtdb.map", self.root / "src/capi")
        for _, examples, _ in header.groups(self.root / "include/mtdb.h"):
            for example in examples:
                (self.root / example).parent.mkdir(parents=True, exist_ok=True)
                (self.root / example).touch()

    def edit(self, old, new, name="include/mtdb.h"):
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        self.assertIn(old, text)
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def remove(self, name):
        text = (self.root / "include/mtdb.h").read_text(encoding="utf-8")
        start = text.rindex("/**", 0, text.index(f"{name}("))
        end = text.index(");", text.index(f"{name}(")) + 2
        (self.root / "include/mtdb.h").write_text(text[:start] + text[end:], encoding="utf-8")

    def abi_report(self, change):
        old = str(self.root / "old.abi")
        baseline.write(str(empty_library(self.root)), str(self.root / "include"), old)
        change()
        return baseline.compare(str(empty_library(self.root)), str(self.root / "include"), old)

    def export_offences(self, extra=""):
        library = empty_library(self.root, extra)
        declared = {"MTDB_0": [f.name for f in header.parse(ROOT / "include/mtdb.h")],
                    "MTDB_UNSTABLE": [f.name for f in header.parse(ROOT / "include/mtdb_unstable.h")]}
        patterns = exports.map_patterns(self.root / "src/capi/mtdb.map")
        return list(exports.compare(exports.exported(library), declared, patterns))

    def lint_finds(self, part):
        found = list(header_lint.lint(self.root))
        self.assertTrue(any(part in offence for offence in found), f"'{part}' is not among {found}")

    def test_abidiff_passes_an_unchanged_library(self):
        self.assertEqual(self.abi_report(lambda: None), "")

    def test_abidiff_passes_an_added_function(self):
        added = "/** Adds. */\nMTDB_API void mtdb_added_call(int32_t index);\n\n#ifdef __cplusplus\n}"
        self.assertEqual(self.abi_report(lambda: self.edit("#ifdef __cplusplus\n}", added)), "")

    def test_abidiff_fails_on_a_removed_function(self):
        self.assertIn("mtdb_options_count", self.abi_report(lambda: self.remove("mtdb_options_count")))

    def test_abidiff_fails_on_a_narrowed_parameter(self):
        report = self.abi_report(lambda: self.edit("int32_t index, int64_t value", "int32_t index, int32_t value"))
        self.assertIn("mtdb_stmt_bind_int64", report)

    def test_abidiff_fails_on_a_renamed_version(self):
        self.assertNotEqual(self.abi_report(lambda: self.edit("MTDB_0 {", "MTDB_9 {", "src/capi/mtdb.map")
                                            or self.edit("} MTDB_0", "} MTDB_9", "src/capi/mtdb.map")), "")

    def test_exports_pass_as_declared(self):
        self.assertEqual(self.export_offences(), [])

    def test_exports_fail_on_an_extra_symbol(self):
        extra = '__attribute__((visibility("default"))) int mtdb_extra_call(void) { return 0; }'
        self.assertEqual(self.export_offences(extra), ["exported but not declared: mtdb_extra_call"])

    def test_exports_fail_on_a_leak_past_the_map(self):
        self.edit("mtdb_*;", "mtdb_*; leaked_*;", "src/capi/mtdb.map")
        extra = '__attribute__((visibility("default"))) int leaked_call(void) { return 0; }'
        self.assertEqual(self.export_offences(extra), ["exported but not declared: leaked_call"])

    def test_exports_fail_on_a_missing_symbol(self):
        self.remove("mtdb_options_count")
        self.assertEqual(self.export_offences(), ["declared but not exported: mtdb_options_count"])

    def test_exports_fail_on_an_unstable_symbol_in_the_stable_version(self):
        self.edit("global: mtdb_unstable_*;", "", "src/capi/mtdb.map")
        self.assertTrue(any("mtdb_unstable_live_handles has version" in o for o in self.export_offences()))

    def test_lint_passes_the_header(self):
        self.assertEqual(list(header_lint.lint(self.root)), [])

    def test_lint_fails_without_a_thread_tag(self):
        self.edit(" * @thread any\n", "")
        self.lint_finds("mtdb_version: no @thread")

    def test_lint_fails_without_since_errors_or_brief(self):
        self.edit(" * @errors none\n", "")
        self.lint_finds("mtdb_version: no @errors")
        self.edit(" * @since 0.1 */", " */")
        self.lint_finds("mtdb_version: no @since")
        self.edit("/** The library's version as text, such as \"0.1.0\".", "/**")
        self.lint_finds("mtdb_version: no brief")

    def test_lint_fails_on_an_error_that_is_no_status(self):
        self.edit("@errors NOT_FOUND, ", "@errors NOT_SEEN, ")
        self.lint_finds("NOT_SEEN, which is no status")

    def test_lint_fails_on_parameters_and_their_text_apart(self):
        self.edit("@param key  one of", "@param kee  one of")
        self.lint_finds("@param kee is no parameter")
        self.lint_finds("parameter key has no @param")

    def test_lint_fails_on_types_outside_the_six(self):
        self.edit("int32_t mtdb_options_count(void)", "size_t mtdb_options_count(void)")
        self.lint_finds("mtdb_options_count: returns size_t")
        self.edit("int32_t index, double value", "int32_t index, float value")
        self.lint_finds("mtdb_stmt_bind_double: parameter value has type float")

    def test_lint_fails_when_err_is_not_last(self):
        self.edit("mtdb_options_new(mtdb_options **out, mtdb_error **err)",
                  "mtdb_options_new(mtdb_error **err, mtdb_options **out)")
        self.lint_finds("mtdb_options_new: mtdb_error **err is not the one last parameter")
        self.edit("mtdb_cancel_new(mtdb_cancel **out, mtdb_error **err)", "mtdb_cancel_new(mtdb_cancel **out)")
        self.lint_finds("mtdb_cancel_new: returns a status without mtdb_error **err")

    def test_lint_fails_on_text_without_its_length(self):
        self.edit("const char *url, int64_t url_len", "const char *url, int64_t size")
        self.lint_finds("mtdb_db_open: url is not followed by int64_t url_len")

    def test_lint_fails_without_an_owner(self):
        self.edit("@param[out] out @owns the db", "@param[out] out the db")
        self.lint_finds("mtdb_db_open: out says neither @owns nor @borrows")

    def test_lint_fails_on_a_public_struct_and_a_callback(self):
        self.edit("typedef struct mtdb_error mtdb_error;", "typedef struct mtdb_error { long code; } mtdb_error;")
        self.lint_finds("struct mtdb_error has a public layout")
        self.edit("typedef int32_t mtdb_status;", "typedef int32_t mtdb_status; typedef void (*mtdb_hook)(void);")
        self.lint_finds("a function pointer")

    def test_lint_fails_on_a_release_of_another_shape(self):
        self.edit("void mtdb_db_release(mtdb_db *owned)", "void mtdb_db_release(mtdb_db *db)")
        self.lint_finds("mtdb_db_release: release is void (mtdb_x *owned)")

    def test_lint_fails_without_an_example(self):
        (self.root / "examples/c/hello.c").unlink()
        self.lint_finds("no examples/c/hello.c")


if __name__ == "__main__":
    ROOT, CC = Path(sys.argv[1]).resolve(), sys.argv[2]
    unittest.main(argv=sys.argv[:1])
