"""The tables of docs/configuration.md, made from the types of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec

from itdash.config import Config, Key, SuiteConfig, WatchConfig, keys

_MARK = "<!-- from the types: {} -->\n"


def refreshed(page: str) -> str:
    """The page with its tables made anew; what stands between them is left as it is."""
    for name, struct in (("keys", Config), ("suite", SuiteConfig), ("watch", WatchConfig)):
        begin, end = _MARK.format(name), _MARK.format(f"end of {name}")
        head, _, rest = page.partition(begin)
        _, found, tail = rest.partition(end)
        if not found:
            raise ValueError(f"the page has no {begin.strip()} ... {end.strip()}")
        page = f"{head}{begin}\n{_table(keys(struct))}\n{end}{tail}"
    return page


def _table(known: dict[str, Key]) -> str:
    columns = ["key", "type", "default", "what it is", "variable", "flag"]
    if not any(key.variable for key in known.values()):
        columns.remove("variable")
    rows = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for key in known.values():
        cells = {
            "key": _code(key.name), "type": _type(key.type), "default": _default(key), "what it is": key.help,
            "variable": _code(key.variable), "flag": _code(key.flag),
        }  # fmt: skip
        rows.append(f"| {' | '.join(cells[column] for column in columns)} |")
    return "\n".join(rows) + "\n"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _default(key: Key) -> str:
    if isinstance(key.default, WatchConfig):
        return "[below](#watch)"
    return (
        "must be given"
        if key.default is msgspec.NODEFAULT
        else _code(msgspec.json.encode(key.default).decode())
    )


def _type(hint: Any) -> str:
    if get_origin(hint) is tuple:
        return f"list of {_type(get_args(hint)[0])}s"
    if get_origin(hint) is dict:
        return "table"
    names = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "true or false",
        SuiteConfig: "table",
        WatchConfig: "table",
    }
    return names[hint]


def main(folder: Path) -> None:
    """Write the generated pages, and the generated parts of others, anew."""
    from itdash.events import reference

    (folder / "events.md").write_text(reference.page())
    page = folder / "configuration.md"
    page.write_text(refreshed(page.read_text()))


if __name__ == "__main__":
    main(Path("docs"))
