"""What tests and the systems they test call to be measured; it costs next to nothing when nobody listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itdash.probe import attention as _attention
from itdash.probe.regions import operation

if TYPE_CHECKING:
    from itdash.probe.barrier import NotTogether, together

__all__ = ["NotTogether", "count", "gauge", "mark", "operation", "record", "together"]

_LONGEST_NS = (1 << 59) - 1


def record(name: str, seconds: float, /, **labels: object) -> None:
    """Count an operation that took so long, as measured elsewhere; it takes no part in what is in flight."""
    listener = _attention.current()
    if listener is not None:
        try:
            if not 0 <= seconds * 1e9 <= _LONGEST_NS:
                raise ValueError(f"{name!r} cannot have taken {seconds!r} seconds")
            listener.latency(name, labels, round(seconds * 1e9))
        except Exception as error:
            listener.failed(error)


def count(name: str, n: int = 1, /) -> None:
    """Add to a total."""
    listener = _attention.current()
    if listener is not None:
        try:
            listener.count(name, n)
        except Exception as error:
            listener.failed(error)


def gauge(name: str, value: float, /) -> None:
    """Tell the level of something, such as the length of a queue."""
    listener = _attention.current()
    if listener is not None:
        try:
            if not float("-inf") < value < float("inf"):
                raise ValueError(f"{name!r} cannot be at {value!r}")
            listener.gauge(name, value)
        except Exception as error:
            listener.failed(error)


def mark(text: str, /) -> None:
    """Mark this moment on the time line of the run."""
    listener = _attention.current()
    if listener is not None:
        try:
            listener.mark(str(text))
        except Exception as error:
            listener.failed(error)


def __getattr__(name: str) -> object:
    if name in ("NotTogether", "together"):
        from itdash.probe import barrier

        globals().update(NotTogether=barrier.NotTogether, together=barrier.together)
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
