# SPDX-License-Identifier: MIT
"""Reads mtdb.h, mtdb_callback.h and mtdb_unstable.h: the functions, their parameters, their documentation."""
import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Parameter:
    type: str  # spaces as one, no blank before a star: "const char*", "mtdb_conn**"
    name: str

    @property
    def pointer(self):
        return self.type.endswith("*")

    @property
    def handle(self):
        return re.fullmatch(r"(?:const )?(mtdb_\w+)\*", self.type) is not None

    @property
    def noun(self):
        """The handle's noun: "conn" for mtdb_conn* and mtdb_conn**; else None."""
        match = re.match(r"(?:const )?mtdb_(?!status)(\w+)\*", self.type)
        return match.group(1) if match else None


@dataclass
class Function:
    name: str
    returns: str
    parameters: list
    comment: str
    line: int
    tags: dict = field(default_factory=dict)  # "thread" -> text
    documented: dict = field(default_factory=dict)  # parameter -> (is out, text)

    @property
    def noun(self):
        return self.name.split("_")[1]

    def parameter(self, name):
        return next((p for p in self.parameters if p.name == name), None)


def _plain(comment):
    lines = (re.sub(r"^\s*(?:/\*\*|\*)?\s?", "", line) for line in comment.removesuffix("*/").split("\n"))
    return "\n".join(line.rstrip() for line in lines)


def _document(function):
    parts = re.split(r"(?:^|\n)@", _plain(function.comment))
    function.tags["brief"] = parts[0].strip()
    for part in parts[1:]:
        word, _, text = part.partition(" ")
        text = " ".join(text.split())
        match = re.match(r"param(\[out\])?$", word)
        if match:
            name, _, text = text.partition(" ")
            function.documented[name] = (match.group(1) is not None, text.strip())
        else:
            function.tags[word] = text


def _parameter(text):
    match = re.fullmatch(r"(.*?)(\w+)", " ".join(text.split()))
    return Parameter(re.sub(r"\s*\*", "*", match.group(1)).strip(), match.group(2))


DECLARATION = re.compile(r"(/\*\*(?:(?!\*/).)*\*/)?\s*^MTDB_API\s+([^;()]*?)(mtdb_\w+)\(([^;]*)\);", re.M | re.S)


def parse(*paths):
    """All functions in order. What the preprocessor fences off is read too."""
    functions = []
    for path in paths:
        text = Path(path).read_text(encoding="utf-8")
        for match in DECLARATION.finditer(text):
            comment, returns, name, arguments = match.groups()
            arguments = "" if arguments.strip() == "void" else arguments
            function = Function(name, re.sub(r"\s*\*", "*", " ".join(returns.split())),
                                [_parameter(a) for a in arguments.split(",") if a.strip()],
                                comment or "", text.count("\n", 0, match.start(3)) + 1)
            _document(function)
            functions.append(function)
    return functions


def statuses(path):
    """The names of the status constants, without MTDB_."""
    text = Path(path).read_text(encoding="utf-8")
    first, last = text.index("#define MTDB_OK"), text.index("#define MTDB_INTERNAL")
    return set(re.findall(r"#define MTDB_(\w+) -?\d+", text[first:last] + "#define MTDB_INTERNAL -34"))


def groups(path):
    """The groups of the header: (title, the example files it names, whether it declares functions)."""
    text = Path(path).read_text(encoding="utf-8")
    heads = list(re.finditer(r"^/\* -{20,}\n \* ([^\n]*?)(?:\n \*[^\n]*)*?-{20,} \*/", text, re.M))
    for head, behind in zip(heads, heads[1:] + [None]):
        body = text[head.end():behind.start() if behind else len(text)]
        yield head.group(1), re.findall(r"examples/[\w/]+\.c", head.group(0)), "MTDB_API" in body
