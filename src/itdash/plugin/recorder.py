"""pytest's hooks turned into events: in the main process, in a worker, or in the controller of workers."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from itdash.events import model
from itdash.orders import Assignment
from itdash.plugin import budgets, claims, imports, late, selection, stages, watching
from itdash.plugin.channel import Channel
from itdash.plugin.collecting import CollectionRecorder
from itdash.plugin.leftovers import Journal
from itdash.plugin.sessions import SessionRecorder

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from itdash.measure.verdict import Verdict
    from itdash.plugin.warm.serve import Fork

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
    channel = Channel(config, assignment)
    channel.attend()
    collecting = CollectionRecorder(channel)
    recorder = Recorder(channel, collecting.case)
    plugins = config.pluginmanager
    plugins.register(collecting, "itdash-collecting")
    plugins.register(SessionRecorder(channel, recorder.see), "itdash-sessions")
    plugins.register(recorder, "itdash-recorder")
    if assignment.imports:
        finder = imports.begin(assignment.imports)
        plugins.register(imports.ImportRecorder(config, assignment, finder), "itdash-imports")
    if late.is_needed(config):
        plugins.register(late.StageRecorder(channel, collecting.case), "itdash-late")
    watching.watch(config, Journal(channel, collecting.case))
    if getattr(config.option, "json_report", False):
        from itdash.plugin.sanitize import Sanitizer

        plugins.register(Sanitizer(), "itdash-sanitizer")


class Bootstrap:
    """Registered before pytest reads its options; puts the recorder in when there is a configuration."""

    def __init__(self, assignment: Assignment, fork: Fork | None = None) -> None:
        self._assignment, self._fork = assignment, fork

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        """What itdash hands on must be known also where no plugin is loaded by itself."""
        watching.add_key(parser)
        if self._assignment.imports:
            imports.begin(self._assignment.imports)

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Attach to the first session of this process, if what it is asked for can be recorded."""
        if self._fork:
            self._fork.attend(config)
        selection.check(self._assignment.selection)
        if getattr(config.option, "dist", "no") == "each":
            raise pytest.UsageError(
                "itdash cannot tell the runs of one test on several workers apart: use --dist load"
            )
        attach(config, self._assignment)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Modules that filter warnings do so while they are imported, which would be now."""
        if self._fork:
            before: Any = warnings.filters
            before[:0] = self._fork.filters


class Recorder:
    """Tells what becomes of each test; `case` gives its number."""

    def __init__(self, channel: Channel, case: Callable[[str], int]) -> None:
        self._channel, self._config, self._worker = channel, channel.config, channel.worker
        self._emit, self._now, self._case = channel.emit, channel.now, case
        self._seen: object = None
        self._seen_category = ""
        self._keywords: Any = None

    def see(self, report: object, category: str) -> None:
        """Under which word pytest counts a report."""
        self._seen, self._seen_category = report, category

    def judged(self, nodeid: str, verdict: Verdict) -> None:
        """A budget has its verdict."""
        self._emit(
            model.BudgetJudged(
                self._now(), self._case(nodeid), verdict.operation, verdict.budget, verdict.outcome,
                verdict.dimension, verdict.measured, verdict.n, verdict.margin, verdict.message,
            )
        )  # fmt: skip

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins; under xdist its worker tells."""
        if not self._channel.controls:
            self._emit(model.CaseStarted(self._now(), self._case(nodeid), self._worker))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A test is over."""
        if not self._channel.controls:
            self._emit(model.CaseFinished(self._now(), self._case(nodeid)))

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self, report: object) -> Generator[None, Any, Any]:
        """Hear under which word pytest counts a report."""
        result = yield
        self.see(report, result[0] if result else "")
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, object, object]:
        """A stage is over, also when another plugin's hook fails on its report."""
        try:
            return (yield)
        finally:
            if not self._channel.controls:
                self._record(report)
            elif str(report.when) == "???":  # pytest-xdist's word for a worker that crashed
                self._record(report, crashed=True)

    def _record(self, report: pytest.TestReport, crashed: bool = False) -> None:
        category = self._seen_category if self._seen is report else self._category(report)
        self._seen = None
        case = self._case(report.nodeid)
        duration = int(report.duration * 1e9)
        detail = stages.detail(report, self._channel.keep)
        if type(report).__name__ in stages.SUBTESTS:
            label: Any = getattr(report, "sub_test_description", None) or report._sub_test_description
            told = (case, label(), report.outcome, duration, category, detail)
            self._emit(model.SubtestFinished(self._now(), *told))
            return
        stage: Any = "crash" if crashed else report.when
        self._emit(model.StageFinished(self._now(), case, stage, report.outcome, duration, category, detail))
        if detail is model.NOTHING:
            self._share_keywords(report)

    def _category(self, report: pytest.TestReport) -> str:
        """The word for a report that no terminal reporter asked about."""
        result: Any = self._config.hook.pytest_report_teststatus(report=report, config=self._config)
        if result:
            return str(result[0])
        if report.when in ("setup", "teardown"):
            return {"passed": "", "failed": "error"}.get(report.outcome, report.outcome)
        return report.outcome

    def _share_keywords(self, report: pytest.TestReport) -> None:
        """pytest keeps every report to the end; three equal dictionaries for each test can be one."""
        if report.when == "setup":
            self._keywords = report.keywords
        elif report.keywords == self._keywords:
            report.keywords = self._keywords
