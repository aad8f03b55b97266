"""The run over time on the screen: lanes that can be zoomed and scrolled, with what is under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from itdash.render.timeline import cursor, scenes
from itdash.render.timeline import lanes as draw
from itdash.views.tui import keymap
from itdash.views.tui.widgets.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events

    from itdash.render.spans import Spans
    from itdash.state.lanes import Lanes
    from itdash.state.run import RunState


class Timeline(Panel):
    """A lane is chosen with up and down, a moment with left and right; until then it goes with the run."""

    class Chosen(Message):
        """The reader wants to see a test; `id` is its node id."""

        def __init__(self, id: str) -> None:
            super().__init__()
            self.id = id

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.keys, key.action, key.words, show=False, id=key.id) for key in keymap.TIMELINE
    ]

    def __init__(
        self,
        title: str,
        lanes: Lanes,
        run: Callable[[], tuple[RunState, int]],
        hint: Callable[[], str],
        *,
        id: str,
    ) -> None:
        super().__init__(title, self._frame, hint, id=id)
        self.lanes, self._run = lanes, run
        self.view = scenes.View()
        self.row, self.at = 0, -1
        """The lane, and the moment of the cursor; -1 while it goes with the run."""
        self._top = 0
        self._drawings: dict[str, draw.TestsDrawing] = {}
        self._rows: list[draw.Row] = []
        self._scene: scenes.Scene | None = None
        self._before = 0

    # -- drawing --

    def _frame(self, width: int, height: int) -> list[Spans]:
        """The axis, as many lanes as there is room for, and a line about what is under the cursor."""
        state, now = self._run()
        self._rows = draw.rows(self.lanes, state)
        self._scene = None
        if not self._rows:
            return []
        self._before = draw.name_width(self._rows, width)
        reach = scenes.reach(self.lanes, state, now)
        now = min(now, reach.last)
        places = max(1, width - self._before)
        scene = self._scene = scenes.Scene(self.view.bounds(reach), places, state, now, self.paint)
        room = max(1, height - 2)
        self.row = max(0, min(self.row, len(self._rows) - 1))
        self._top = max(0, min(self._top, self.row, len(self._rows) - room), self.row - room + 1)
        lines = [
            self._lane(place, scene) for place in range(self._top, min(len(self._rows), self._top + room))
        ]
        column = self._column(scene)
        if height > 1:
            lines.insert(0, draw.head(scene, column if self.at >= 0 else -1, self._before))
        if height > 2:
            lines += [[]] * (height - 1 - len(lines))
            lines.append(cursor.told(self._rows[self.row], self.lanes, column, width, scene))
        return lines

    def _lane(self, place: int, scene: scenes.Scene) -> Spans:
        row = self._rows[place]
        spans = draw.title(row, place == self.row, self._before, scene.paint)
        if row.level is not None:
            return spans + draw.draw_level(row.level, scene)
        if row.lane is None:
            return spans + draw.draw_marks(self.lanes, scene)
        drawing = self._drawings.get(row.lane.name)
        if drawing is None or drawing.lane is not row.lane:
            drawing = self._drawings[row.lane.name] = draw.TestsDrawing(row.lane)
        return spans + drawing.draw(scene)

    def _column(self, scene: scenes.Scene) -> int:
        """The column of the cursor, or the last one in which something can have happened."""
        t = self.at if self.at >= 0 else min(scene.now, scene.seen.last - 1)
        return max(0, min(scene.column(t), scene.places - 1))

    def render_line(self, y: int) -> Strip:
        """One line, with the lane and the moment of the cursor marked."""
        strip = super().render_line(y)
        if self._scene is None or not self.has_focus:
            return strip
        on_row = y == self.row - self._top + (self.count() > 1) and 0 < y < max(2, self.count() - 1)
        style = self.palette.cursor
        if on_row:
            strip = _styled(strip, style)
        column = self._before + self._column(self._scene)
        if self.at >= 0 and 0 < y < self.count() - 1:
            marked = _styled(strip.crop(column, column + 1), Style(reverse=True) if on_row else style)
            strip = Strip.join([strip.crop(0, column), marked, strip.crop(column + 1)])
        return strip

    # -- what keys do --

    def _look(self, view: scenes.View, at: int) -> None:
        self.view, self.at = view, at
        self.renew()
        self.refresh()

    def _reach(self) -> scenes.Reach:
        return scenes.reach(self.lanes, *self._run())

    def action_move(self, by: int) -> None:
        """To another lane."""
        self.row += by
        self._look(self.view, self.at)

    def action_edge(self, end: bool) -> None:
        """To the begin of the run, or to its end and on with it."""
        view = self.view
        if end:
            self._look(scenes.View(view.span), -1)
        else:
            first = self._reach().first
            self._look(scenes.View(view.span, first, False) if view.span else view, first)

    def action_zoom(self, closer: bool) -> None:
        """Closer or wider, around the cursor where there is one."""
        self._look(self.view.zoomed(closer, self.at if self.at >= 0 else None, self._reach()), self.at)

    def action_whole(self) -> None:
        """All of the run."""
        self._look(scenes.View(), -1)

    def action_step(self, by: int) -> None:
        """Another column; beyond the last one the picture moves."""
        scene = self._scene
        if scene is None:
            return
        reach = self._reach()
        # Who looks at a moment wants it to stay where it is.
        view = self.view if not self.view.span else scenes.View(self.view.span, scene.seen.first, False)
        column = self._column(scene) + by
        if not 0 <= column < scene.places:
            view = view.scrolled(by * max(1, (scene.seen.last - scene.seen.first) // scene.places), reach)
            column = max(0, min(column, scene.places - 1))
        seen = scenes.Scene(view.bounds(reach), *scene[1:])
        self._look(view, seen.edge(column))

    def action_turn(self, by: int) -> None:
        """Another page."""
        scene = self._scene
        if scene is not None:
            column = self._column(scene)
            reach = self._reach()
            view = self.view.scrolled(by * (scene.seen.last - scene.seen.first), reach)
            self._look(view, scenes.Scene(view.bounds(reach), *scene[1:]).edge(column))

    def action_choose(self) -> None:
        """Tell which test is under the cursor; of several, the first with the worst outcome."""
        scene = self._scene
        lane = self._rows[self.row].lane if self._rows else None
        if scene is None or lane is None:
            return
        column = self._column(scene)
        low, high = lane.seen(scene.edge(column), scene.edge(column + 1))
        if low < high:
            id = scene.state.ids.get(lane.numbers[cursor.worst_place(lane, low, high)])
            if id is not None:
                self.post_message(self.Chosen(id))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """To the lane above."""
        event.stop()
        self.action_move(-1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """To the lane below."""
        event.stop()
        self.action_move(1)

    def on_click(self, event: events.Click) -> None:
        """Go to the lane and the moment that were clicked."""
        offset = event.get_content_offset(self)
        if offset is None or self._scene is None or not 0 < offset.y < self.count() - 1:
            return
        self.row = min(self._top + offset.y - 1, len(self._rows) - 1)
        column = offset.x - self._before
        view = self.view if not self.view.span else self.view.scrolled(0, self._reach())
        self._look(view, self._scene.edge(column) if column >= 0 else self.at)


def _styled(strip: Strip, style: Style) -> Strip:
    return Strip(
        [Segment(text, (own or Style()) + style, control) for text, own, control in strip], strip.cell_length
    )
