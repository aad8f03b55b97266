"""`requirements.csv`: a heading and a row for each requirement, parted by commas, semicolons or tabs."""

from __future__ import annotations

from itdash.requirements.columns import columns, nearly, row
from itdash.requirements.entry import Entry, RequirementsError, place, text_of


def read(path: str) -> list[Entry] | None:
    """The requirements of a file in their order; nothing if it is empty."""
    text = text_of(path)
    if not text.strip():
        return None
    import csv
    import io

    first = next(line for line in text.splitlines() if line.strip())
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    found: list[Entry] = []
    at: dict[str, int] = {}
    start = 1
    try:
        for cells in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not at:
                at = _heading(cells, place(path, line))
                continue
            entry = Entry(row(cells, at), path, line)
            if not entry.row.id:
                raise RequirementsError(
                    "this row has no id", where=entry.where, mend="write one, or remove the row"
                )
            found.append(entry)
    except csv.Error as error:
        raise RequirementsError(
            f"this file is not valid CSV: {error}",
            where=place(path, reader.line_num),
            mend="correct that line",
        ) from None
    return found


def _heading(cells: list[str], where: str) -> dict[str, int]:
    at = columns(cells)
    if not at:
        wrong = nearly(cells)
        what = f"unknown column {wrong!r}" if wrong else "no column holds ids"
        raise RequirementsError(what, where=where, mend="name the columns in the first line: id,title")
    return at
