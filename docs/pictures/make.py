"""Draws a picture of a recorded run: `python docs/pictures/make.py NAME RUN WIDTHxHEIGHT [KEY]...`.

For example: `python docs/pictures/make.py dashboard .itdash/runs/20260101-120000-0000000 140x40 J`.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from itdash.config import Config, Loaded
from itdash.events.journal import replay
from itdash.render.paint import Paint
from itdash.runner.command import Request
from itdash.session import Session, Terms
from itdash.state import fold
from itdash.views.tui.app import ItdashApp
from itdash.views.tui.board import Board

if TYPE_CHECKING:
    from collections.abc import Sequence

_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.S)


async def draw(run: Path, size: tuple[int, int], keys: Sequence[str]) -> str:
    """The screen after these keys, as SVG that loads nothing from elsewhere."""
    board = Board()
    session = Session(Terms(run, run, ()), None, [board])  # type: ignore[arg-type]
    app = ItdashApp(session, Loaded(Config(), run, {}), Request(), board, Paint(True, False))
    async with app.run_test(size=size) as pilot:
        events = replay(run)[0]
        state = fold.replay(events)
        board.begin(state, run)
        board.show(state, events, state.t)
        app.dashboard.settle()
        await pilot.pause()
        app.dashboard.settle()
        for key in keys:
            await pilot.press(key)
        await pilot.pause()
        app.dashboard.renew()
        await pilot.pause()
        svg = app.export_screenshot(title="itdash launch")
    return _FONTS.sub("", svg).replace("Fira Code", "ui-monospace, DejaVu Sans Mono, Menlo, Consolas")


def main() -> None:
    """Write one picture beside this file."""
    name, run, size, *keys = sys.argv[1:]
    width, height = map(int, size.split("x"))
    target = Path(__file__).with_name(f"{name}.svg")
    target.write_text(asyncio.run(draw(Path(run), (width, height), keys)))
    print(target)


if __name__ == "__main__":
    main()
