"""Documents in ReqIF: which objects are requirements, how they stand to each other, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itdash.events.model import RequirementRow, SuiteSpec
from itdash.requirements.entry import RequirementsError
from itdash.requirements.find import load
from itdash.requirements.reqif import read

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<REQ-IF xmlns="http://www.omg.org/spec/ReqIF/20110401/reqif.xsd" xmlns:xhtml="http://www.w3.org/1999/xhtml">
<CORE-CONTENT><REQ-IF-CONTENT>
<SPEC-TYPES><SPEC-OBJECT-TYPE IDENTIFIER="T"><SPEC-ATTRIBUTES>
<ATTRIBUTE-DEFINITION-STRING IDENTIFIER="a-id" LONG-NAME="{id}"><DEFAULT-VALUE>
<ATTRIBUTE-VALUE-STRING THE-VALUE="none"><DEFINITION>
<ATTRIBUTE-DEFINITION-STRING-REF>a-id</ATTRIBUTE-DEFINITION-STRING-REF></DEFINITION></ATTRIBUTE-VALUE-STRING>
</DEFAULT-VALUE></ATTRIBUTE-DEFINITION-STRING>
<ATTRIBUTE-DEFINITION-XHTML IDENTIFIER="a-text" LONG-NAME="ReqIF.Text"/>
<ATTRIBUTE-DEFINITION-STRING IDENTIFIER="a-name" LONG-NAME="TITLE"/>
</SPEC-ATTRIBUTES></SPEC-OBJECT-TYPE></SPEC-TYPES>
"""
TAIL = "</REQ-IF-CONTENT></CORE-CONTENT></REQ-IF>"


def value(definition: str, text: str) -> str:
    return (
        f'<ATTRIBUTE-VALUE-STRING THE-VALUE="{text}"><DEFINITION>'
        f"<ATTRIBUTE-DEFINITION-STRING-REF>{definition}"
        "</ATTRIBUTE-DEFINITION-STRING-REF></DEFINITION></ATTRIBUTE-VALUE-STRING>"
    )


def rich(text: str) -> str:
    return (
        f"<ATTRIBUTE-VALUE-XHTML><THE-VALUE><xhtml:div>{text}</xhtml:div></THE-VALUE><DEFINITION>"
        "<ATTRIBUTE-DEFINITION-XHTML-REF>a-text</ATTRIBUTE-DEFINITION-XHTML-REF>"
        "</DEFINITION></ATTRIBUTE-VALUE-XHTML>"
    )


def thing(name: str, *values: str) -> str:
    return f'<SPEC-OBJECT IDENTIFIER="{name}"><VALUES>{"".join(values)}</VALUES></SPEC-OBJECT>\n'


def put(name: str, *below: str, late: bool = False) -> str:
    told = f"<OBJECT><SPEC-OBJECT-REF>{name}</SPEC-OBJECT-REF></OBJECT>"
    children = f"<CHILDREN>{''.join(below)}</CHILDREN>" if below else ""
    return f"<SPEC-HIERARCHY>{children + told if late else told + children}</SPEC-HIERARCHY>"


def document(objects: str, *hierarchy: str, id: str = "ReqIF.ForeignID") -> str:
    tree = f"<SPECIFICATION><CHILDREN>{''.join(hierarchy)}</CHILDREN></SPECIFICATION>" if hierarchy else ""
    return (
        f"{HEAD.format(id=id)}<SPEC-OBJECTS>\n{objects}</SPEC-OBJECTS>"
        f"<SPECIFICATIONS>{tree}</SPECIFICATIONS>{TAIL}"
    )


def rows(folder: Path, text: str) -> list[RequirementRow]:
    (folder / "requirements.reqif").write_text(text)
    found = load([SuiteSpec("s", "", (".",))], str(folder), [], every=True)
    return [row for part in found.declared for row in part.rows]


def refused(folder: Path, text: str) -> str:
    with pytest.raises(RequirementsError) as caught:
        rows(folder, text)
    assert caught.value.exit_code == 4
    return "\n".join(caught.value.lines())


