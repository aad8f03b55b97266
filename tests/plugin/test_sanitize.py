"""Whatever a test hangs on its report, pytest-json-report gets plain JSON of it, and loses nothing."""

from __future__ import annotations

import collections
import enum
import json
import math
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itdash.plugin.sanitize import mended

if TYPE_CHECKING:
    from conftest import Project


class Silent:
    """An object that has no text."""

    def __str__(self) -> str:
        raise RuntimeError("no")


class Shy:
    """A proxy that nothing may be asked, as those of web frameworks outside of a request."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError("working outside of context")

    def __str__(self) -> str:
        raise RuntimeError("working outside of context")


class Number(enum.IntEnum):
    """An integer that is not just an integer."""

    ONE = 1


class Metres(float):
    """A number of its own class."""


class Loud(str):
    """A text of its own class."""


class Endless(list[int]):
    """A list that cannot be walked through."""

    def __iter__(self) -> Any:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (-1.5, -1.5),
        ("é\n", "é\n"),
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
        ({(1, 2): 3, None: 4, 5: 6}, {"(1, 2)": 3, "None": 4, "5": 6}),
        ((1, (2,)), [1, [2]]),
        (frozenset({1}), [1]),
        (collections.OrderedDict(a=1), {"a": 1}),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (2**64 - 1, 2**64 - 1),
        (2**64, str(2**64)),
        ("\ud800x", "\\ud800x"),
        ({"\udfff": "\udfff"}, {"\\udfff": "\\udfff"}),
        (b"\xff", "b'\\xff'"),
        (PurePosixPath("a/b"), "a/b"),
        (Silent(), "(Silent without a text: RuntimeError)"),
        ({Silent(): 1}, {"(Silent without a text: RuntimeError)": 1}),
        ([Endless([1])], ["(Endless without a text: ZeroDivisionError)"]),
    ],
)  # fmt: skip
def test_what_becomes_of_a_value(value: Any, plain: Any) -> None:
    assert mended(value) == plain


@pytest.mark.parametrize("value", [Number.ONE, Metres(1.5), Loud("x"), [Number.ONE], {Loud("k"): Metres(2)}])
def test_only_the_types_of_json_themselves_are_left(value: Any) -> None:
    def walk(value: Any) -> None:
        assert type(value) in (type(None), bool, int, float, str, list, dict)
        for item in (
            [*value, *value.values()] if type(value) is dict else value if type(value) is list else ()
        ):
            walk(item)

    walk(mended(value))


def test_a_value_that_cannot_even_be_looked_at() -> None:
    assert mended([1, Shy()]) == [1, "(Shy without a text: RuntimeError)"]
    assert mended({"n": 10**5000}) == {"n": "(int without a text: ValueError)"}


def test_what_holds_itself() -> None:
    circle: list[Any] = []
    circle += [1, circle, {"again": circle}]
    assert mended(circle) == [1, "(holds itself)", {"again": "(holds itself)"}]


def test_many_ways_back_take_no_more_time_than_one() -> None:
    circle: list[Any] = []
    circle += [circle] * 50
    assert mended([circle, circle]) == [["(holds itself)"] * 50] * 2


def test_what_is_there_twice_does_not_hold_itself() -> None:
    shared = {"a": 1}
    assert mended([shared, shared]) == [shared, shared]


def test_what_is_nested_too_deeply() -> None:
    deep: Any = "bottom"
    for _ in range(100_000):
        deep = [deep]
    text = json.dumps(mended(deep))
    assert "(nested too deeply)" in text
    shallow: Any = "bottom"
    for _ in range(20):
        shallow = [shallow]
    assert mended(shallow) == shallow


KEYS = st.one_of(
    st.text(st.characters(exclude_categories=())), st.integers(), st.tuples(st.integers()), st.none()
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.binary(), st.complex_numbers(), st.dates(),
    st.text(st.characters(exclude_categories=())), st.builds(Silent),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.tuples(inner, inner)
)


@settings(deadline=None)
@given(VALUES)
def test_anything_becomes_json_and_stays_as_it_is_then(value: Any) -> None:
    plain = mended(value)
    assert json.loads(json.dumps(plain, allow_nan=False).encode("utf-8")) == plain
    assert mended(plain) == plain


# -- with the plugin itself --

REPORT = ("--", "--json-report", "--json-report-file=report.json")


def launched(project: Project, *words: str) -> dict[str, Any]:
    """A run with the report of pytest-json-report; each of its tests by name."""
    ran = project.launch(*words, *REPORT)
    assert ran.code == 0, ran.out + ran.err
    told = ran.out + ran.err + (ran.folder / "pytest.log").read_text()
    assert "JSON-serializable" not in told, told
    report = json.loads((project.folder / "report.json").read_text(), parse_constant=pytest.fail)
    assert ran.summary["outcomes"]["passed"] == report["summary"]["passed"] == len(report["tests"])
    return {test["nodeid"].rpartition("::")[2]: test for test in report["tests"]}


UNSERIALIZABLE = """
    import logging

    class Silent:
        def __str__(self): raise RuntimeError
        __repr__ = __str__

    circle = {}
    circle["self"] = circle

    def test_property(record_property):
        record_property("silent", Silent())
        record_property("object", object)
        record_property("circle", circle)
        record_property("keys", {(1, 2): 3, Silent(): 4})
        record_property("nan", float("nan"))
        record_property("surrogate", "\\ud800")
        record_property("fine", [1, "two"])

    def test_metadata(json_metadata):
        json_metadata["circle"] = circle
        json_metadata["keys"] = {(1, 2): float("inf")}
        json_metadata[3] = Silent()
        json_metadata["surrogate"] = "\\udfff"
        json_metadata["fine"] = [1, "two"]

    def test_log(caplog):
        logging.getLogger().warning("careful", extra={"silent": Silent(), "circle": circle})

    def test_odd_property(request):
        request.node.user_properties.append("alone")
        request.node.user_properties.append((1, 2, 3))
        request.node.user_properties.append(["a", 1])
