"""`requirements.reqif`: the objects of a ReqIF document that have an id, and where they stand in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from itdash.events.model import RequirementRow
from itdash.requirements.entry import Entry, RequirementsError, place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

_ATTRIBUTES = {
    "id": ("foreignid", "uid", "id", "requirementid", "reqid", "identifier"),
    "title": ("title", "chaptername", "name", "text", "statement"),
}
"""Names of attributes that hold each of ours, without `ReqIF.`, blanks and case; the first has the say."""

_BLANKS = re.compile(r"\s+")


class _HasDoctype(Exception):
    """The document declares entities, or could."""


class _Place:
    """A place in a hierarchy, and the one above it; its object may be told after those below."""

    def __init__(self, above: _Place | None) -> None:
        self.above, self.object = above, ""


class _Document:
    """What the elements of a document say: attributes, objects with their values, and who is below whom."""

    def __init__(self) -> None:
        self.attributes: dict[str, str] = {}
        self.objects: dict[str, tuple[int, dict[str, str]]] = {}
        self.places: list[_Place] = []
        self._values: dict[str, str] = {}
        self._value = self._definition = ""
        self._path: list[str] = []
        self._text: list[str] = []
        self._above: list[_Place] = []
        self._parser: Any = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._start, self._end
        self._parser.CharacterDataHandler = self._text.append
        self._parser.StartDoctypeDeclHandler = self._refuse

    def read(self, data: bytes) -> None:
        """Take all in."""
        self._parser.Parse(data, True)

    def _refuse(self, *_: object) -> NoReturn:
        raise _HasDoctype

    def _start(self, tag: str, told: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        self._path.append(name)
        if name.startswith("ATTRIBUTE-DEFINITION-") and "LONG-NAME" in told:
            self.attributes[told.get("IDENTIFIER", "")] = told["LONG-NAME"]
        elif name == "SPEC-OBJECT":
            self._values = {}
            self.objects[told.get("IDENTIFIER", "")] = (self._parser.CurrentLineNumber, self._values)
        elif name.startswith("ATTRIBUTE-VALUE-"):
            self._value = told.get("THE-VALUE", "")
        elif name == "SPEC-HIERARCHY":
            self._above.append(_Place(self._above[-1] if self._above else None))
            self.places.append(self._above[-1])
        if name.endswith("-REF") or name == "THE-VALUE":
            self._text.clear()

    def _end(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        self._path.pop()
        if name == "THE-VALUE":
            self._value = "".join(self._text)
        elif name.startswith("ATTRIBUTE-DEFINITION-") and name.endswith("-REF"):
            self._definition = "".join(self._text).strip()
        elif name.startswith("ATTRIBUTE-VALUE-") and "SPEC-OBJECT" in self._path:
            self._values[self._definition] = _BLANKS.sub(" ", self._value).strip()
        elif name == "SPEC-OBJECT-REF" and self._above:
            self._above[-1].object = "".join(self._text).strip()
        elif name == "SPEC-HIERARCHY":
            self._above.pop()


def read(path: str) -> list[Entry] | None:
    """The requirements of a document in their order; nothing if it has no objects."""
    data = _bytes_of(path)
    if not data.strip():
        return None
    document = _Document()
    try:
        document.read(data)
    except _HasDoctype:
        raise RequirementsError(
            "this file has a DOCTYPE, which no ReqIF document has", where=path, mend="remove it"
        ) from None
    except expat.ExpatError as error:
        raise RequirementsError(
            f"this file is not valid XML: {expat.ErrorString(error.code)}",
            where=place(path, error.lineno),
            mend="export it anew",
        ) from None
    return _entries(document, path) if document.objects else None


def _bytes_of(path: str) -> bytes:
    try:
        with open(path, "rb") as handle:
            return handle.read()
    except OSError as error:
        raise RequirementsError(f"this file cannot be read: {error.strerror or error}", where=path) from None


def _entries(document: _Document, path: str) -> list[Entry]:
    names = {key: _plain(name) for key, name in document.attributes.items()}
    ids = {key: told for key, (_, values) in document.objects.items() if (told := _of("id", values, names))}
    if not ids:
        known = ", ".join(sorted(set(document.attributes.values()))) or "none at all"
        raise RequirementsError(
            f"no attribute holds ids; there are {known}",
            where=path,
            mend="name one ReqIF.ForeignID, UID or ID",
        )
    parents: dict[str, str] = {}
    for one in document.places:
        parents.setdefault(one.object, _parent(one, ids))
    return [
        Entry(RequirementRow(id, _of("title", values, names), parent=parents.get(key, "")), path, line)
        for key, (line, values) in document.objects.items()
        if (id := ids.get(key))
    ]


def _parent(one: _Place, ids: Mapping[str, str]) -> str:
    """The id of the nearest place above that has one: headings often have none."""
    above = one.above
    while above is not None and above.object not in ids:
        above = above.above
    return ids[above.object] if above is not None else ""


def _of(key: str, values: Mapping[str, str], names: Mapping[str, str]) -> str:
    told = {names.get(definition, ""): value for definition, value in values.items()}
    return next((told[name] for name in _ATTRIBUTES[key] if told.get(name)), "")


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name.casefold().removeprefix("reqif."))
