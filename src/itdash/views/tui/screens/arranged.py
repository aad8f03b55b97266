"""Where the panels of the dashboard are: at each size, and when one of them fills the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Container
from textual.screen import Screen

from itdash.views.tui.screens.scrolls import Scrolls
from itdash.views.tui.widgets.lines import Lines
from itdash.views.tui.widgets.panel import Panel

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.geometry import Size

    from itdash.views.tui.widgets.line import Line
    from itdash.views.tui.widgets.timeline import Timeline
    from itdash.views.tui.widgets.tree import Tree

_WIDE, _HUGE = 100, 180
_TINY, _LOW, _TALL = 8, 16, 38


class Arranged(Scrolls, Screen[None]):
    """Tests at the left, what was measured at the right, what failed below; less where there is less room."""

    AUTO_FOCUS = "#tests"
    DEFAULT_CSS = """
    Arranged {
        layout: vertical;
        #body { height: 3fr; layout: vertical; }
        #side { height: 1fr; layout: vertical; }
        #measured, #proven { height: auto; layout: vertical; }
        #detail { height: 6; }
        &.-failing #detail { height: 1fr; min-height: 6; }
        #tests { height: 1fr; }

        &.-narrow {
            #body { height: 1fr; }
            #tests { height: 3fr; }
            #side { height: 2fr; min-height: 7; }
            #measured, #proven { height: 1fr; display: none; }
            #measured.-current, #proven.-current { display: block; }
            #side Panel { display: none; height: 1fr; }
            #side Panel.-current { display: block; }
            #side.-away { display: none; }
            #detail { display: none; }
            #detail.-current { display: block; height: 2fr; min-height: 7; }
        }
        &.-wide {
            #body { layout: horizontal; }
            #tests { width: 9fr; height: 100%; }
            #side { width: 11fr; height: 100%; }
            #measured { height: 2fr; }
            #proven { height: 1fr; }
        }
        &.-wide #resources, &.-wide #timeline { display: none; }
        &.-wide #resources.-called, &.-wide #timeline.-called { display: block; }
        &.-tall #resources, &.-huge #resources, &.-huge #timeline { display: block; }
        &.-tall #proven { height: 2fr; }
        &.-wide.-huge {
            #tests { width: 2fr; }
            #side { width: 4fr; layout: horizontal; }
            #measured { width: 3fr; height: 100%; }
            #proven { width: 2fr; height: 100%; }
        }
        &.-low #detail, &.-low.-narrow #side { display: none !important; }
        &.-low.-wide #latency, &.-low.-wide #proven { display: none !important; }
        &.-low #detail.-called, &.-low.-wide #latency.-called { display: block !important; }
        &.-tiny #footer { display: none; }
        &.-tiny Lines { border: none; }
    }
    """

    header: Line
    tests: Tree
    concurrency: Panel
    latency: Panel
    timeline: Timeline
    requirements: Panel
    resources: Panel
    detail: Panel
    footer: Line

    def __init__(self) -> None:
        super().__init__()
        self._current: Panel | None = None
        """The one that is shown where there is room for one only."""

    def compose(self) -> ComposeResult:
        """The places of the panels; sheets of style move them with the size."""
        self._arrange(self.app.size)
        self.concurrency.add_class("-current")
        yield self.header
        with Container(id="body"):
            yield self.tests
            with Container(id="side"):
                with Container(id="measured", classes="-current"):
                    yield self.concurrency
                    yield self.latency
                    yield self.timeline
                with Container(id="proven"):
                    yield self.requirements
                    yield self.resources
        yield self.detail
        yield self.footer

    @property
    def panels(self) -> dict[int, Lines]:
        """Every panel by its number."""
        measured = (self.concurrency, self.latency, self.requirements, self.resources, self.timeline)
        return dict(enumerate((self.tests, *measured, self.detail), 1))

    @property
    def current(self) -> Lines:
        """The panel that has the focus, or else the tests."""
        return self.focused if isinstance(self.focused, Lines) else self.tests

    def _arrange(self, size: Size) -> None:
        """Choose the arrangement for a size."""
        self.update_classes({
            "-narrow": size.width < _WIDE, "-wide": size.width >= _WIDE, "-huge": size.width >= _HUGE,
            "-tall": size.height >= _TALL, "-low": size.height < _LOW, "-tiny": size.height < _TINY,
        })  # fmt: skip

    def on_resize(self, event: events.Resize) -> None:
        """Another size may need another arrangement."""
        self._arrange(event.size)
        if self.has_class("-narrow"):
            self._choose(self._current or self.concurrency)

    def action_panel(self, number: int) -> None:
        """To a panel; where there is room for one only, that one is shown."""
        panel = self.panels.get(number)
        if panel is None:
            return
        if isinstance(panel, Panel):
            self._current = panel
            if self.has_class("-narrow"):
                self._choose(panel)
        if self.maximized is not None or not all(place.display for place in panel.ancestors_with_self):
            self._fill(panel)
        panel.focus()

    def _choose(self, panel: Panel) -> None:
        """Where there is room for one panel, show this one in the place of the one that was there."""
        for other in self.query(Panel):
            other.set_class(other is panel, "-current")
        for column in ("#measured", "#proven"):
            self.query_one(column).set_class(panel in self.query_one(column).children, "-current")
        self.query_one("#side").set_class(panel is self.detail, "-away")
        self.call_after_refresh(panel.renew)

    def action_zoom(self) -> None:
        """Fill the screen with the panel that has the focus, or go back."""
        if self.maximized is not None:
            self.minimize()
        else:
            self._fill(self.current)

    def _fill(self, panel: Lines) -> None:
        """Fill the screen with a panel, also with one that has no room beside the others."""
        self.query(".-called").remove_class("-called")
        panel.add_class("-called")
        self.maximize(panel, container=False)

    def minimize(self) -> None:
        """Also when textual's own Escape does it."""
        super().minimize()
        self.query(".-called").remove_class("-called")
