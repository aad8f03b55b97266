"""What the parts ask of each other, as interfaces."""

from __future__ import annotations

from typing import Protocol


class Link(Protocol):
    """The way to one client."""

    @property
    def heard(self) -> float:
        """When anything was heard from the client, on the monotonic clock."""

    async def receive(self) -> str | bytes:
        """The next message, or LinkLost."""

    async def send(self, text: str) -> None:
        """Wait until there is room for it, or LinkLost."""

    async def close(self, code: int, reason: str) -> None:
        """Say goodbye."""

    def abort(self) -> None:
        """Cut the connection now, whatever still waits on it."""
