"""What tests left behind, as events and as the message of a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from itdash.events import model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from itdash.plugin.channel import Channel
    from itdash.plugin.holdings import Holdings

_NAMES: Final = 10
_LENGTH: Final = 300

Found = dict[str, dict[model.LeakKind, list[str]]]
"""The names of what each test left behind, by kind."""


class Journal:
    """Puts on record what was found."""

    def __init__(self, channel: Channel, case: Callable[[str], int]) -> None:
        self._channel, self._case = channel, case
        self.folder = channel.assignment.folder

    def counted(
        self, nodeid: str, before: Holdings, after: Holdings, tasks: int, pending: tuple[str, ...]
    ) -> None:
        """What a test's process held."""
        pairs = zip(before.counts, after.counts, strict=True)
        threads, descriptors, children = pairs
        self._channel.emit(
            model.ResourcesCounted(
                self._channel.now(), self._case(nodeid), threads, descriptors,
                (before.sockets, after.sockets), children, tasks, _short(pending),
            )
        )  # fmt: skip

    def leaked(self, nodeid: str, kind: model.LeakKind, names: list[str]) -> None:
        """What a test left behind."""
        told = model.LeakFound(self._channel.now(), self._case(nodeid), kind, len(names), _short(names))
        self._channel.emit(told)

    def note(self, text: str) -> None:
        """What a reader must know."""
        self._channel.emit(model.NoteAdded(self._channel.now(), text))


def _short(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name[:_LENGTH] for name in list(names)[:_NAMES])


def message(nodeid: str, found: Found) -> str:
    """Why the test `nodeid` fails."""
    lines = []
    for whose, kinds in found.items():
        who = "" if whose == nodeid else f"{whose} "
        for kind, names in kinds.items():
            lines += [f"{who}left behind a {kind}: {name}" for name in _short(names)]
            if len(names) > _NAMES:
                lines.append(f"{who}left behind {len(names) - _NAMES:,} more of this kind")
    return "\n".join(lines)
