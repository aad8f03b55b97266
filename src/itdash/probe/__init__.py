"""What tests and the systems they test call to be measured."""

from __future__ import annotations

from typing import Any


class _Silent:
    def __enter__(self) -> None: ...
    def __exit__(self, *exc: object) -> None: ...
    async def __aenter__(self) -> None: ...
    async def __aexit__(self, *exc: object) -> None: ...
    def __call__(self, function: Any) -> Any:
        return function


def operation(name: str, /, **labels: object) -> _Silent:
    """A region of code to be counted and timed."""
    return _Silent()
