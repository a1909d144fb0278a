#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The shape of every public function: types, parameter names that bindings rely on, documentation.

Usage: header_lint.py ROOT
"""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import header  # noqa: E402

SCALARS = {"int32_t", "int64_t", "double", "mtdb_status"}
POINTERS = {"const char*", "void*", "const void*", "const void**", "int32_t*", "int64_t*"}
# header.cpp asserts their layout
FROZEN = {"mtdb_block_header", "mtdb_block_column", "mtdb_driver_functions"}
CALLBACKS = "mtdb_callback.h"  # the one header with function pointers: C programs only, bindings never see it
# Told once in the conventions at the top of mtdb.h, so a function need not repeat them.
CONVENTIONAL = {"err", "timeout_ms", "cancel", "value", "cap", "status"}


def check_types(function):
    """Only the scalar kinds, text, buffers and handles."""
    if function.returns not in SCALARS | {"void", "const char*"}:
        yield f"returns {function.returns}"
    for p in function.parameters:
        if p.type in SCALARS or p.type in POINTERS or re.fullmatch(r"(const )?mtdb_[a-z]+\*|mtdb_[a-z]+\*\*", p.type):
            continue
        yield f"parameter {p.name} has type {p.type}"


def check_error(function):
    """A status comes with `err`, last; only an error's own accessors do without."""
    names = [p.name for p in function.parameters]
    errors = [p for p in function.parameters if p.type == "mtdb_error**"]
    if errors and (names[-1] != "err" or len(errors) > 1):
        yield "mtdb_error **err is not the one last parameter"
    if function.returns == "mtdb_status" and not errors and function.noun != "error":
        yield "returns a status without mtdb_error **err"


def check_patterns(function):
    """Text has its length behind it, buffers their capacity and count, waits their cancel token."""
    ps = function.parameters
    for i, p in enumerate(ps):
        behind = ps[i + 1] if i + 1 < len(ps) else header.Parameter("", "")
        if p.type in {"const char*", "const void*"} and (behind.type, behind.name) != ("int64_t", p.name + "_len"):
            yield f"{p.name} is not followed by int64_t {p.name}_len"
        if p.type == "void*":
            if p.name != "buf" or (behind.type, behind.name) != ("int64_t", "cap"):
                yield f"a buffer is (void *buf, int64_t cap): {p.name}"
            if not {"needed", "used"} & {q.name for q in ps[i:] if q.type == "int64_t*"}:
                yield "a buffer without int64_t *needed or *used"
        if p.name == "timeout_ms" and function.noun != "options" and behind.type != "mtdb_cancel*":
            yield "timeout_ms is not followed by mtdb_cancel *cancel"
        if p.type == "mtdb_cancel*" and i > 0 and ps[i - 1].name != "timeout_ms":
            yield "mtdb_cancel *cancel does not follow timeout_ms"
        if p.type.endswith("**") and p.noun and p.noun != "error" and p.name != "out":
            yield f"a handle arrives through `out`, not {p.name}"
    if function.name.endswith("_release"):
        if [p.name for p in ps] != ["owned"] or function.returns != "void":
            yield "release is void (mtdb_x *owned)"


def check_documentation(function, known):
    """Brief, @thread, @since, @errors; each @param is a parameter, and each parameter has one."""
    tags, documented = function.tags, function.documented
    if not tags["brief"]:
        yield "no brief"
    if not re.match(r"(any|serial)\b", tags.get("thread", "")):
        yield "no @thread any or @thread serial"
    if not re.fullmatch(r"\d+\.\d+", tags.get("since", "")):
        yield "no @since"
    if not tags.get("errors"):
        yield "no @errors"
    for word in re.findall(r"\b[A-Z][A-Z_]{3,}\b", re.sub(r"\([^)]*\)", "", tags.get("errors", ""))):
        if word not in known and not any(word.endswith("_") and k.startswith(word) for k in known):
            yield f"@errors names {word}, which is no status"
    for name in documented:
        if function.parameter(name) is None:
            yield f"@param {name} is no parameter"
    subject = function.parameters[0].name if function.parameters and function.parameters[0].handle else None
    for p in function.parameters:
        of_text = p.name.removesuffix("_len") if p.name.endswith("_len") else None
        if p.name not in documented and p.name not in CONVENTIONAL | {subject} and of_text is None:
            yield f"parameter {p.name} has no @param"


def check_ownership(function):
    """Who owns what arrives: @owns for handles and buffers, @borrows for pointers."""
    for p in function.parameters:
        is_out, text = function.documented.get(p.name, (False, ""))
        if p.type == "mtdb_error**":
            continue
        if p.type.endswith("**") or p.type == "void*":
            if not is_out or not re.search(r"@owns|@borrows", text):
                yield f"{p.name} says neither @owns nor @borrows in its @param[out]"
        elif p.type in {"int32_t*", "int64_t*"} and p.name in function.documented and not is_out:
            yield f"{p.name} is an output: @param[out]"
    if function.returns == "const char*" and "@borrows" not in function.tags.get("returns", ""):
        yield "returns a pointer without @returns @borrows"


def check_structs(text, callbacks=False):
    """No struct crosses the ABI but the frozen ones, and no function pointer but those of the callbacks' header."""
    for match in re.finditer(r"(?:typedef )?struct (\w+) \{([^}]*)\}", text):
        line = text.count("\n", 0, match.start()) + 1
        if match.group(1) not in FROZEN:
            yield f"{line}: struct {match.group(1)} has a public layout"
        for kind in re.findall(r"^\s*(\w[\w ]*?)\s+\**\w+;", match.group(2), re.M):
            if kind not in {"int32_t", "int64_t", "double"}:
                yield f"{line}: struct {match.group(1)} has a field of type {kind}"
    for match in re.finditer(r"\(\s*\*\s*\w+\s*\)\s*\(", "" if callbacks else text):
        yield f"{text.count(chr(10), 0, match.start()) + 1}: a function pointer"


def lint(root):
    include = Path(root, "include")
    known = header.statuses(include / "mtdb.h")
    for name in ("mtdb.h", "mtdb_unstable.h", CALLBACKS):
        path = include / name
        for offence in check_structs(path.read_text(encoding="utf-8"), name == CALLBACKS):
            yield f"{name}:{offence}"
        functions = header.parse(path)
        if not functions:
            yield f"{name}:1: no function found"
        for f in functions:
            shape = (check_types, check_error, check_patterns, check_ownership)
            for check in (check_error,) if name == CALLBACKS else shape:
                yield from (f"{name}:{f.line}: {f.name}: {offence}" for offence in check(f))
            yield from (f"{name}:{f.line}: {f.name}: {offence}" for offence in check_documentation(f, known))
    for title, examples, has_functions in header.groups(include / "mtdb.h"):
        if has_functions and not examples:
            yield f"mtdb.h:1: group '{title}' names no example"
        yield from (f"mtdb.h:1: group '{title}': no {e}" for e in examples if not Path(root, e).is_file())


def main(arguments):
    offences = list(lint(arguments[0]))
    print("\n".join(offences) if offences else "header lint: clean")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
