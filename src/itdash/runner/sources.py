"""What a source says that it imports, also inside of functions; what only type checkers read is left out."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

_DYNAMIC = (b"import_module", b"__import__", b"load_module", b"exec_module", b"run_path", b"run_module")

# Not by Python's own parser, which takes fifty times as long: a name that stands in a text and looks like an
# import does no harm, for names count only where a run has imported a module of that name.
_STATEMENT = re.compile(
    r"(?:^|[;:])[ \t]*(?:from[ \t]*(?P<base>[.\w][.\w \t]*?)[ \t]*\bimport\b[ \t]*"
    r"(?P<names>\((?:[^)#]|#[^\n]*)*\)|[^\n;]*)"
    r"|import[ \t]+(?P<modules>[^\n;]+))",
    re.M,
)
_FOR_CHECKERS = re.compile(
    r"^([ \t]*)if[ \t]+(?:\w+\.)?TYPE_CHECKING[ \t]*:[^\n]*\n(?:(?:\1[ \t]+[^\n]*|[ \t]*)(?:\n|\Z))*", re.M
)
_COMMENT = re.compile(r"#[^\n]*")
_NAME = re.compile(r"[.\w]+")


class Statements(NamedTuple):
    """The names that a source imports, with a dot for each level up in front of a relative one."""

    names: tuple[str, ...]
    dynamic: bool = False


def statements(source: bytes) -> Statements:
    """Read a source, whatever state it is in."""
    text = source.decode("utf-8", "replace").replace("\r\n", "\n").replace("\\\n", " ")
    if "TYPE_CHECKING" in text:
        text = _FOR_CHECKERS.sub("\n", text)
    names: dict[str, None] = {}
    for found in _STATEMENT.finditer(text):
        base = found["base"]
        if base is None:
            names.update(dict.fromkeys(_listed(found["modules"])))
            continue
        base = "".join(base.split())
        names[base] = None
        joint = "" if base.endswith(".") else "."
        names.update(dict.fromkeys(f"{base}{joint}{name}" for name in _listed(found["names"])))
    return Statements(tuple(names), any(word in source for word in _DYNAMIC))


def _listed(text: str) -> list[str]:
    """The names between commas, without those that they get here."""
    parts = _COMMENT.sub("", text).strip("() \t\n").split(",")
    return [found[0] for part in parts if (found := _NAME.match(part.strip()))]


def problem(path: str, source: bytes) -> str:
    """Why Python cannot read a source, with its line; empty where it can."""
    try:
        compile(source, path, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    except SyntaxError as error:
        text = (error.text or "").strip()
        return f"line {error.lineno or 1}: {error.msg}" + (f": {text}" if text else "")
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error) or type(error).__name__
    return ""
