"""The page that describes every event, made from the types themselves."""

from __future__ import annotations

import inspect
import types
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from itdash.events import model

_HEAD = f"""# Events

A run is a journal: one line of JSON for each thing that happened, in one file for each process that had
something to tell (`segments/*.jsonl` in the run directory). Everything that itdash shows is made from
these lines alone.

Every line has `kind`, the name of the event, and `t`, nanoseconds since the run began, on a clock that all
processes of the machine share. Fields that have their default are left out. The version of this page is
the `schema` of `RunStarted`: {model.SCHEMA}. A reader passes over kinds and fields that it does not know.

This page is generated from the types: `make docs`.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD, *(_section(kind, kind.__struct_config__.tag) for kind in get_args(model.AnyEvent))]
    parts.append("# Parts of events\n")
    pieces = (model.CollectedCase, model.RequirementRow, model.SuiteSpec)
    parts += [_section(part, part.__name__) for part in pieces]
    return "\n".join(parts)


def _section(kind: Any, name: str) -> str:
    hints = get_type_hints(kind)
    rows = [
        f"| `{field.name}` | {_type(hints[field.name])} | {_default(field)} |"
        for field in msgspec.structs.fields(kind)
        if field.name != "t"
    ]
    text = f"## {name}\n\n{inspect.cleandoc(kind.__doc__ or '')}\n"
    if kind.__struct_config__.array_like:
        text += "\nWritten as a list, its fields in this order.\n"
    if rows:
        text += "\n| field | type | default |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    return text


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "always there"
    default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    if default is model.NOTHING:
        return "absent"
    return f"`{msgspec.json.encode(default).decode()}`"


def _type(hint: Any) -> str:
    origin = get_origin(hint)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in get_args(hint))
    if origin in (types.UnionType,):
        return " or ".join(_type(part) for part in get_args(hint))
    if origin is tuple:
        return f"list of {_type(get_args(hint)[0])}"
    if origin is dict:
        key, value = get_args(hint)
        return f"{_type(key)} to {_type(value)}"
    if hint is msgspec.Raw:
        return "object"
    names = {
        bytes: "bytes, as base64", str: "text", int: "whole number", float: "number", bool: "true or false",
        type(None): "nothing",
    }  # fmt: skip
    return names.get(hint) or f"[{hint.__name__}](#{hint.__name__.lower()})"
