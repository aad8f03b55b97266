"""The fixtures of a wider scope that are alive: what is new after a test may be theirs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pytest

_LOOPS: Final = ("event_loop", "loop")
_RUNNER: Final = "_scoped_runner"
# Those of pytest and of its plugins hold nothing that a test opens, but for functions such as setup_module.
_HARMLESS: Final = ("_pytest.", "pytest_asyncio.", "anyio.", "xdist.")
_OF_THE_PROJECT: Final = ("_xunit_", "_unittest_")
_INSTALLED: Final = ("site-packages", "dist-packages")


def is_loop(fixture: pytest.FixtureDef[Any]) -> bool:
    """Whether it is the event loop of tests, which cancels what is left in it."""
    return fixture.argname in _LOOPS or fixture.argname.endswith(_RUNNER)


class Owner:
    """One life of a fixture, from its setup to its end."""

    def __init__(self, fixture: pytest.FixtureDef[Any]) -> None:
        self._fixture, self._result = fixture, fixture.cached_result
        self.is_loop = is_loop(fixture)

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._result is not None and self._fixture.cached_result is self._result


class Owners:
    """All that are alive."""

    def __init__(self) -> None:
        self._owners: list[Owner] = []

    def add(self, fixture: pytest.FixtureDef[Any]) -> None:
        """A fixture was set up."""
        if is_loop(fixture) or not _is_harmless(fixture):
            self._owners.append(Owner(fixture))

    def any_ended(self) -> bool:
        """Whether one has ended since this was asked last."""
        if not self._owners:
            return False
        before = len(self._owners)
        self._owners = [owner for owner in self._owners if owner.alive]
        return len(self._owners) < before

    def alive(self, *, loops: bool) -> tuple[Owner, ...]:
        """Those that are alive, with or without event loops."""
        return tuple(owner for owner in self._owners if owner.alive and (loops or not owner.is_loop))


def _is_harmless(fixture: pytest.FixtureDef[Any]) -> bool:
    """Whether a test cannot open anything through it: it is pytest's, or a plugin's that gives nothing."""
    module = getattr(fixture.func, "__module__", "") or ""
    if module.startswith(_HARMLESS):
        return not fixture.argname.startswith(_OF_THE_PROJECT)
    result = fixture.cached_result
    file = str(getattr(sys.modules.get(module), "__file__", ""))
    return any(f"/{place}/" in file for place in _INSTALLED) and result is not None and result[0] is None
