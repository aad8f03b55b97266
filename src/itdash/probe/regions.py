"""A region of code that is counted and timed: as a `with` or `async with` block, or as a decorator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from itdash.events.ops import CANCELLED, ERROR, OK

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from itdash.probe.attention import Attention
    from itdash.probe.listener import Listener

_F = TypeVar("_F", bound="Callable[..., Any]")

# By name: neither asyncio, trio nor anyio has to be imported to know that they cancelled something.
_CANCELLING = frozenset({"CancelledError", "Cancelled", "GeneratorExit", "KeyboardInterrupt"})

listener: Listener | Attention | None = None
"""Who listens in this process; nobody knows before the first operation (see `attention`)."""


class operation:  # it is used like a function
    """Counts and times what runs inside of it, under a name and, if you like, labels.

    Use one object for one block at a time; as a decorator it makes a fresh one for each call.
    """

    __slots__ = ("_outer", "began", "labels", "name", "on", "slot")

    slot: int
    began: int

    def __init__(self, name: str, /, **labels: object) -> None:
        self.name = name
        self.labels = labels
        self.on: Listener | None = None
        self._outer: list[tuple[int, int, Listener]] | None = None

    def __enter__(self) -> Self:
        if listener is not None:
            try:
                listener.begin(self)
            except Exception as error:
                listener.failed(error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        on = self.on
        if on is not None:
            self.on = None
            try:
                on.end(self, OK if kind is None else _outcome(kind))
                if self._outer:
                    self.slot, self.began, self.on = self._outer.pop()
            except Exception as error:
                on.failed(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, value, traceback)

    def __call__(self, function: _F, /) -> _F:
        """The function with each of its calls as such an operation."""
        from itdash.probe.decorate import decorated

        return decorated(function, self.name, self.labels)

    def keep_outer(self) -> None:
        """The same object is entered again before it was left."""
        if self.on is not None:
            self._outer = [*(self._outer or ()), (self.slot, self.began, self.on)]

    def __repr__(self) -> str:
        return f"operation({self.name!r})"


def _outcome(kind: type[BaseException]) -> int:
    return CANCELLED if any(base.__name__ in _CANCELLING for base in kind.__mro__) else ERROR
