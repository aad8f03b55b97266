"""Lines that come back as they went, and lines that cannot."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests_support import DOCS

from itdash.events import model, wire
from itdash.events.reference import page

KINDS = list(get_args(model.AnyEvent))
SAMPLES: dict[Any, Any] = {str: "text", int: 7, float: 0.5, bool: True, bytes: b"\1\2", dict: {"a": 1}}


def sample(kind: type[model.Event]) -> model.Event:
    """An event of this kind with every field filled in."""
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        text = str(field.type)
        if "CollectedCase" in text:
            values[field.name] = (model.CollectedCase("a::b", 3, ("slow",), ("4.1",)),)
        elif "RequirementRow" in text:
            values[field.name] = (model.RequirementRow("4.1", "Limit", "chapter 4", "4", ("slow",)),)
        elif "SuiteSpec" in text:
            values[field.name] = (model.SuiteSpec("unit", "Unit", ("tests",)),)
        elif "Literal" in text:
            values[field.name] = get_args(field.type)[0]
        elif "tuple[int" in text:
            values[field.name] = (3, 4)
        elif "tuple" in text:
            values[field.name] = ("one", "two")
        elif "Raw" in text:
            values[field.name] = msgspec.Raw(b'{"longrepr":"why"}')
        elif "dict" in text:
            values[field.name] = {"passed": 1}
        else:
            values[field.name] = SAMPLES[int if "int" in text else float if "float" in text else field.type]
    return kind(**values)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_comes_back_as_it_went(kind: type[model.Event]) -> None:
    event = sample(kind)
    line = wire.encode(event)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    (back,), unread = wire.decode(line)
    assert unread == 0
    assert type(back) is kind
    assert wire.encode(back) == line


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_field_from_a_later_version_is_passed_over(kind: type[model.Event]) -> None:
    told = json.loads(wire.encode(sample(kind)))
    told["from_the_future"] = [1, 2]
    (back,), unread = wire.decode(json.dumps(told).encode() + b"\n")
    assert (type(back), unread) == (kind, 0)


def test_what_cannot_be_read_is_counted_and_the_rest_is_read() -> None:
    good = wire.encode(model.CaseStarted(1, 2))
    lines = good + b'{"kind":"FromTheFuture","t":1}\n' + b"{torn\n" + b"\xff\xfe\n" + b"\n" + good
    events, unread = wire.decode(lines)
    assert events == [model.CaseStarted(1, 2)] * 2
    assert unread == 3


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
def test_any_text_makes_one_whole_line(message: str, node: str) -> None:
    event = model.WarningRecorded(1, "UserWarning", message, "a.py", 1, "call", node)
    line = wire.encode(event)
    (back,), unread = wire.decode(line)
    assert unread == 0
    assert line.count(b"\n") == 1
    assert isinstance(back, model.WarningRecorded)
    if message.isascii():
        assert back.message == message


def test_lone_surrogates_are_shown_as_their_codes() -> None:
    (back,), _ = wire.decode(wire.encode(model.NoteAdded(1, "a\ud800b")))
    assert isinstance(back, model.NoteAdded)
    assert back.text == "a\\ud800b"


def test_numbers_beyond_what_json_parsers_take_become_text() -> None:
    assert msgspec.json.decode(wire.encode_value({"big": 1 << 80, ("a", 1): {2}})) == {
        "big": str(1 << 80),
        "('a', 1)": "{2}",
    }


def test_the_page_of_events_is_what_the_types_say() -> None:
    assert (DOCS / "events.md").read_text() == page(), "docs/events.md is stale: run `make docs`"