"""


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "with workers"])
def test_a_run_with_what_json_cannot_say_passes_and_keeps_the_rest(
    project: Project, workers: list[str]
) -> None:
    project.write(
        "pytest.ini", "[pytest]\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function\n"
    )
    project.write("test_a.py", UNSERIALIZABLE)
    tests = launched(project, *workers)
    properties = {
        key: value for pair in tests["test_property"]["user_properties"] for key, value in pair.items()
    }
    assert properties == {
        "silent": "(Silent without a text: RuntimeError)",
        "object": "<class 'object'>",
        "circle": {"self": "(holds itself)"},
        "keys": {"(1, 2)": 3, "(Silent without a text: RuntimeError)": 4},
        "nan": "nan",
        "surrogate": "\\ud800",
        "fine": [1, "two"],
    }
    assert tests["test_metadata"]["metadata"] == {
        "circle": {"self": "(holds itself)"},
        "keys": {"(1, 2)": "inf"},
        "3": "(Silent without a text: RuntimeError)",
        "surrogate": "\\udfff",
        "fine": [1, "two"],
    }
    (record,) = tests["test_log"]["call"]["log"]
    assert record["msg"] == "careful"
    assert record["silent"] == "(Silent without a text: RuntimeError)"
    assert tests["test_odd_property"]["user_properties"] == [
        {"property": "alone"}, {"property": [1, 2, 3]}, {"a": 1},
    ]  # fmt: skip


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "with workers"])
def test_metadata_of_every_stage_and_hook_is_kept(project: Project, workers: list[str]) -> None:
    project.write(
        "conftest.py",
        """
        import pytest

        def pytest_json_runtest_metadata(item, call):
            return {f"hook in {call.when}": {(1, 2): object}, "last": call.when}

        @pytest.fixture
        def early(json_metadata):
            json_metadata["setup"] = 1
            yield
            json_metadata["teardown"] = 3
        """,
    )
    project.write(
        "test_a.py",
        """
        def test_a(early, json_metadata):
            assert json_metadata["setup"] == 1
            assert json_metadata["last"] == "setup"
            json_metadata["call"] = 2
        """,
    )
    told = launched(project, *workers)["test_a"]["metadata"]
    hooked = {f"hook in {when}": {"(1, 2)": "<class 'object'>"} for when in ("setup", "call", "teardown")}
    assert told == {"setup": 1, "call": 2, "teardown": 3, "last": "teardown", **hooked}


def test_the_tests_own_objects_stay_as_they_are(project: Project) -> None:
    project.write(
        "test_a.py",
        """
        mine = {(1, 2): {3}}

        def test_a(json_metadata, record_property):
            json_metadata["mine"] = mine
            record_property("mine", mine)

        def test_b():
            assert mine == {(1, 2): {3}}
        """,
    )
    assert launched(project)["test_a"]["metadata"] == {"mine": {"(1, 2)": [3]}}


def test_the_report_is_the_same_as_without_itdash(project: Project) -> None:
    project.write(
        "test_a.py",
        """
        import logging, pytest

        @pytest.fixture
        def speaks(json_metadata):
            print("in setup")
            json_metadata["a"] = [1, {"b": None}]
            yield
            logging.warning("in teardown")

        @pytest.mark.parametrize("n", [1, 2])
        def test_a(speaks, record_property, n):
            print("in call")
            record_property("n", n)
            logging.warning("in %s", "call")
        """,
    )

    def telling(test: dict[str, Any]) -> dict[str, Any]:
        for when in ("setup", "call", "teardown"):
            test[when]["duration"] = 0
            for record in test[when].get("log", ()):
                for varying in ("created", "msecs", "relativeCreated", "thread", "process"):
                    record[varying] = 0
        return test

    with_us = launched(project, "-k", "test")
    assert project.pytest("-k", "test", *REPORT[1:]).returncode == 0
    bare = json.loads((project.folder / "report.json").read_text())["tests"]
    assert [telling(test) for test in with_us.values()] == [telling(test) for test in bare]
