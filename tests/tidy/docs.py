#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/events.md and docs/stats.md name what the sources name, and nothing else; each function that ARCHITECTURE.md
names is in the file that it names; each test that a page "Coming from" cites is there. Prints one line per difference.

Usage: docs.py ROOT
"""
import re
import sys
from pathlib import Path

NAME = re.compile(r'"([a-z_]+(?:\.[a-z_]+)+)"')


def calls(text, function):
    """The arguments of each call of a function, as text."""
    for match in re.finditer(rf"(?<![\w:]){function}\(", text):
        depth, at, quoted = 1, match.end(), False
        while depth > 0 and at < len(text):
            if text[at] == '"' and text[at - 1] != "\\":
                quoted = not quoted
            elif not quoted:
                depth += (text[at] == "(") - (text[at] == ")")
            at += 1
        yield text[match.end():at - 1]


def emitted(root):
    """(name, level or "audit") of each event of the sources."""
    events = set()
    for path in sorted(Path(root, "src", "engine").glob("*.cpp")):
        text = path.read_text(encoding="utf-8")
        for arguments in calls(text, "note"):
            level = re.search(r"Level::(\w+)", arguments)
            events |= {(name, level.group(1)) for name in NAME.findall(arguments) if level}
        for function in ("audit", "told"):
            for arguments in calls(text, function):
                events |= {(name, "audit") for name in NAME.findall(arguments)}
    return events


def figures(root):
    """By call: the (name, unit) of each figure, or (name,) of each column of the pools."""
    text = Path(root, "src", "engine", "stats.cpp").read_text(encoding="utf-8")
    bodies = dict(re.findall(r"^Ref<Result> Db::(\w+)\(.*?\{\n(.*?)^\}", text, re.M | re.S))
    pair = re.compile(r'add\(\*rows, "([^"]+)", "([^"]+)"')
    return {
        "mtdb_db_stats": set(pair.findall(bodies.get("stats", ""))),
        "mtdb_tenant_stats": set(pair.findall(bodies.get("tenant_stats", ""))),
        "mtdb_pool_stats": {(name,) for name in re.findall(r'\{"(\w+)", "[A-Z0-9]+"', bodies.get("pool_stats", ""))},
    }


def rows(text, cells):
    """The first cells of each row of the tables that begin with a name in backticks."""
    for line in text.split("\n"):
        row = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and row[0].startswith("`"):
            yield (row[0].strip("`"), *row[1:cells])


def sections(text):
    """By the call in a second-level heading: what stands below it."""
    return dict(re.findall(r"^## .*?`(\w+)\(\)`\n(.*?)(?=^## |\Z)", text, re.M | re.S))


def compare(document, sources, documented):
    for entry in sorted(sources - documented):
        yield f"{document}: {' '.join(entry)} is missing"
    for entry in sorted(documented - sources):
        yield f"{document}: {' '.join(entry)} is in no source"


def misplaced(root):
    """Of "`A::f()`, `A::g()` in `src/x.cpp`": the functions that are not there."""
    text = Path(root, "ARCHITECTURE.md").read_text(encoding="utf-8")
    steps = list(re.finditer(r"`([\w:]+)\(\)`((?:[^`.;]|`[\w:]+\(\)`)*?)\sin\s+`(src/[\w./]+)`", text))
    if not steps:
        yield "ARCHITECTURE.md: no step was found"
    for step in steps:
        path = Path(root, step.group(3))
        source = path.read_text(encoding="utf-8") if path.is_file() else ""
        for name in [step.group(1), *re.findall(r"`([\w:]+)\(\)`", step.group(2))]:
            owner, _, function = name.rpartition("::")
            if re.search(rf"\b{function}\(", source) is None or re.search(rf"\b{owner}\b", source) is None:
                yield f"ARCHITECTURE.md: {name}() is not in {step.group(3)}"


# What follows it in quotes, up to the next cell or other name, are its tests.
CITED = re.compile(r'`(unit|conformance|capi)\.(\w+)(?:/(\w+))?`|`(gorm|leaks)`|"([^"]+)"|`[^`]*`|\|')
PLACES = {"unit": "tests/unit/{}_test.cpp", "conformance": "tests/conformance/{}.cpp", "capi": "tests/capi/{}.c",
          "gorm": "tests/conformance/gorm.cpp", "leaks": "tests/conformance/leak_rows.cpp"}


def uncited(root, page):
    """Tests of docs/PAGE that are not in the file that is named."""
    text = Path(root, "docs", page).read_text(encoding="utf-8")
    place = None
    for kind, file, test, alone, quoted in CITED.findall(re.sub(r"\n(?!\|)\s*", " ", text)):
        if not quoted:
            place = PLACES[kind or alone].format(file) if kind or alone else None
        if place is None or not (test or quoted):
            continue
        path = Path(root, place)
        source = path.read_text(encoding="utf-8") if path.is_file() else ""
        if (test or quoted) not in re.sub(r'"\s*\n\s*"', "", source):
            yield f"docs/{page}: {place} has no '{test or quoted}'"


def differences(root):
    docs = Path(root, "docs")
    yield from misplaced(root)
    for page in ("gorm-multitenancy.md", "sqliteproxy.md"):
        yield from uncited(root, page)
    events = emitted(root)
    if not events:
        yield "src/engine: no event was found"
    yield from compare("docs/events.md", events, set(rows((docs / "events.md").read_text(encoding="utf-8"), 2)))
    by_call = sections((docs / "stats.md").read_text(encoding="utf-8"))
    for call, known in figures(root).items():
        if not known:
            yield f"src/engine/stats.cpp: no figure of {call} was found"
        cells = 1 if call == "mtdb_pool_stats" else 2
        yield from compare(f"docs/stats.md, {call}", known, set(rows(by_call.get(call, ""), cells)))


if __name__ == "__main__":
    found = list(differences(sys.argv[1]))
    print("\n".join(found) if found else "docs: events, figures, steps and cited tests are all there")
    sys.exit(1 if found else 0)
