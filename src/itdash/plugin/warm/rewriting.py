"""Modules in which pytest rewrites assertions, imported before there is a pytest that would do it."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from typing import TYPE_CHECKING, Any

from _pytest.assertion.rewrite import AssertionRewritingHook, assertstate_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pytest


class _State:
    """Stands in for what pytest keeps on assertions; nobody reads its trace."""

    def trace(self, _message: str) -> None:
        """Told of what is rewritten."""


class _Config:
    """Stands in for pytest's configuration: all that rewriting asks it for."""

    def __init__(self) -> None:
        self.stash = {assertstate_key: _State()}

    def getini(self, _name: str) -> Any:
        """Nothing is set: runs in which the hook for passed assertions is on are not noted."""
        return []


class Rewriting:
    """Finds the modules that pytest rewrote in an earlier run, and has the same made of them."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self.hook = AssertionRewritingHook(_Config())  # type: ignore[arg-type]

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, _target: object = None
    ) -> ModuleSpec | None:
        """A module to be rewritten, or nothing."""
        if name not in self._names:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.origin is None or not isinstance(spec.loader, SourceFileLoader):
            return None
        return spec_from_file_location(
            name, spec.origin, loader=self.hook, submodule_search_locations=spec.submodule_search_locations
        )

    def hand_over(self, config: pytest.Config) -> None:
        """Now there is a pytest whose hook would have loaded them."""
        hook: Any = getattr(config.pluginmanager, "rewrite_hook", None)
        if isinstance(hook, AssertionRewritingHook):
            for name in self._names:
                module = sys.modules.get(name)
                if module is not None and module.__loader__ is self.hook and module.__spec__:
                    module.__loader__ = module.__spec__.loader = hook
