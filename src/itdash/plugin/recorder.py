"""pytest's hooks turned into events: in the main process, in a worker, or in the controller of workers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from itdash.events import model
from itdash.events.segment import Segment, high
from itdash.orders import STACKS_SIGNAL, Assignment
from itdash.plugin import budgets, claims, selection, stages, terminal
from itdash.probe import attention

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from itdash.measure.verdict import Verdict

_CHUNK = 500
_PROGRESS_EVERY = 100_000_000

_claimed = False


def attach(config: pytest.Config, given: Assignment | dict[str, Any]) -> None:
    """Record this session, unless this process records one already: then it is a nested one."""
    global _claimed  # noqa: PLW0603  # one recorder for each process, whoever starts pytest in it again
    if _claimed:
        return
    _claimed = True
    import pytest_jsonreport.serialize  # noqa: F401  # now, not in the middle of a test that patched the world

    assignment = given if isinstance(given, Assignment) else msgspec.convert(given, Assignment)
    claims.register(config)
    budgets.register(config)
    config.pluginmanager.register(Recorder(config, assignment), "itdash-recorder")
    if getattr(config.option, "json_report", False):
        from itdash.plugin.sanitize import Sanitizer

        config.pluginmanager.register(Sanitizer(), "itdash-sanitizer")


class Bootstrap:
    """Registered before pytest reads its options; puts the recorder in when there is a configuration."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Attach to the first session of this process."""
        attach(config, self._assignment)


