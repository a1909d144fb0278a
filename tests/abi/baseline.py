#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The ABI as libabigail sees it: writes a baseline of a library, or compares a library with one.

Usage: baseline.py LIBRARY INCLUDE_FOLDER BASELINE             writes
       baseline.py --compare LIBRARY INCLUDE_FOLDER BASELINE   exits 0 only when symbols were at most added
"""
import subprocess
import sys
from pathlib import Path

SCOPE = ["--drop-private-types", "--exported-interfaces-only"]


def write(library, include, baseline):
    xml = subprocess.run(["abidw", *SCOPE, "--headers-dir", include, "--no-comp-dir-path", "--no-corpus-path",
                          "--no-show-locs", library], capture_output=True, check=True, text=True).stdout
    # Where it was built says nothing about the ABI.
    root = str(Path(include).resolve().parent)
    Path(baseline).write_text(xml.replace(root + "/", ""), encoding="utf-8")


def compare(library, include, baseline):
    """libabigail's report when anything but additions changed, else an empty text."""
    run = subprocess.run(["abidiff", *SCOPE, "--no-added-syms", "--headers-dir2", include, baseline, library],
                         capture_output=True, text=True)
    # Any bit counts: a narrowed parameter is only "changed", not "incompatible".
    return run.stdout + run.stderr + f"abidiff: {run.returncode}\n" if run.returncode else ""


def main(arguments):
    if arguments[0] != "--compare":
        write(*arguments)
        return 0
    report = compare(*arguments[1:])
    print(report or "abi: nothing but additions since the baseline")
    if report:
        print("If this is meant: scripts/abi-baseline, and a line in CHANGELOG.md.")
    return 1 if report else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
