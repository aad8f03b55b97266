"""Makes what a test hangs on its report fit for JSON, where the project itself runs pytest-json-report.

Without this an unserializable log record or property takes a worker of pytest-xdist down, and a circular or
oddly keyed one takes the whole report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from itdash.events.wire import plain

if TYPE_CHECKING:
    from collections.abc import Generator

_DEPTH = 20


class Sanitizer:
    """Registered beside the recorder when `--json-report` is given."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Rewrite what the report carries to plain values."""
        report = yield
        extra = getattr(item, "_json_report_extra", None)
        if extra:
            for stage in extra.values():
                if isinstance(stage, dict) and "log" in stage:
                    stage["log"] = mended(stage["log"])
            if "metadata" in extra:
                extra["metadata"] = mended(extra["metadata"])
        report.user_properties = [(str(name), mended(value)) for name, value in report.user_properties]
        return report


def mended(value: Any, depth: int = 0) -> Any:
    """The value made of JSON's types alone; what repeats itself or goes too deep ends in its text."""
    if depth > _DEPTH:
        return "(nested too deeply)"
    if isinstance(value, dict):
        return {str(plain(str(key))): mended(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [mended(item, depth + 1) for item in value]
    if isinstance(value, (bool, int, float, type(None))):
        return value
    try:
        return plain(str(value))
    except Exception as error:  # a project's own __str__ may do anything
        return f"({type(value).__name__} without a text: {type(error).__name__})"