class Recorder:
    """Writes what pytest tells to this process's segment."""

    def __init__(self, config: pytest.Config, assignment: Assignment) -> None:
        self.config, self.assignment, self.worker = config, assignment, assignment.worker
        folder, name = assignment.folder, assignment.segment
        self.segment = Segment(f"{folder}/segments/{name}.jsonl", assignment.origin, f"{folder}/overflow")
        self.keep = stages.Keeper(folder, name)
        self.emit, self.now = self.segment.append, self.segment.now
        place = attention.Place(folder, assignment.origin, name, self.worker, self._note)
        attention.record_at(place)
        os.environ[attention.VARIABLE] = str(place)
        self._controls = False
        self._numbers: dict[str, int] = {}
        self._next = assignment.first
        self._found = self._told = 0
        self._stacks = -1
        self._stop_reason = ""
        self._seen: object = None
        self._seen_category = ""
        self._keywords: Any = None
        self._shared: dict[Any, frozenset[str]] = {}

    # -- the session --

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """The session begins."""
        config = session.config
        self._controls = config.pluginmanager.has_plugin("dsession")
        self._take_stacks()
        self.emit(
            model.SessionStarted(
                t=self.now(), part=self.assignment.part, pid=os.getpid(), worker=self.worker,
                pytest=pytest.__version__, rootdir=str(config.rootpath), distributed=self._controls,
                plugins=tuple(sorted({f"{dist.project_name} {dist.version}" for _, dist in
                                      config.pluginmanager.list_plugin_distinfo()})),
            )
        )  # fmt: skip
        if not (self.worker or self._controls):
            terminal.quicken(config, self._see)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """The session's last word, after everybody else had theirs."""
        try:
            return (yield)
        finally:
            segment = self.segment
            reason = session.shouldfail or session.shouldstop or self._stop_reason
            if reason and not self.worker:
                self.emit(model.SessionStopped(t=self.now(), reason=str(reason)))
            reporter: Any = self.config.pluginmanager.get_plugin("terminalreporter")
            stats = getattr(reporter, "stats", {})
            tally = {str(key): len(reports) for key, reports in stats.items() if key}
            cost = attention.cost()
            if cost is not None:
                self.emit(model.ProbeClosed(self.now(), *cost))
            self.emit(
                model.SessionFinished(
                    t=self.now(), part=self.assignment.part, worker=self.worker, tally=tally,
                    exit_code=int(session.exitstatus), emit_ns=segment.emit_ns, events=segment.events,
                    lost=segment.lost,
                )
            )  # fmt: skip

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: object) -> None:
        """pytest or a plugin broke."""
        text = str(excrepr)
        if len(text) > stages.KEPT_IN_LINE:
            self.keep("internalerror", text)
            text = stages.shortened(text)
        self.emit(model.InternalErrorRaised(t=self.now(), text=text))

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C or `pytest.exit`."""
        self._stop_reason = str(excinfo.value) or type(excinfo.value).__name__

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any, when: str, nodeid: str) -> None:
        """A warning; workers pass theirs on to the controller, which tells it."""
        if self.worker:
            return
        self.emit(
            model.WarningRecorded(
                t=self.now(), category=warning_message.category.__name__, when=when, node=nodeid,
                message=str(warning_message.message)[: stages.KEPT_IN_LINE],
                file=str(warning_message.filename), line=int(warning_message.lineno),
            )
        )  # fmt: skip

    # -- collecting --

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> None:
        """A file is about to be imported, which may take long, hang or crash."""
        if isinstance(collector, pytest.File):
            self.emit(model.CollectorStarted(self.now(), collector.nodeid, self.worker))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """One collector is done."""
        if report.passed:
            self._found += sum(isinstance(node, pytest.Item) for node in report.result)
            now = self.now()
            if now - self._told > _PROGRESS_EVERY:
                self._told = now
                self.emit(model.CollectionProgressed(t=now, found=self._found))
        elif not self.worker and self.assignment.part == 1:
            self.emit(
                model.CollectionFailed(
                    t=self.now(), node=report.nodeid, outcome=report.outcome,
                    category="error" if report.failed else "skipped",
                    detail=stages.collection_detail(report, self.keep),
                )
            )  # fmt: skip

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, object, object]:
        """All files are imported; after everybody else, leave out what itdash was asked to leave out."""
        self.emit(model.CollectionProgressed(t=self.now(), found=len(items)))
        result = yield
        out = selection.apply(self.assignment.selection, items)
        if out:
            config.hook.pytest_deselected(items=out)
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Some tests will not run."""
        if self.worker in ("", "gw0") and self.assignment.part == 1:
            self.emit(model.CasesDeselected(t=self.now(), count=len(items)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """All tests are known."""
        if self._controls:
            return
        items = session.items
        self._number(item.nodeid for item in items)
        if self.worker in ("", "gw0"):
            for start in range(0, len(items), _CHUNK):
                rows = tuple(self._row(item) for item in items[start : start + _CHUNK])
                self.emit(model.CasesCollected(t=self.now(), first=self.assignment.first + start, cases=rows))
        if not self.worker:
            self.emit(model.CollectionFinished(t=self.now(), selected=len(items)))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """The first worker knows all the tests; the others will find the same."""
        if self._numbers:
            return
        self._number(ids)
        rows = tuple(model.CollectedCase(nodeid) for nodeid in ids)
        self.emit(model.CasesCollected(t=self.now(), first=self.assignment.first, cases=rows))
        self.emit(model.CollectionFinished(t=self.now(), selected=len(ids)))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """A worker is about to start: it records the same part."""
        name = node.gateway.id
        node.workerinput["itdash"] = msgspec.to_builtins(
            msgspec.structs.replace(self.assignment, worker=name), builtin_types=(frozenset,)
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
        return model.CollectedCase(item.nodeid, -1 if line is None else line, own, claims.ids(item))

    def _case(self, nodeid: str) -> int:
        """The number of a test; one that was never collected gets the next."""
        number = self._numbers.get(nodeid)
        if number is None:
            number = self._numbers[nodeid] = self._next
            self._next += 1
            row = model.CollectedCase(nodeid)
            self.emit(model.CasesCollected(t=self.now(), first=number, cases=(row,)))
        return number

    # -- running --

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins; under xdist its worker tells."""
        if not self._controls:
            self.emit(model.CaseStarted(self.now(), self._case(nodeid), self.worker))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A test is over."""
        if not self._controls:
            self.emit(model.CaseFinished(self.now(), self._case(nodeid)))

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self, report: object) -> Generator[None, Any, Any]:
        """Hear under which word pytest counts a report."""
        result = yield
        self._see(report, result[0] if result else "")
        return result

    def _see(self, report: object, category: str) -> None:
        self._seen, self._seen_category = report, category

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, object, object]:
        """A stage is over, also when another plugin's hook fails on its report."""
        try:
            return (yield)
        finally:
            if not self._controls:
                self._record(report)
            elif str(report.when) == "???":  # pytest-xdist's word for a worker that crashed
                self._record(report, crashed=True)

    def _record(self, report: pytest.TestReport, crashed: bool = False) -> None:
        category = self._seen_category if self._seen is report else self._category(report)
        self._seen = None
        case = self._case(report.nodeid)
        duration = int(report.duration * 1e9)
        if type(report).__name__ in stages.SUBTESTS:
            label: Any = getattr(report, "sub_test_description", None) or report._sub_test_description
            self.emit(
                model.SubtestFinished(
                    self.now(),
                    case,
                    label(),
                    report.outcome,
                    duration,
                    category,
                    stages.detail(report, self.keep),
                )
            )
            return
        detail = stages.detail(report, self.keep)
        stage: Any = "crash" if crashed else report.when
        self.emit(model.StageFinished(self.now(), case, stage, report.outcome, duration, category, detail))
        if detail is model.NOTHING:
            self._share_keywords(report)

    def _category(self, report: pytest.TestReport) -> str:
        """The word for a report that no terminal reporter asked about."""
        result: Any = self.config.hook.pytest_report_teststatus(report=report, config=self.config)
        if result:
            return str(result[0])
        if report.when in ("setup", "teardown"):
            return {"passed": "", "failed": "error"}.get(report.outcome, report.outcome)
        return report.outcome

    def judged(self, nodeid: str, verdict: Verdict) -> None:
        """A budget has its verdict."""
        self.emit(
            model.BudgetJudged(
                self.now(), self._case(nodeid), verdict.operation, verdict.budget, verdict.outcome,
                verdict.dimension, verdict.measured, verdict.n, verdict.margin, verdict.message,
            )
        )  # fmt: skip

    def _note(self, kind: str, text: str) -> None:
        """What the probe has to say in words."""
        event = model.MarkAdded if kind == "MarkAdded" else model.NoteAdded
        self.emit(event(self.now(), text))

    def _share_keywords(self, report: pytest.TestReport) -> None:
        """pytest keeps every report to the end; three equal dictionaries for each test can be one."""
        if report.when == "setup":
            self._keywords = report.keywords
        elif report.keywords == self._keywords:
            report.keywords = self._keywords

    # -- stacks --

    def _take_stacks(self) -> None:
        """Send the stacks of a fatal signal, or of a request, to a file of the run."""
        import faulthandler

        path = f"{self.assignment.folder}/stacks/{self.assignment.segment}.txt"
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self._stacks = high(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644))
            if faulthandler.is_enabled():
                faulthandler.enable(file=self._stacks)
            if STACKS_SIGNAL:
                faulthandler.register(STACKS_SIGNAL, file=self._stacks, all_threads=True)
        except (OSError, RuntimeError):
            self._stacks = -1
