"""The ids that `@pytest.mark.requirement(...)` names, and what is wrong with one that names none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MARK = "requirement"
REGISTERED = f"{MARK}(*ids): the test verifies the requirements with these ids"


def ids(calls: Iterable[Sequence[Any]]) -> tuple[str, ...]:
    """The ids in the arguments of several marks, each once, the nearest mark's first; only texts are ids."""
    return tuple(
        dict.fromkeys(
            id.strip() for arguments in calls for id in arguments if isinstance(id, str) and id.strip()
        )
    )


def complaint(arguments: Sequence[Any], named: Mapping[str, Any]) -> str:
    """What is wrong with one mark, and the mend; nothing if all is well."""
    called = ", ".join([*map(_short, arguments), *(f"{key}={_short(value)}" for key, value in named.items())])
    said = f"@pytest.mark.{MARK}({called})"
    if named:
        return f'{said} has a named argument; write {MARK}("4.1", "4.2")'
    if not arguments:
        return f'{said} names no requirement; write {MARK}("4.1")'
    for id in arguments:
        if isinstance(id, str):
            if not id.strip():
                return f'{said} has an empty id; write {MARK}("4.1")'
        elif isinstance(id, (list, tuple, set, frozenset)):
            return f'{said} has its ids in a {type(id).__name__}; write {MARK}("4.1", "4.2")'
        else:
            return f'{said} has an id that is no text, {_short(id)}; write {MARK}("{_bare(id)}")'
    return ""


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # a project's own object may do anything
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 60 else f"{text[:59]}…"


def _bare(value: Any) -> str:
    return str(value) if type(value) in (int, float) else "4.1"
