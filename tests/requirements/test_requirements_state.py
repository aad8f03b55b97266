"""What the fold makes of declarations and claims, in any order; statuses, and how parents roll up."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itdash.events import model, wire
from itdash.events.model import CollectedCase, RequirementRow, RequirementsDeclared
from itdash.render import requirements as lines
from itdash.render.paint import Paint
from itdash.state import fold, requirements
from itdash.state.gate import Gate, broken
from itdash.state.requirements import Claim, Line, Result, SuiteMatrix, matrix
from itdash.state.run import RunState
from itdash.views.summary import summary

STATUSES = {
    (): "untested",
    ("",): "untested",
    ("running",): "running",
    ("passed", ""): "running",
    ("passed",): "verified",
    ("xpassed",): "verified",
    ("passed", "skipped"): "verified",
    ("passed", "xfailed"): "verified",
    ("skipped",): "skipped only",
    ("skipped", "xfailed"): "skipped only",
    ("passed", "failed"): "failing",
    ("error", "running"): "failing",
    ("crashed",): "failing",
    ("timed out", "passed"): "failing",
    ("passed", "not run"): "untested",
    ("interrupted",): "untested",
    ("passed", "a word of a plugin"): "verified",
    ("a word of a plugin",): "untested",
}


def run_of(*outcomes: str) -> list[Claim]:
    return [Claim("s", ("1",), Result(f"t{number}", outcome)) for number, outcome in enumerate(outcomes)]


def declared(*rows: RequirementRow, suite: str = "s") -> RequirementsDeclared:
    return RequirementsDeclared(0, suite, f"{suite}/requirements.toml", rows)


@pytest.mark.parametrize("outcomes", STATUSES, ids=lambda outcomes: "+".join(outcomes) or "none")
def test_the_status_of_a_requirement(outcomes: tuple[str, ...]) -> None:
    over = not {"", "running"} & set(outcomes)
    (suite,) = matrix([declared(RequirementRow("1"))], run_of(*outcomes), over)
    assert suite.lines[0].status == STATUSES[outcomes]


def test_a_test_that_will_not_run_any_more_is_not_waited_for() -> None:
    (suite,) = matrix([declared(RequirementRow("1"))], run_of("passed", ""), over=True)
    assert suite.lines[0].status == "untested"


def tree(claims: dict[str, str], *rows: str) -> dict[str, Line]:
    """Lines by id; each row is `id` or `id<parent`, each claim an id and an outcome."""
    parts = [row.partition("<") for row in rows]
    events = [declared(*(RequirementRow(id, parent=parent) for id, _, parent in parts))]
    claimed = [Claim("s", (id,), Result(f"t-{id}", outcome)) for id, outcome in claims.items()]
    (suite,) = matrix(events, claimed, over=True)
    return {line.row.id: line for line in suite.lines}


def test_a_parent_is_as_good_as_the_worst_below_it() -> None:
    passed = {"1.1": "passed", "1.2": "passed"}
    rows = ("1.1<1", "1", "1.2<1", "0<", "1.2.1<1.2")
    assert [*tree(passed, *rows)] == ["1", "1.1", "1.2", "1.2.1", "0"]
    assert tree(passed, *rows)["1"].status == "untested"
    whole = tree({**passed, "1.2.1": "passed"}, *rows)
    assert (whole["1"].status, whole["1"].verified, whole["1"].leaves, whole["1"].leaf) == (
        "verified",
        2,
        2,
        False,
    )
    assert whole["1.2.1"].depth == 2
    assert tree({**passed, "1.2.1": "skipped"}, *rows)["1"].status == "skipped only"
    assert tree({**passed, "1.2.1": "failed"}, *rows)["1"].status == "failing"


def test_a_parent_counts_its_own_tests_too() -> None:
    lines = tree({"1": "failed", "1.1": "passed"}, "1", "1.1<1")
    assert (lines["1"].status, lines["1"].own, lines["1.1"].status) == ("failing", "failing", "verified")
    lines = tree({"1.1": "passed"}, "1", "1.1<1")
    assert (lines["1"].status, lines["1"].own) == ("verified", "")
    assert tree({"1": "passed"}, "1", "1.1<1")["1"].status == "untested"


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_any_recording_has_a_matrix_with_each_requirement_once(pairs: list[tuple[int, int]]) -> None:
    """A recording may have lost a parent, or hold a circle that no file may have."""
    rows = [RequirementRow(str(id), parent=str(parent)) for id, parent in pairs]
    suites = matrix([declared(*rows)], [], over=True)
    told = [line.row.id for suite in suites for line in suite.lines]
    assert sorted(told) == sorted({row.id for row in rows})


def test_a_deep_tree_is_no_deep_recursion() -> None:
    rows = [RequirementRow(str(depth), parent=str(depth - 1) if depth else "") for depth in range(3_000)]
    (suite,) = matrix([declared(*rows)], [Claim("s", ("2999",), Result("t", "passed"))], over=True)
    assert suite.lines[0].status == "verified"
    assert suite.lines[-1].depth == 2_999
    list(lines.matrix([suite], Paint(colour=False, ascii_only=True), []))


def test_ids_are_per_suite_and_unknown_ones_say_what_may_be_meant() -> None:
    many = [RequirementRow(f"REQ-{number}") for number in range(20)]
    suites = matrix(
        [declared(RequirementRow("4.1"), suite="a"), declared(RequirementRow("4.1"), *many, suite="b")],
        [
            Claim("a", ("4.1", "4.2", "REQ-3"), Result("t1", "passed")),
            Claim("b", ("REQ-33", "qqqqqq"), Result("t2", "failed")),
            Claim("c", ("x",), Result("t3", "passed")),
        ],
        over=True,
    )
    by_name = {suite.suite: suite for suite in suites}
    assert [line.status for line in by_name["a"].lines] == ["verified"]
    assert by_name["b"].lines[0].status == "untested"
    hints = {one.id: one.hint for suite in suites for one in suite.unknown}
    assert hints["4.2"] == "did you mean '4.1'?"
    assert hints["REQ-3"] == "suite 'b' has it, and ids are per suite"
    assert hints["REQ-33"].startswith("did you mean 'REQ-")
    assert hints["qqqqqq"] == ""
    assert hints["x"] == "no file declares requirements for 'c'"


# -- the fold --


def events(suites: bool) -> list[model.AnyEvent]:
    specs = (model.SuiteSpec("s", "", ("tests",)),) if suites else ()
    name = "s" if suites else "tests"
    told: list[model.AnyEvent] = [
        model.RunStarted(0, 1, "run", 0.0, "/p", "/p", (), "0", "3", "linux", specs),
        model.SessionStarted(1, 1, 1, "9", "/p"),
        RequirementsDeclared(2, name, "tests/requirements.toml", (RequirementRow("1"), RequirementRow("2"))),
    ]
    if not suites:
        told.append(RequirementsDeclared(2, "tests/in", "tests/in/requirements.csv", (RequirementRow("1"),)))
    rows = (
        CollectedCase("tests/test_a.py::a", 1, (), ("1",)),
        CollectedCase("tests/in/test_b.py::b", 1, (), ("1", "2")),
        CollectedCase("tests/in/test_b.py::c", 1, ()),
    )
    told.append(model.CasesCollected(3, 0, rows))
    for case in range(3):
        told += [
            model.CaseStarted(10 * case + 4, case),
            model.StageFinished(10 * case + 5, case, "call", "passed", 1, "passed"),
            model.CaseFinished(10 * case + 6, case),
        ]
    return told


def picture(state: RunState) -> list[tuple[str, str, str]]:
    return [(row["suite"], row["id"], row["status"]) for row in summary(state, 0, 0)["requirements"]]


def test_the_nearest_file_above_a_test_counts() -> None:
    assert picture(fold.replay(events(suites=False))) == [
        ("tests", "1", "verified"),
        ("tests", "2", "untested"),
        ("tests/in", "1", "verified"),
        ("tests/in", "2", "unknown id"),
    ]


def test_a_declared_suite_has_what_it_declares_wherever_its_test_is() -> None:
    assert picture(fold.replay(events(suites=True))) == [("s", "1", "verified"), ("s", "2", "verified")]


@given(st.booleans(), st.data())
def test_declarations_and_claims_may_come_in_any_order(suites: bool, data: st.DataObject) -> None:
    told = events(suites)
    first = told[:2]
    mixed: list[model.AnyEvent] = [event for event in told[2:] if not isinstance(event, RequirementsDeclared)]
    for event in told:
        if isinstance(event, RequirementsDeclared):
            mixed.insert(data.draw(st.integers(0, len(mixed))), event)
    assert sorted(picture(fold.replay(first + mixed))) == sorted(picture(fold.replay(told)))


@given(st.booleans(), st.integers(0, 20))
def test_a_recording_cut_anywhere_folds_on(suites: bool, cut: int) -> None:
    told = events(suites)
    state = fold.replay(told[:cut])
    picture(state)
    fold.apply_all(state, told[cut:])
    assert picture(state) == picture(fold.replay(told))


def test_the_controllers_list_of_tests_takes_no_claim_away() -> None:
    bare = model.CasesCollected(3, 0, (CollectedCase("tests/test_a.py::a"),))
    told = events(suites=True)
    assert picture(fold.replay([*told[:3], bare, *told[3:]])) == picture(
        fold.replay([*told[:4], bare, *told[4:]])
    )


def test_while_it_runs() -> None:
    told = events(suites=True)
    seen: list[str | None] = []
    state = RunState()
    for event in told:
        fold.apply(state, event)
        status = {id: status for _, id, status in picture(state)}.get("1")
        if not seen or seen[-1] != status:
            seen.append(status)
    assert seen == [None, "untested", "running", "verified"]


def test_lines_are_written_and_read() -> None:
    told = events(suites=False)
    assert wire.decode(b"".join(wire.encode(event) for event in told)) == (told, 0)
    old = b'{"kind":"CasesCollected","t":1,"first":0,"cases":[["t.py::a",1,[]]]}\n'
    (event,), unread = wire.decode(old)
    assert unread == 0
    assert isinstance(event, model.CasesCollected)
    assert event.cases[0].requirements == ()


def test_a_run_that_knows_no_requirements_has_no_matrix() -> None:
    state = fold.replay([model.CasesCollected(0, 0, (CollectedCase("t.py::a"),))])
    assert requirements.of_run(state) == []


# -- the gate --


def judged(share: str = "", strict: bool = False, **outcomes: str) -> str:
    """What a gate says of requirements a, b and c of one suite."""
    told: list[model.AnyEvent] = [
        model.RunStarted(
            0, 1, "run", 0.0, "/p", "/p", (), "0", "3", "linux", (model.SuiteSpec("s", "", ("t",)),)
        ),
        model.SessionStarted(1, 1, 1, "9", "/p"),
        declared(RequirementRow("a"), RequirementRow("b"), RequirementRow("c", parent="b")),
    ]
    for number, (id, outcome) in enumerate(outcomes.items()):
        told += [
            model.CasesCollected(1, number, (CollectedCase(f"t/test_{id}.py::t", 1, (), (id,)),)),
            model.CaseStarted(2, number),
            model.StageFinished(3, number, "call", outcome, 1, outcome),
            model.CaseFinished(4, number),
        ]
    return broken(fold.replay(told), Gate(Fraction(share) if share else None, strict))


def test_the_gate_counts_requirements_without_children() -> None:
    assert judged() == ""
    assert judged("50", a="passed") == ""
    assert judged("50.1", a="passed") == "1 of 2 requirements verified (50%), 50.1% required; untested: c"
    assert judged("100", a="passed", b="skipped", c="passed") == ""
    assert "failing: a; untested: c" in judged("1", a="failed", b="passed")


def test_the_strict_gate_lets_nothing_pass() -> None:
    start = "not every requirement is verified; "
    assert judged(strict=True, a="passed", c="passed") == ""
    assert judged(strict=True, a="passed", b="skipped", c="passed") == f"{start}skipped only: b"
    assert judged(strict=True, a="passed", c="passed", d="passed") == f"{start}unknown: d"
    assert judged(strict=True) == f"{start}untested: a, c"


def test_a_long_list_is_bounded() -> None:
    state = fold.replay([declared(*(RequirementRow(str(number)) for number in range(1_000)))])
    assert broken(state, Gate(strict=True)).endswith("8, 9 and 990 more")


# -- lines --


def shown(suites: list[SuiteMatrix], width: int = 0) -> list[str]:
    return list(lines.report(suites, Paint(colour=False, ascii_only=True), width))


def test_the_table_names_what_is_not_verified_with_its_title() -> None:
    rows = [RequirementRow("1", "One"), RequirementRow("2", "Two"), RequirementRow("3", "Three")]
    claims = [Claim("s", ("1",), Result("t1", "passed")), Claim("s", ("2", "4"), Result("t2", "failed"))]
    assert shown(matrix([declared(*rows)], claims, over=True)) == [
        "requirements of s: 1 of 3 verified (33.3%)",
        "  x FAILING       2  Two",
        "  - UNTESTED      3  Three",
        "  x UNKNOWN ID    4  known: 1, 2, 3; named by t2",
        "  + verified      1",
    ]


def test_what_is_foreign_stays_on_its_line_and_harmless() -> None:
    rows = [RequirementRow("\x1b[31m\n1", "a\nb\u202e" + "x" * 500)]
    claims = [Claim("s\n", ("\r2" * 99,), Result("t\x07", "passed"))]
    told = [*shown(matrix([declared(*rows, suite="s\n")], claims, over=True), 80)]
    told += lines.matrix(matrix([declared(*rows)], claims, over=True), Paint(False, True), [], 80)
    for line in told:
        assert "\n" not in line
        assert line.isprintable()
        assert line.isascii()  # also where it was cut
    assert max(map(len, told)) < 120


def test_many_lines_are_bounded() -> None:
    rows = [RequirementRow(f"R{number}") for number in range(1_000)]
    claims = [Claim("s", (f"R{number}",), Result("t", "passed")) for number in range(500)]
    told = shown(matrix([declared(*rows)], claims, over=True), 80)
    assert any("and 450 more untested; all are in summary.json" in line for line in told)
    assert any("and 450 more" in line for line in told if "R49" in line)
    assert all(len(line) <= 80 for line in told)
    assert len(told) < 70
