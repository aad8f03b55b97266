"""Imports what earlier runs imported, and finds out what must not be imported beforehand."""

from __future__ import annotations

import importlib
import mmap
import os
import random
import re
import sys
import warnings
import weakref
from importlib.machinery import ExtensionFileLoader, ModuleSpec, SourceFileLoader, SourcelessFileLoader
from typing import TYPE_CHECKING, Any

from itdash.plugin.warm.places import Places
from itdash.plugin.warm.rewriting import Rewriting
from itdash.plugin.warm.traces import Traces, is_narrow
from itdash.plugin.warm.valid import rewritten

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from itdash.plugin.warm.used import Used


_OF_RUN = ("PYTEST_VERSION", "ITDASH_PROBE")


class _LeftOut(BaseException):
    """An import of something that is left out; not an Exception, so that modules do not go on without it."""


class Preload:
    """An attempt to import all; `left_out` grows by what must not be, `clean` tells that none of that was.

    An import cannot be taken back: after an attempt that was not clean another is made in a new process.
    """

    def __init__(self, used: Used, left_out: dict[str, str], printed: int) -> None:
        self._used, self.left_out, self._printed = used, left_out, printed
        self.clean = True
        self.rewriting = Rewriting(used.rewritten)
        self.rewritten, self.known = rewritten(), frozenset(used.modules)
        self.filters: list[tuple[Any, ...]] = []
        self.seeded: weakref.WeakSet[random.Random] = weakref.WeakSet()
        self._asked = ""
        self._stack: list[str] = []
        self._places = Places()
        self._variables = frozenset(used.variables)
        self._libraries = self._mapped() if self._variables else set()
        self._threads = 1
        self._threaded: list[str] = []
        self._base = frozenset(sys.modules)

    def run(self, mark: Callable[[str], None]) -> None:
        """Import; `mark` is told of each module before, for the process may not survive it."""
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            before = list(warnings.filters)
            with _Hooks(self):
                self._traces = Traces(self._printed, warned)
                for name in self._used.modules:
                    if name not in sys.modules and name not in self.left_out:
                        mark(name)
                        self._import(name)
                mark("")
            old = set(map(id, before))
            self.filters = [entry for entry in warnings.filters if id(entry) not in old and is_narrow(entry)]

    @property
    def added(self) -> list[str]:
        """The names of all that was imported."""
        return [name for name in sys.modules if name not in self._base]

    def _import(self, name: str) -> None:
        self._asked = name
        try:
            importlib.import_module(name)
            self._judge()
        except _LeftOut as error:
            self.left_out.setdefault(name, f"imports {error}")
        except ModuleNotFoundError as error:
            if error.name and (name == error.name or name.startswith(f"{error.name}.")):
                return  # it is not installed any more
            self._leave_out(name, "cannot be imported")
        except BaseException as error:
            self._leave_out(name, f"cannot be imported ({type(error).__name__})")

    def inside(self, spec: ModuleSpec, load: Callable[..., Any], *arguments: object) -> Any:
        """Run the code of a module, and see what it changes."""
        self._judge()  # what changed so far was done by the one that imports it
        self._stack.append(spec.name)
        try:
            if spec.origin and not self._places.imported_once(spec):
                self._leave_out(spec.name, "is the project's own, or installed to be edited")
            return load(*arguments)
        finally:
            self._judge()
            self._stack.pop()

    def read_variable(self, name: object) -> None:
        """A module reads a variable of the environment while it is imported."""
        if self._stack and name in _OF_RUN:
            self._leave_out(self._stack[-1], f"reads {name}, which only a run sets")
        elif self._stack and name in self._variables:
            self._leave_out(self._stack[-1], f"reads {name}, which the project sets before")

    def loaded_library(self, module: str) -> None:
        """Machine code was loaded, which may read the environment unseen."""
        if self._variables:
            new, self._libraries = self._mapped() - self._libraries, self._mapped()
            for name in self._variables:
                if _names(name, new):
                    self._leave_out(module, f"may read {name}, which the project sets before")

    def refuse(self, name: str) -> None:
        """Something asks for what is left out."""
        if self._stack:
            self._leave_out(self._stack[-1], f"imports {name}")
        raise _LeftOut(name)

    def leave_out_threads(self) -> None:
        """Threads that modules started in machine code do not end at a fork."""
        for name in self._threaded:
            self._leave_out(name, "starts a thread that a fork does not end")

    def _judge(self) -> None:
        told = self._traces.new()
        if self._traces.threads > self._threads and self._stack:
            self._threaded.append(self._stack[-1])
        self._threads = self._traces.threads
        if told:
            self._leave_out(self._stack[-1] if self._stack else self._asked, told)

    def _leave_out(self, name: str, why: str) -> None:
        self.clean = False
        self.left_out.setdefault(name, why)
        for importer in self._stack:
            if importer != name:
                self.left_out.setdefault(importer, f"imports {name}")

    def _mapped(self) -> set[str]:
        found = set()
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
            for line in maps:
                file = line.partition("/")[2].rstrip("\n")
                if file and ".so" in file and self._places.foreign(f"/{file}"):
                    found.add(f"/{file}")
        return found


