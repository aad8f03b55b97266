"""A pytest report as pytest-json-report's stage, bounded, with whole texts in files beside the journal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec

from itdash.events.model import NOTHING
from itdash.events.wire import encode_value
from itdash.plugin.sanitize import pair

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

KEPT_IN_LINE = 32_768
_MESSAGE = 4_096

SUBTESTS = frozenset({"SubtestReport", "SubTestReport"})


def says_nothing(report: pytest.TestReport) -> bool:
    """Whether outcome and duration are all there is to tell."""
    return not (
        report.longrepr
        or report.sections
        or hasattr(report, "wasxfail")
        or (report.user_properties and report.when == "teardown")
    )


def detail(report: pytest.TestReport, keep: Callable[[str, str], str]) -> msgspec.Raw:
    """The stage as JSON, or nothing; `keep(key, text)` stores a long text whole and tells where."""
    if says_nothing(report):
        return NOTHING
    texts = {key: _section(report, f"Captured {key} {report.when}") for key in ("stdout", "stderr", "log")}
    from pytest_jsonreport import serialize

    try:
        stage = serialize.make_teststage(report, texts["stdout"], texts["stderr"], None, False)
    except Exception as error:  # a project's own longrepr may do anything
        stage = {"duration": report.duration, "outcome": report.outcome, "longrepr": _unprintable(error)}
    if texts["log"]:
        stage["captured_log"] = texts["log"]
    if hasattr(report, "wasxfail"):
        stage["wasxfail"] = str(report.wasxfail)
    if report.when == "teardown" and report.user_properties:
        stage["user_properties"] = [list(pair(entry)) for entry in report.user_properties]
    _bound(stage, keep)
    if len(stage) == 2:
        return NOTHING
    return msgspec.Raw(encode_value(stage))


def collection_detail(report: pytest.CollectReport, keep: Callable[[str, str], str]) -> msgspec.Raw:
    """A collector that failed or was skipped, in pytest-json-report's form."""
    from pytest_jsonreport import serialize

    try:
        collector = serialize.make_collector(report, [])
    except Exception as error:
        collector = {"nodeid": report.nodeid, "outcome": report.outcome, "longrepr": _unprintable(error)}
    if isinstance(report.longrepr, tuple):
        collector["longrepr"] = str(report.longrepr[2])
    for key in ("stdout", "stderr", "log"):
        if text := _section(report, f"Captured {key}"):
            collector["captured_log" if key == "log" else key] = text
    _bound(collector, keep)
    return msgspec.Raw(encode_value(collector))


def _section(report: Any, name: str) -> str:
    return "".join(content for title, content in report.sections if title == name)


def _unprintable(error: Exception) -> str:
    return f"the failure cannot be shown: {type(error).__name__} while it was turned into text"


def _bound(stage: dict[str, Any], keep: Callable[[str, str], str]) -> None:
    whole: dict[str, dict[str, object]] = {}
    for key, text in stage.items():
        if isinstance(text, str) and len(text) > KEPT_IN_LINE:
            whole[key] = {"file": keep(key, text), "characters": len(text)}
            stage[key] = shortened(text)
    for place in [stage.get("crash"), *stage.get("traceback", ())]:
        if place and len(str(place["message"])) > _MESSAGE:
            place["message"] = str(place["message"])[:_MESSAGE]
    if whole:
        stage["whole"] = whole


def shortened(text: str) -> str:
    """Head and tail of a long text, with a line between that counts what is left out."""
    half = KEPT_IN_LINE // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"


class LongTexts:
    """Writes long texts whole into a folder of the run, with functions of the system held from the start."""

    def __init__(self, folder: str, prefix: str) -> None:
        self._folder, self._prefix = folder, prefix
        self._open, self._write, self._close, self._makedirs = os.open, os.write, os.close, os.makedirs
        self._count = 0

    def __call__(self, key: str, text: str) -> str:
        """Store `text`; the name of its file within the run, or nothing if the disk refuses."""
        self._count += 1
        name = f"output/{self._prefix}-{self._count}-{key}.txt"
        try:
            self._makedirs(f"{self._folder}/output", exist_ok=True)
            handle = self._open(f"{self._folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                data = memoryview(text.encode("utf-8", "backslashreplace"))
                while data:
                    data = data[self._write(handle, data) :]
            finally:
                self._close(handle)
        except OSError:
            return ""
        return name
