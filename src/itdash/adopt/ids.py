"""Ids of requirements in the source of a test file: in marks, in docstrings, in the names of tests."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARKS = frozenset({"requirement", "requirements", "req", "reqs", "verifies", "covers"})
_IN_TEXT = re.compile(
    r"(?<![\w.-])((?:REQ|SRS|SYS|FR|NFR)[-_ ]?\d+(?:[.-]\d+)*|R\d+(?:\.\d+)+)(?![\w-]|\.\d)"
    r"(?=[ \t]*[:–—-]+[ \t]+(?P<said>\w.*)|)"
)
_IN_NAME = re.compile(r"(?:^|_)(?:req_?(?P<req>\d+(?:_\d+)*)|r(?P<r>\d+(?:_\d+)+))(?=_|$)", re.IGNORECASE)


class Named(NamedTuple):
    """An id, what the place that names it says of it, its line, and whether a mark of itdash names it."""

    id: str
    title: str
    line: int
    marked: bool


class Source(NamedTuple):
    """What a test file says without being run: marks that it uses, ids that it names."""

    marks: frozenset[str]
    ids: tuple[Named, ...]


def read(text: bytes) -> Source:
    """Read a source; raises SyntaxError or ValueError where Python could not read it either."""
    tree = ast.parse(text)
    found: list[Named] = []
    _walk(tree, "", found)
    return Source(frozenset(_marks(tree)), tuple(found))


def key(id: str) -> str:
    """What two ways to write one id have in common: `req_12`, `REQ-12` and `REQ 12`."""
    return re.sub(r"[\W_]+", ".", re.sub(r"(?<=[a-z])[\W_]*(?=\d)", "", id.casefold()))


def _walk(node: ast.AST, title: str, found: list[Named]) -> None:
    """Go through the tree; what is nearest around a mark lends it its title."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        is_test = not isinstance(node, ast.Module) and node.name.lower().startswith("test")
        text = ast.get_docstring(node) or ""
        title = _line(text.partition("\n")[0]) or (
            _plain(node.name) if is_test and not isinstance(node, ast.Module) else ""
        )
        line = getattr(node, "lineno", 1)
        found += [
            Named(hit[1], _said(hit) or _line(part) or title, line, False)
            for part in text.splitlines() for hit in _IN_TEXT.finditer(part)
        ]  # fmt: skip
        if is_test and not isinstance(node, ast.Module) and (hit := _IN_NAME.search(node.name)):
            id = f"REQ-{hit['req'].replace('_', '.')}" if hit["req"] else f"R{hit['r'].replace('_', '.')}"
            found.append(Named(id, title, line, False))
    elif isinstance(node, ast.Call) and (mark := _mark_of(node.func)) in _MARKS:
        found += [
            Named(word.value.strip(), title, node.lineno, mark == "requirement")
            for word in node.args
            if isinstance(word, ast.Constant) and isinstance(word.value, str) and word.value.strip()
        ]
    for child in ast.iter_child_nodes(node):
        _walk(child, title, found)


def _mark_of(node: ast.AST) -> str:
    """The name in `pytest.mark.NAME` or `mark.NAME`; nothing for anything else."""
    if isinstance(node, ast.Attribute):
        owner = node.value
        if getattr(owner, "attr", "") == "mark" or getattr(owner, "id", "") == "mark":
            return node.attr
    return ""


def _marks(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if mark := _mark_of(node):
            yield mark


def _said(hit: re.Match[str]) -> str:
    """What follows an id and a colon or dash, up to the next id."""
    said = hit["said"] or ""
    following = _IN_TEXT.search(said)
    return (said[: following.start()] if following else said).strip(" \t;,.")


def _line(text: str) -> str:
    """A line without the id at its front."""
    line = text.strip()
    hit = _IN_TEXT.match(line)
    bare = line[hit.end() :].lstrip(" \t:–—-") if hit else line
    return bare.rstrip(" \t.") if re.search(r"\w", bare) else ""


def _plain(name: str) -> str:
    """`test_req_12_bad_login` as words: bad login."""
    bare = _IN_NAME.sub("", re.sub(r"^test_?", "", name, flags=re.IGNORECASE))
    return bare.strip("_").replace("_", " ")
