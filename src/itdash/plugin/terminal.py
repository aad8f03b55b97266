"""Spares pytest's own terminal reporter the work for each passing stage, where nobody can see its dots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

# pytest's own, and one that has a word for repetitions only
_HARMLESS = ("_pytest.", "itdash.", "pytest_rerunfailures")


def quicken(config: pytest.Config, seen: Callable[[Any, str], None]) -> bool:
    """Let plain passes be counted, not printed; `seen(report, category)` hears of each.

    Done only for pytest's own reporter at its usual verbosity, and only while no other plugin has a say
    in how a report is counted. Anything but a plain pass goes the usual way.
    """
    from _pytest.terminal import TerminalReporter

    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if type(reporter) is not TerminalReporter or config.option.verbose > 0:
        return False
    if not _counted_by_pytest_alone(config):
        return False
    mine = [
        impl
        for impl in config.hook.pytest_runtest_logreport.get_hookimpls()
        if impl.plugin is reporter and tuple(impl.argnames) == ("report",)
    ]
    if len(mine) != 1 or not callable(getattr(reporter, "_add_stats", None)):
        return False
    usual = mine[0].function
    stats = reporter.stats
    keeps_all = config.option.durations is not None
    with_subtests = ""

    def logreport(report: Any) -> Any:
        nonlocal with_subtests
        if type(report).__name__ != "TestReport":
            with_subtests = report.nodeid  # its test may be counted by what its subtests did
            return usual(report)
        if not report.passed or hasattr(report, "wasxfail") or report.nodeid == with_subtests:
            return usual(report)
        category = "passed" if report.when == "call" else ""
        seen(report, category)
        if not (category or keeps_all or report.sections):
            return None  # nobody will ask for the report of a setup or teardown that only passed
        if category in stats:
            stats[category].append(report)
            return None
        reporter._tests_ran = True
        reporter._add_stats(category, [report])
        return None

    mine[0].function = logreport  # type: ignore[misc]
    reporter._show_progress_info = False
    return True


def _counted_by_pytest_alone(config: pytest.Config) -> bool:
    """Whether the words under which reports are counted come from pytest itself."""
    for impl in config.hook.pytest_report_teststatus.get_hookimpls():
        module = getattr(impl.function, "__module__", "")
        if not module.startswith(_HARMLESS):
            return False
    return True