OBJECTS = (
    thing("o1", value("a-id", "R-1"), value("a-name", "A limit &amp; more"))
    + thing("heading", value("a-name", "Chapter"))
    + thing("o2", rich("<xhtml:p>A <xhtml:b>bold</xhtml:b>\n queue</xhtml:p>"), value("a-id", " R-1.1 "))
    + thing("o3", value("a-id", "R-2"))
)


@pytest.mark.parametrize("late", [False, True])
def test_objects_with_an_id_are_requirements(tmp_path: Path, late: bool) -> None:
    tree = put("o1", put("heading", put("o2", late=late), late=late), late=late)
    assert rows(tmp_path, document(OBJECTS, tree, put("o3"))) == [
        RequirementRow("R-1", "A limit & more"),
        RequirementRow("R-1.1", "A bold queue", parent="R-1"),
        RequirementRow("R-2"),
    ]


@pytest.mark.parametrize("name", ["ReqIF.ForeignID", "UID", "id", "Requirement ID", "REQ_ID"])
def test_attributes_that_hold_ids(tmp_path: Path, name: str) -> None:
    assert [row.id for row in rows(tmp_path, document(OBJECTS, id=name))] == ["R-1", "R-1.1", "R-2"]


def test_elements_may_have_a_prefix(tmp_path: Path) -> None:
    text = document(OBJECTS, put("o1", put("o2")))
    for name in ("SPEC-OBJECT", "SPEC-HIERARCHY", "SPEC-OBJECT-REF"):
        text = text.replace(f"<{name}>", f"<r:{name}>").replace(f"<{name} ", f"<r:{name} ")
        text = text.replace(f"</{name}>", f"</r:{name}>")
    assert [(row.id, row.parent) for row in rows(tmp_path, text)] == [
        ("R-1", ""), ("R-1.1", "R-1"), ("R-2", ""),
    ]  # fmt: skip


def test_another_encoding_is_read_as_it_says(tmp_path: Path) -> None:
    text = document(thing("o", value("a-id", "ü"))).replace("UTF-8", "UTF-16")
    (tmp_path / "requirements.reqif").write_bytes(text.encode("utf-16"))
    assert [entry.row.id for entry in read(str(tmp_path / "requirements.reqif")) or ()] == ["ü"]


def test_an_id_twice_is_told_with_both_lines(tmp_path: Path) -> None:
    told = refused(tmp_path, document(thing("a", value("a-id", "1")) + thing("b", value("a-id", "1"))))
    first = document("").count("\n", 0, document("").index("<SPEC-OBJECTS>")) + 2
    assert f"requirements.reqif:{first + 1}, and {tmp_path}/requirements.reqif:{first}" in told


def test_what_is_no_document_is_refused_with_its_place(tmp_path: Path) -> None:
    told = refused(tmp_path, document(OBJECTS).replace("</SPEC-OBJECTS>", ""))
    assert "not valid XML: mismatched tag" in told
    assert "requirements.reqif:1" in told
    told = refused(tmp_path, document(OBJECTS, id="Colour"))
    assert "no attribute holds ids; there are Colour, ReqIF.Text, TITLE" in told


def test_a_bomb_does_not_go_off(tmp_path: Path) -> None:
    bomb = (
        '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]><x>&c;</x>'
    )
    assert "has a DOCTYPE" in refused(tmp_path, bomb)


@pytest.mark.parametrize("text", ["", "\n", "<x/>", document("")])
def test_a_document_without_objects_declares_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "requirements.reqif").write_text(text)
    assert read(str(tmp_path / "requirements.reqif")) is None


@given(st.text(max_size=20), st.integers(0, 2500))
def test_whatever_stands_in_a_document_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str, at: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.reqif"
    whole = document(OBJECTS, put("o1", put("o2")))
    path.write_bytes((whole[:at] + text + whole[at + len(text) :]).encode("utf-8", "surrogatepass"))
    try:
        entries = read(str(path)) or []
    except RequirementsError as error:
        assert str(path) in error.where
    else:
        assert all(entry.row.id == entry.row.id.strip() != "" for entry in entries)
