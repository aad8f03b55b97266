"""The mark `budget`: read when its test is collected, judged when its test's call is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from itdash.measure.budget import Budget, BudgetSyntaxError, Ratio, parse
from itdash.measure.text import printable
from itdash.measure.verdict import Measured, judge

if TYPE_CHECKING:
    from collections.abc import Generator

    from itdash.measure.verdict import Verdict
    from itdash.plugin.measuring import Measuring

Limits = tuple[tuple[str, Budget], ...]

_limits = pytest.StashKey[Limits]()
_measured = pytest.StashKey[dict[str, Measured]]()
_failure = pytest.StashKey[str]()
_READER, _JUDGE = "itdash-budgets", "itdash-judge"
_TOO_FEW = "itdash_too_few"


def register(config: pytest.Config) -> None:
    """Make the mark known and read it, once for each session."""
    if not config.pluginmanager.has_plugin(_READER):
        config.addinivalue_line(
            "markers", "budget(operation, *limits): what the test measures must keep, such as p95 < 250ms"
        )
        config.pluginmanager.register(Reader(), _READER)


class BudgetMarkError(Exception):
    """A mark that is no budget; `str` tells where and why, without a traceback."""


def has_budgets(item: pytest.Item) -> bool:
    """Whether there is such a mark; nearly all tests are done with at the first look."""
    return "budget" in item.keywords and item.get_closest_marker("budget") is not None


def limits_of(item: pytest.Item) -> Limits:
    """The budgets of a test, those of its class and module first; BudgetMarkError for a mark that is none."""
    limits: dict[tuple[str, str], tuple[str, Budget]] = {}
    for node, mark in reversed(list(item.iter_markers_with_node("budget"))):
        for operation, budget in _read(item, node, mark):
            limits[operation, str(budget)] = (operation, budget)
    return tuple(limits.values())


def _read(item: pytest.Item, node: Any, mark: pytest.Mark) -> list[tuple[str, Budget]]:
    name = "" if node is item else f" (its mark stands on {printable(node.name)})"
    file, line, _ = item.location
    where = f"{file}:{(line or 0) + 1}: {item.name}{name}"
    usage = '@pytest.mark.budget("operation", "p95 < 250ms", ...)'
    if mark.kwargs:
        raise BudgetMarkError(
            f"{where}\nbudget takes no keywords, but was given {', '.join(mark.kwargs)}: {usage}"
        )
    for argument in mark.args:
        if not isinstance(argument, str):
            what = f"{type(argument).__name__} {argument!r}"[:200]
            raise BudgetMarkError(f"{where}\nbudget takes texts, but was given {what}: {usage}")
    if len(mark.args) < 2 or not mark.args[0].strip():
        raise BudgetMarkError(
            f"{where}\nbudget needs the name of an operation and one limit or more: {usage}"
        )
    try:
        return [(mark.args[0], parse(text)) for text in mark.args[1:]]
    except BudgetSyntaxError as error:
        raise BudgetMarkError(f"{where}\n{error}") from None


class Reader:
    """Reads the marks of what is collected."""

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self,
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """A mark that is no budget fails the collection of its file or class."""
        report = yield
        wrong = []
        for node in report.result if report.passed and report.result else ():
            if isinstance(node, pytest.Item) and has_budgets(node):
                try:
                    node.stash[_limits] = limits_of(node)
                except BudgetMarkError as error:
                    wrong.append(str(error))
        if wrong:
            from _pytest.reports import CollectErrorRepr

            report.outcome = "failed"
            report.longrepr = CollectErrorRepr("\n\n".join(dict.fromkeys(wrong)))
            report.result = []
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Judge only where there is something to judge."""
        plugins = session.config.pluginmanager
        if not plugins.has_plugin(_JUDGE) and any(has_budgets(item) for item in session.items):
            plugins.register(Judge(session.config), _JUDGE)