def _names(variable: str, files: Collection[str]) -> bool:
    """Whether one of these libraries has the name of a variable in it."""
    wanted = re.compile(rb"\0" + re.escape(os.fsencode(variable)) + rb"\0")
    for file in files:
        try:
            with open(file, "rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
                if wanted.search(data):
                    return True
        except (OSError, ValueError):
            continue
    return False


class _Refusing:
    """Stands before all other finders while modules are imported beforehand."""

    def __init__(self, preload: Preload) -> None:
        self._preload = preload

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        """No module of its own; stops the import of what is left out."""
        preload = self._preload
        if any(part in preload.left_out for part in _parents(name)):
            preload.refuse(name)
        if name.partition(".")[0] in preload.rewritten and name not in preload.known:
            preload.refuse(name)


def _parents(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition(".")[0]


class _Hooks:
    """Has a preload told of what happens inside imports, and takes all of it back."""

    def __init__(self, preload: Preload) -> None:
        self._preload = preload
        self._finders: tuple[Any, ...] = (_Refusing(preload), preload.rewriting)
        self._before: list[tuple[type, str, object]] = []

    def __enter__(self) -> None:
        preload = self._preload

        def run(original: Any, loader: Any, module: Any) -> Any:
            return preload.inside(module.__spec__, original, loader, module)

        def create(original: Any, loader: Any, spec: Any) -> Any:
            made = preload.inside(spec, original, loader, spec)
            preload.loaded_library(spec.name)
            return made

        def read(original: Any, environment: Any, name: str) -> Any:
            preload.read_variable(name)
            return original(environment, name)

        def seed(original: Any, numbers: Any, a: Any = None, version: int = 2) -> Any:
            if a is None:
                preload.seeded.add(numbers)
            return original(numbers, a, version)

        rewriter = type(preload.rewriting.hook)
        for loader in (SourceFileLoader, SourcelessFileLoader, ExtensionFileLoader, rewriter):
            self._patch(loader, "exec_module", run)
        self._patch(ExtensionFileLoader, "create_module", create)
        self._patch(type(os.environ), "__getitem__", read)
        self._patch(random.Random, "seed", seed)
        sys.meta_path[:0] = self._finders

    def __exit__(self, *_: object) -> None:
        for finder in self._finders:
            sys.meta_path.remove(finder)
        for owner, name, own in self._before:
            if own is _INHERITED:
                delattr(owner, name)
            else:
                setattr(owner, name, own)

    def _patch(self, owner: type, name: str, instead: Callable[..., Any]) -> None:
        self._before.append((owner, name, vars(owner).get(name, _INHERITED)))
        original = getattr(owner, name)
        setattr(owner, name, lambda *arguments, **named: instead(original, *arguments, **named))


_INHERITED = object()
