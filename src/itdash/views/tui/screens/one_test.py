"""What can be done with one test on every screen that shows one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from itdash.state.outline import Node
    from itdash.views.tui.app import ItdashApp


class OneTest:
    """The actions of a screen on the test or the branch that it is about."""

    app: ItdashApp

    @property
    def chosen(self) -> Node | None:
        """What the actions are for."""
        raise NotImplementedError

    def action_edit(self) -> None:
        """Open it in an editor."""
        from itdash.views.tui.actions.editor import edit

        self._with(edit)

    def action_copy(self) -> None:
        """Copy its id."""
        from itdash.views.tui.actions.clipboard import copy_id

        self._with(copy_id)

    def action_copy_failure(self) -> None:
        """Copy why it failed."""
        from itdash.views.tui.actions.clipboard import copy_failure

        self._with(copy_failure)

    def action_debug(self) -> None:
        """Run it under pdb."""
        from itdash.views.tui.actions.debug import debug

        self._with(debug)

    def _with(self, act: Callable[[ItdashApp, Node], object]) -> None:
        if self.chosen is None:
            self.app.notify("there is no test here")
        else:
            act(self.app, self.chosen)
