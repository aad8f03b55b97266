"""JUnit XML: what the schema of Jenkins' xunit plugin allows, and no run that did not pass looks green."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from conftest import HERE
from export_support import HOSTILE, many, recorded, recording_of, run_with
from hypothesis import given, settings

from itdash.events import model
from itdash.views import junit

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

JOURNALS = HERE / "journals"
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
    "properties": set(), "property": {"name", "value"}, "testcase": {"name", "classname", "time"},
    "failure": {"type", "message"}, "error": {"type", "message"}, "skipped": {"type", "message"},
    "system-out": set(), "system-err": set(), "stackTrace": set(),
    "flakyFailure": {"type", "message"}, "flakyError": {"type", "message"},
    "rerunFailure": {"type", "message"}, "rerunError": {"type", "message"},
}  # fmt: skip
CHILDREN = {
    "testsuites": {"testsuite"}, "testsuite": {"properties", "testcase"}, "properties": {"property"},
    "testcase": {
        "skipped", "error", "failure", "system-out", "system-err", "flakyFailure", "flakyError",
        "rerunFailure", "rerunError",
    },
    "flakyFailure": {"stackTrace"}, "flakyError": {"stackTrace"}, "rerunFailure": {"stackTrace"},
    "rerunError": {"stackTrace"},
}  # fmt: skip
REQUIRED = {
    "testsuite": {"name", "tests", "failures", "errors"}, "testcase": {"name", "classname"},
    "property": {"name", "value"}, "flakyFailure": {"type"}, "rerunFailure": {"type"},
}  # fmt: skip


def checked(text: str) -> Element:
    """The root of a document that keeps to the schema and whose counts are those of its tests."""
    root = ElementTree.fromstring(text.encode())
    for element in root.iter():
        assert set(element.attrib) <= ATTRIBUTES[element.tag], element.tag
        assert set(element.attrib) >= REQUIRED.get(element.tag, set()), element.tag
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set()), element.tag
        assert float(element.get("time", "0")) >= 0
        assert element.tag == "testcase" or re.fullmatch(r"[0-9]+\.[0-9]{0,3}", element.get("time", "0.0"))
    for suite in root:
        cases = suite.findall("testcase")
        for word, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(word, "")) == sum(case.find(tag) is not None for case in cases)
        assert int(suite.get("tests", "")) == len(cases)
        assert all(
            sum(case.find(tag) is not None for tag in ("failure", "error", "skipped")) < 2 for case in cases
        )
    for word in ("tests", "failures", "errors"):
        assert int(root.get(word, "")) == sum(int(suite.get(word, "")) for suite in root)
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(names)) == len(names)
    return root


def test_a_recorded_run_keeps_to_the_schema(journal: Path) -> None:
    recording = recorded(journal)
    root = checked(junit.document(recording))
    bad = int(root.get("failures", "")) + int(root.get("errors", ""))
    finished = recording.state.finished
    assert finished
    assert (finished.verdict == "passed") == (bad == 0)


@settings(max_examples=150, deadline=None)
@given(foreign=HOSTILE)
def test_any_text_makes_a_document_that_can_be_read(foreign: str) -> None:
    root = checked(junit.document(recording_of(run_with(foreign))))
    assert [len(suite.findall("testcase")) for suite in root] == [3, 1, 2]


def test_every_cut_of_a_journal_is_told_as_unfinished(journal: Path) -> None:
    events = recorded(journal).events
    for cut in range(0, len(events) - 1, 11):
        root = checked(junit.document(recording_of(events[:cut])))
        assert int(root.get("errors", "")) + int(root.get("failures", "")) > 0


def test_the_names_are_those_that_pytest_writes() -> None:
    assert junit.names("tests/a/test_b.py::TestC::test_d[x::y/z.py]") == (
        "tests.a.test_b.TestC",
        "test_d[x::y/z.py]",
    )
    assert junit.names("test_b.py::test_d") == ("test_b", "test_d")
    assert junit.names("notes.txt") == ("notes.txt", "notes.txt")


def test_two_tests_that_would_have_one_name_keep_apart() -> None:
    rows = (model.CollectedCase("a/b.py::C::test"), model.CollectedCase("a.py::b::C::test"))
    events: list[model.AnyEvent] = [model.CasesCollected(1, 0, rows), model.RunFinished(2, "interrupted", 2)]
    root = checked(junit.document(recording_of(events)))
    assert len(list(root.iter("testcase"))) == 3


def case_of(
    *events: model.AnyEvent, verdict: model.Verdict = "passed", code: int = 0, reason: str = ""
) -> Element:
    rows = (model.CollectedCase("tests/test_a.py::test_one", 0, (), ("R-1",)),)
    every = [model.CasesCollected(1, 0, rows), *events, model.RunFinished(100, verdict, code, reason)]
    return checked(junit.document(recording_of(every)))


def stage(t: int, name: model.Stage, outcome: str, category: str) -> model.StageFinished:
    return model.StageFinished(t, 0, name, outcome, 1, category)


def test_a_test_that_passed_at_the_second_attempt_is_told_as_flaky() -> None:
    root = case_of(
        model.CaseStarted(2, 0), stage(3, "setup", "passed", ""), stage(4, "call", "rerun", "rerun"),
        stage(5, "teardown", "passed", ""), stage(6, "setup", "passed", ""),
        stage(7, "call", "passed", "passed"), stage(8, "teardown", "passed", ""), model.CaseFinished(9, 0),
    )  # fmt: skip
    (case,) = root.iter("testcase")
    assert [child.tag for child in case] == ["flakyFailure"]


def test_a_run_that_a_gate_failed_is_not_green() -> None:
    root = case_of(
        model.CaseStarted(2, 0), stage(3, "call", "passed", "passed"), model.CaseFinished(9, 0),
        verdict="failed", code=99, reason="a budget is broken",
    )  # fmt: skip
    (error,) = root.iter("error")
    assert error.get("message") == "a budget is broken"


def test_requirements_and_budgets_are_properties_of_the_suite() -> None:
    root = case_of(
        model.CaseStarted(2, 0), stage(3, "call", "passed", "passed"), model.CaseFinished(9, 0),
        model.BudgetJudged(4, 0, "read", "p95 < 1ms", "kept", "time", 500_000.0, 20),
    )  # fmt: skip
    found = {one.get("name"): one.get("value") for one in root.iter("property")}
    assert found["requirement:R-1"] == "passed: tests/test_a.py::test_one"
    assert found["budget:read: p95 < 1ms"] == "kept: 500µs measured, n=20: tests/test_a.py::test_one"


def test_a_skipped_test_tells_its_reason() -> None:
    root = checked(junit.document(recorded(JOURNALS / "mixed")))
    told = {one.get("type"): one.get("message") for one in root.iter("skipped")}
    assert told == {"pytest.skip": "not today", "pytest.xfail": "known"}


def test_long_texts_are_shortened() -> None:
    text = junit.document(recording_of(many(150)))
    assert len(text) < 150 * 4_000
    checked(text)
