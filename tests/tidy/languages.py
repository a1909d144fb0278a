#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each test that docs/languages.md names is there. Prints one line per name that is not.

Usage: languages.py ROOT BUILD CTEST LANGUAGE... (the bindings that BUILD has; the tests of others are not looked for)
"""
import json
import re
import subprocess
import sys
from pathlib import Path

BINDINGS = {"java", "csharp", "ruby", "go"}


def cited(page):
    """The names in the tables of a page that are those of tests."""
    tables = "\n".join(line for line in page.split("\n") if line.startswith("|"))
    return [name for name in re.findall(r"`([a-z]+\.[a-z_]+)`", tables) if not name.endswith(".json")]


def missing(page, tests, languages):
    names = cited(page)
    if not names:
        yield "docs/languages.md: no test was found"
    for name in sorted(set(names) - set(tests)):
        if name.split(".")[0] not in BINDINGS - set(languages):
            yield f"docs/languages.md: there is no test {name}"


if __name__ == "__main__":
    root, build, ctest, *built = sys.argv[1:]
    listed = subprocess.run([ctest, "--test-dir", build, "--show-only=json-v1"], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, check=True).stdout
    found = list(missing(Path(root, "docs", "languages.md").read_text(encoding="utf-8"),
                         [test["name"] for test in json.loads(listed)["tests"]], built))
    print("\n".join(found) if found else "languages: all cited tests are there")
    sys.exit(1 if found else 0)