class Judge:
    """Measures each test that has budgets, and fails it when one is broken."""

    def __init__(self, config: pytest.Config) -> None:
        from itdash.plugin.measuring import Ear

        self._config, self._ear = config, Ear()
        try:
            self._strict = config.getini(_TOO_FEW) == "fail"
        except (KeyError, ValueError):  # plugins are not loaded by themselves here, so the key is not known
            self._strict = False
        self._not_judged: list[tuple[str, str]] = []

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Listen while the test itself runs, without its fixtures."""
        if not has_budgets(item):
            return (yield)
        if _limits not in item.stash:
            try:
                item.stash[_limits] = limits_of(item)
            except BudgetMarkError as error:
                pytest.fail(str(error), pytrace=False)
        limits = item.stash[_limits]
        names = {operation for operation, _ in limits}
        names |= {budget.limit.operation for _, budget in limits
                  if isinstance(budget.limit, Ratio) and budget.limit.operation}  # fmt: skip
        measuring: Measuring = self._ear.begin(names)
        try:
            return (yield)
        finally:
            try:
                item.stash[_measured] = measuring.finish()
            except Exception as error:  # the test has not done this, and must not get its traceback
                item.stash[_failure] = f"{type(error).__name__}: {error}"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """The verdict, as part of the report on the call."""
        report = yield
        if call.when != "call":
            return report
        failure = item.stash.get(_failure, None)
        if failure is not None:
            del item.stash[_failure]
            if report.passed:
                _fail(item, report, [f"the budgets of this test could not be judged: {failure}"])
        measured = item.stash.get(_measured, None)
        if measured is not None:
            del item.stash[_measured]
            limits = item.stash[_limits]
            verdicts = [judge(budget, measured[name], measured) for name, budget in limits]
            self._tell(item, report, verdicts)
        return report

    def _tell(self, item: pytest.Item, report: pytest.TestReport, verdicts: list[Verdict]) -> None:
        recorder: Any = self._config.pluginmanager.get_plugin("itdash-recorder")
        if recorder is not None:
            for verdict in verdicts:
                recorder.judged(item.nodeid, verdict)
        few = [verdict.message for verdict in verdicts if verdict.outcome == "too few samples"]
        self._not_judged += [(item.nodeid, message) for message in few]
        if few:
            report.sections.append(("Budgets that were not judged", "\n".join(few)))
        failing = ("broken", "never ran", "too few samples") if self._strict else ("broken", "never ran")
        broken = [verdict.message for verdict in verdicts if verdict.outcome in failing]
        if broken and (report.passed or _is_unexpected_pass(report)):
            _fail(item, report, broken)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say which budgets had too few samples; they are no failures."""
        if self._not_judged:
            terminalreporter.section("budgets that were not judged", "-")
            for nodeid, message in self._not_judged:
                terminalreporter.write_line(f"{nodeid}: {message}")


def _is_unexpected_pass(report: pytest.TestReport) -> bool:
    return isinstance(report.longrepr, str) and report.longrepr.startswith("[XPASS(strict)]")


def _fail(item: pytest.Item, report: pytest.TestReport, broken: list[str]) -> None:
    """Turn a report of success into one of failure; where failure was expected, into that."""
    expected = getattr(report, "wasxfail", None)
    if expected is None and _is_unexpected_pass(report):
        expected = str(report.longrepr).removeprefix("[XPASS(strict)]").strip()
    if expected is not None:
        report.outcome, report.wasxfail, report.longrepr = "skipped", expected, "\n".join(broken)
        return
    report.outcome = "failed"
    report.longrepr = _shown(item, broken)


def _shown(item: pytest.Item, broken: list[str]) -> Any:
    """The messages in pytest's own form for a failure, so that they stand in its summary as well."""
    text = "\n".join(broken)
    file, line, _ = item.location
    try:
        from _pytest._code.code import ReprEntry, ReprExceptionInfo, ReprFileLocation, ReprTraceback

        entry = ReprEntry([f"E   {message}" for message in broken], None, None, None, "long")
        place = ReprFileLocation(file, (line or 0) + 1, text)
        return ReprExceptionInfo(reprcrash=place, reprtraceback=ReprTraceback([entry], None, "long"))
    except (ImportError, TypeError):
        return text
