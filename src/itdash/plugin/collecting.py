"""What pytest finds, and the numbers by which events name its tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from itdash.events import model
from itdash.plugin import arranging, claims, selection, sharding, stages

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from itdash.plugin.channel import Channel

_CHUNK = 500
_PROGRESS_EVERY = 100_000_000
_LONGEST_DOC = 300


class CollectionRecorder:
    """Tells what is collected, and leaves out what itdash was told to leave out."""

    def __init__(self, channel: Channel) -> None:
        self._channel, self._assignment, self._worker = channel, channel.assignment, channel.worker
        self._emit, self._now = channel.emit, channel.now
        self._numbers: dict[str, int] = {}
        self._next = channel.assignment.first
        self._found = self._told = self._left_out = 0
        self._shared: dict[Any, frozenset[str]] = {}

    def case(self, nodeid: str) -> int:
        """The number of a test; one that was never collected gets the next."""
        number = self._numbers.get(nodeid)
        if number is None:
            number = self._numbers[nodeid] = self._next
            self._next += 1
            row = model.CollectedCase(nodeid)
            self._emit(model.CasesCollected(t=self._now(), first=number, cases=(row,)))
        return number

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> None:
        """A file is about to be imported, which may take long, hang or crash."""
        if isinstance(collector, pytest.File):
            self._emit(model.CollectorStarted(self._now(), collector.nodeid, self._worker))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """One collector is done."""
        if report.passed:
            self._found += sum(isinstance(node, pytest.Item) for node in report.result)
            now = self._now()
            if now - self._told > _PROGRESS_EVERY:
                self._told = now
                self._emit(model.CollectionProgressed(now, self._found, self._worker))
        elif not self._worker and self._assignment.part == 1:
            self._emit(
                model.CollectionFailed(
                    t=self._now(), node=report.nodeid, outcome=report.outcome,
                    category="error" if report.failed else "skipped",
                    detail=stages.collection_detail(report, self._channel.keep),
                )
            )  # fmt: skip

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, object, object]:
        """All files are imported; after everybody else, leave out what itdash was asked to leave out."""
        self._emit(model.CollectionProgressed(self._now(), len(items), self._worker))
        result = yield
        collected = len(items)
        out = selection.apply(self._assignment.selection, items, self._note)
        self._left_out = collected - len(items) - len(out)
        shard = self._assignment.selection.shard
        if shard:
            others, taken = sharding.take(shard, items, self._now())
            out += others
            self._tell_shard(taken)
        if out:
            config.hook.pytest_deselected(items=out)
        arranging.arrange(self._assignment.selection.first, items)
        return result

    def _tell_shard(self, taken: model.ShardTaken) -> None:
        if self._worker in ("", "gw0") and self._assignment.part == 1:
            self._emit(taken)
        if not taken.selected:
            of = f"shard {taken.index}/{taken.total}"
            self._note(f"{of} has none of the {taken.collected:,} tests; fewer shards would do")

    def _note(self, text: str) -> None:
        if self._worker in ("", "gw0") and self._assignment.part == 1:
            self._emit(model.NoteAdded(self._now(), text))

    @pytest.hookimpl(tryfirst=True)
    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Some tests will not run."""
        if self._worker in ("", "gw0") and self._assignment.part == 1:
            self._emit(model.CasesDeselected(t=self._now(), count=len(items)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """All tests are known."""
        if self._channel.controls:
            return
        items, first = session.items, self._assignment.first
        self._number(item.nodeid for item in items)
        if self._worker in ("", "gw0"):
            for start in range(0, len(items), _CHUNK):
                rows = tuple(self._row(item) for item in items[start : start + _CHUNK])
                self._emit(model.CasesCollected(t=self._now(), first=first + start, cases=rows))
        if not self._worker:
            self._emit(model.CollectionFinished(self._now(), len(items), self._left_out))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """The first worker knows all the tests; the others will find the same."""
        if self._numbers:
            return
        self._number(ids)
        rows = tuple(model.CollectedCase(nodeid) for nodeid in ids)
        self._emit(model.CasesCollected(t=self._now(), first=self._assignment.first, cases=rows))
        done = len(self._assignment.selection.done)
        self._emit(model.CollectionFinished(self._now(), len(ids), done))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker is gone; one that ended as it should has no error."""
        if error:
            self._emit(model.WorkerLost(self._now(), node.gateway.id))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """A worker is about to start: it records the same part."""
        name = node.gateway.id
        node.workerinput["itdash"] = msgspec.to_builtins(
            msgspec.structs.replace(self._assignment, worker=name), builtin_types=(frozenset,)
        )

    def _number(self, ids: Iterable[str]) -> None:
        for nodeid in ids:
            self._numbers[nodeid] = self._next
            self._next += 1

    def _row(self, item: pytest.Item) -> model.CollectedCase:
        parent = item.parent
        shared = self._shared.get(parent)
        if shared is None:
            shared = self._shared[parent] = frozenset(parent.keywords) if parent else frozenset()
        keywords: Any = item.keywords
        own = tuple(
            key for key in keywords._markers if key not in shared and key not in (item.name, "pytestmark")
        )
        line = item.location[1]
        return model.CollectedCase(
            item.nodeid, -1 if line is None else line, own, claims.ids(item), _doc(item)
        )


def _doc(item: pytest.Item) -> str:
    """What the author of the test says that it validates, in a line."""
    try:
        told = item.obj.__doc__ if isinstance(item, pytest.Function) else None
    except Exception:  # a test may be any object that can be called
        return ""
    if type(told) is not str:
        return ""
    return told.lstrip().partition("\n")[0].rstrip()[:_LONGEST_DOC]
