#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the library exports is what the headers declare, under the version that mtdb.map gives it.

Usage: exports.py LIBRARY ROOT
"""
import fnmatch
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import header  # noqa: E402


def exported(library):
    """name -> version of every symbol that the library defines for others."""
    lines = subprocess.run(["nm", "-D", "--defined-only", str(library)], capture_output=True, check=True,
                           text=True).stdout.splitlines()
    symbols = {}
    for line in lines:
        _, kind, symbol = line.split()
        if kind == "A":  # the names of the versions themselves
            continue
        name, _, version = symbol.partition("@")
        symbols[name] = version.lstrip("@")
    return symbols


def map_patterns(path):
    """version -> patterns of its global symbols."""
    text = re.sub(r"/\*.*?\*/", "", Path(path).read_text(encoding="utf-8"), flags=re.S)
    versions = {}
    for version, body in re.findall(r"(\w+)\s*\{([^}]*)\}", text):
        part = re.search(r"global:(.*?)(?:local:|$)", body, re.S)
        versions[version] = [p.strip() for p in part.group(1).split(";") if p.strip()] if part else []
    return versions


def compare(symbols, declared, patterns):
    """`declared`: version -> names. Yields each difference."""
    wanted = {name: version for version, names in declared.items() for name in names}
    for name in sorted(set(symbols) - set(wanted)):
        yield f"exported but not declared: {name}"
    for name in sorted(set(wanted) - set(symbols)):
        yield f"declared but not exported: {name}"
    for name in sorted(set(wanted) & set(symbols)):
        if symbols[name] != wanted[name]:
            yield f"{name} has version '{symbols[name]}', not {wanted[name]}"
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns.get(wanted[name], [])):
            yield f"{name} matches no pattern of {wanted[name]} in mtdb.map"


def main(arguments):
    library, root = arguments[0], Path(arguments[1])
    declared = {"MTDB_0": [f.name for f in header.parse(root / "include/mtdb.h", root / "include/mtdb_callback.h")],
                "MTDB_UNSTABLE": [f.name for f in header.parse(root / "include/mtdb_unstable.h")]}
    symbols = exported(library)
    offences = list(compare(symbols, declared, map_patterns(root / "src/capi/mtdb.map")))
    print("\n".join(offences) if offences else f"exports: {len(symbols)} symbols, all declared")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
