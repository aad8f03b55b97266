"""The marks `requirement` of a test: what they name, and an error of collection for a wrong one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from itdash.requirements import marks

if TYPE_CHECKING:
    from collections.abc import Generator

_TOLD = 10


def register(config: pytest.Config) -> None:
    """Make the mark known and look at it, once for each session."""
    if not config.pluginmanager.has_plugin(__name__):
        config.addinivalue_line("markers", marks.REGISTERED)
        config.pluginmanager.register(sys.modules[__name__], __name__)


def ids(item: pytest.Item) -> tuple[str, ...]:
    """The ids that a test names, with those of its class and module."""
    if marks.MARK not in item.keywords:
        return ()
    return marks.ids(mark.args for mark in item.iter_markers(marks.MARK))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A file or class with a wrong mark cannot be collected."""
    report = yield
    if report.passed and (wrong := _complaints(report.result)):
        from _pytest.reports import CollectErrorRepr

        more = [f"... and {len(wrong) - _TOLD} more"] if len(wrong) > _TOLD else []
        report.outcome, report.result = "failed", []
        report.longrepr = CollectErrorRepr("\n".join([*list(wrong)[:_TOLD], *more]))
    return report


def _complaints(nodes: list[pytest.Item | pytest.Collector]) -> dict[str, None]:
    wrong: dict[str, None] = {}
    for item in nodes:
        if isinstance(item, pytest.Item) and marks.MARK in item.keywords:
            for mark in item.iter_markers(marks.MARK):
                if told := marks.complaint(mark.args, mark.kwargs):
                    file, line, name = item.location
                    wrong[f"{file}:{(line or 0) + 1}: {name}: {told}"] = None
    return wrong
