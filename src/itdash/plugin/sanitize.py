"""Makes what a test hangs on its report fit for JSON, where the project itself runs pytest-json-report.

Without this an unserializable log record or property takes a worker of pytest-xdist down, and a circular or
oddly keyed one takes the whole report.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from itdash.events.wire import plain

if TYPE_CHECKING:
    from collections.abc import Generator

_DEPTH = 20
_BITS = 64


class Sanitizer:
    """Registered beside the recorder when `--json-report` is given."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Let the report carry plain copies; what the test holds in its hands stays as it is."""
        extra = getattr(item, "_json_report_extra", None)
        own = extra.get("metadata") if extra else None
        if extra is None or not isinstance(own, dict):
            report = yield
        else:
            before = mended(own)
            extra["metadata"] = dict(before)
            try:
                report = yield
            finally:
                after = extra.get("metadata") or {}
                own.update((key, value) for key, value in after.items() if before.get(key) is not value)
                extra["metadata"] = own
        if extra is not None:
            report._json_report_extra = mended(extra)
        report.user_properties = [pair(entry) for entry in report.user_properties]
        return report

    @pytest.hookimpl(wrapper=True, optionalhook=True)
    def pytest_json_runtest_metadata(self) -> Generator[None, Any, Any]:
        """What hooks of the project add is mended before it is looked at."""
        results = yield
        return [mended(result) if isinstance(result, dict) else result for result in results]


def pair(entry: Any) -> tuple[str, Any]:
    """A property as pytest wants it; one that somebody put there in another shape keeps its text."""
    if isinstance(entry, (tuple, list)) and len(entry) == 2:
        return _text(entry[0]), mended(entry[1])
    return "property", mended(entry)


def mended(value: Any) -> Any:
    """The value made of JSON's types alone; what holds itself or goes too deep ends in a word."""
    return _mended(value, ())


def _mended(value: Any, above: tuple[int, ...]) -> Any:
    try:
        if not isinstance(value, (dict, list, tuple, set, frozenset)):
            return _scalar(value)
        if id(value) in above:
            return "(holds itself)"
        if len(above) >= _DEPTH:
            return "(nested too deeply)"
        inside = (*above, id(value))
        if isinstance(value, dict):
            return {_text(key): _mended(item, inside) for key, item in value.items()}
        return [_mended(item, inside) for item in value]
    except Exception as error:  # a project's own classes may do anything when they are looked at
        return _no_text(value, error)


def _scalar(value: Any) -> Any:
    """Exactly JSON's types: execnet refuses a number of a class of its own."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, int) and int.bit_length(value) <= _BITS:
        return int.__int__(value)
    if isinstance(value, float) and math.isfinite(value):
        return float.__float__(value)
    return _text(value)


def _text(value: Any) -> str:
    try:
        return str(plain(str(value)))
    except Exception as error:
        return _no_text(value, error)


def _no_text(value: Any, error: Exception) -> str:
    return f"({type(value).__name__} without a text: {type(error).__name__})"
