"""From a request and a configuration to what pytest is told."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from itdash.config import Config, SuiteConfig
from itdash.errors import ItdashError, MissingPlugin
from itdash.orders import Group, Selection
from itdash.runner.command import Plan, Request, plan

if TYPE_CHECKING:
    from pathlib import Path

API = SuiteConfig("api", ("tests/api",), groups={"smoke": "mark:smoke", "login": "k: login or logout "})
JOBS = SuiteConfig(
    "jobs", ("tests/jobs", "more/test_late.py"),
    groups={
        "smoke": "mark:smoke and not slow", "acks": "path:test_ack.py::TestAck", "late": "path:test_late.py",
    },
)  # fmt: skip
SUITES = Config(suites=(API, JOBS))


@pytest.fixture(autouse=True)
def plugins_load_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with the files of both suites."""
    for name in ("tests/api/test_a.py", "tests/jobs/test_ack.py", "more/test_late.py", "other/test_o.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def planned(
    root: Path, config: Config = SUITES, cwd: Path | None = None, missing: str = "", **wanted: Any
) -> Plan:
    return plan(Request(**wanted), config, root, cwd or root, lambda module: module != missing)


def refused(root: Path, config: Config = SUITES, **wanted: Any) -> str:
    with pytest.raises(ItdashError) as caught:
        planned(root, config, **wanted)
    return "\n".join(caught.value.lines())


def groups_of(made: Plan) -> list[Group]:
    return [replace(group, named="") for group in made.selection.groups]


def a_group(kind: str, expression: str, below: tuple[str, ...]) -> Group:
    return Group(kind, expression, below, "")


# -- suites --


def test_without_suites_pytest_finds_its_tests_by_itself(root: Path) -> None:
    assert planned(root, Config()) == Plan((), Selection())


def test_all_suites_run_unless_told(root: Path) -> None:
    assert planned(root).args == ("tests/api", "tests/jobs", "more/test_late.py")


def test_one_suite(root: Path) -> None:
    assert planned(root, suites=("jobs",)).args == ("tests/jobs", "more/test_late.py")


def test_suites_run_in_the_order_asked_for_and_once(root: Path) -> None:
    made = planned(root, suites=("jobs", "api", "jobs"))
    assert made.args == ("tests/jobs", "more/test_late.py", "tests/api")


def test_a_path_belongs_to_one_suite(root: Path) -> None:
    both = Config(suites=(SuiteConfig("a", ("tests/api",)), SuiteConfig("b", ("./tests/../tests/api/",))))
    told = refused(root, both)
    assert "suites 'a' and 'b' have the same path" in told
    assert f"{root}/tests/api" in told
    below = Config(suites=(SuiteConfig("a", ("tests",)), SuiteConfig("b", ("tests/api",))))
    assert planned(root, below).args == ("tests", "tests/api")


def test_a_path_of_a_suite_that_is_not_there_is_told_with_the_suite(root: Path) -> None:
    lost = Config(suites=(API, SuiteConfig("lost", ("tests/nope",))))
    told = refused(root, lost)
    assert "suite 'lost' has a path that is not there" in told
    assert f"{root}/tests/nope" in told
    assert planned(root, lost, suites=("api",)).args == ("tests/api",)
    assert planned(root, lost, paths=("other",)).args == ("other",)


def test_an_unknown_suite_is_told_with_the_nearest(root: Path) -> None:
    assert "there is no suite 'jbos'" in refused(root, suites=("jbos",))
    assert "did you mean 'jobs'?" in refused(root, suites=("jbos",))
    assert "known: api, jobs" in refused(root, suites=("xyzzy",))
    assert "[tool.itdash.suites.NAME]" in refused(root, Config(), suites=("api",))


def test_from_a_folder_below_the_suites_are_still_found(root: Path) -> None:
    made = planned(root, cwd=root / "tests" / "api")
    assert made.args == (".", "../jobs", "../../more/test_late.py")


def test_paths_are_the_users_own(root: Path) -> None:
    made = planned(root, cwd=root / "tests", paths=("api/test_a.py::test_x[a/b]", "jobs"))
    assert made == Plan(("api/test_a.py::test_x[a/b]", "jobs"), Selection())


def test_a_suite_and_paths_run_what_belongs_to_both(root: Path) -> None:
    made = planned(root, suites=("jobs",), paths=("tests",))
    assert made.args == ("tests",)
    places = (f"{root}/tests/jobs", f"{root}/more/test_late.py")
    assert groups_of(made) == [a_group("path", place, (place,)) for place in places]


# -- groups --


def test_a_group_runs_in_every_suite_that_has_it(root: Path) -> None:
    made = planned(root, groups=("smoke",))
    assert made.args == ("tests/api", "tests/jobs", "more/test_late.py")
    assert groups_of(made) == [
        a_group("mark", "smoke", (f"{root}/tests/api",)),
        a_group("mark", "smoke and not slow", (f"{root}/tests/jobs", f"{root}/more/test_late.py")),
    ]


def test_only_the_suites_of_the_group_are_collected(root: Path) -> None:
    made = planned(root, groups=("login",))
    assert made.args == ("tests/api",)
    assert groups_of(made) == [a_group("k", "login or logout", (f"{root}/tests/api",))]
    assert made.selection.groups[0].named == "group 'login' of suite 'api'"


def test_a_group_of_a_chosen_suite(root: Path) -> None:
    made = planned(root, suites=("api",), groups=("smoke",))
    assert made.args == ("tests/api",)
    assert [group.expression for group in groups_of(made)] == ["smoke"]


def test_groups_of_several_suites_add_up(root: Path) -> None:
    made = planned(root, groups=("login", "acks", "login"))
    assert made.args == ("tests/api", "tests/jobs", "more/test_late.py")
    assert [group.kind for group in groups_of(made)] == ["k", "path"]


def test_a_group_with_paths_looks_only_there(root: Path) -> None:
    made = planned(root, groups=("smoke",), paths=("tests/api/test_a.py",))
    assert made.args == ("tests/api/test_a.py",)
    assert len(groups_of(made)) == 2


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("path:test_ack.py", "tests/jobs/test_ack.py"),
        ("path: test_ack.py ", "tests/jobs/test_ack.py"),
        ("path:test_ack.py::TestAck::test_it", "tests/jobs/test_ack.py::TestAck::test_it"),
        ("path:tests/jobs/test_ack.py", "tests/jobs/test_ack.py"),
        ("path:tests/../tests/jobs/test_ack.py", "tests/jobs/test_ack.py"),
        ("path:test_late.py", "more/test_late.py"),
        ("path:more/test_late.py", "more/test_late.py"),
        ("path:tests", "tests"),
        ("path:.", "tests/jobs"),
    ],
)
def test_a_file_of_a_group_is_seen_from_the_suite_or_the_project(root: Path, text: str, found: str) -> None:
    config = Config(suites=(SuiteConfig("jobs", JOBS.paths, groups={"x": text}),))
    (group,) = groups_of(planned(root, config, groups=("x",)))
    assert group.expression == f"{root}/{found}"


def test_folders_of_a_suite_are_compared_as_they_are_and_not_as_they_are_written(root: Path) -> None:
    config = Config(suites=(SuiteConfig("api", ("./more/../tests/api/",), groups={"x": "mark:x"}),))
    (group,) = groups_of(planned(root, config, groups=("x",)))
    assert group.below == (f"{root}/tests/api",)


def test_an_unknown_group_is_told_with_the_nearest(root: Path) -> None:
    assert "there is no group 'smok'" in refused(root, groups=("smok",))
    assert "did you mean 'smoke'?" in refused(root, groups=("smok",))
    assert "known: acks, late, login, smoke" in refused(root, groups=("xyzzy",))
    assert 'declare groups = { name = "mark:..." }' in refused(root, Config(), groups=("smoke",))


def test_a_group_of_another_suite_is_told_with_that_suite(root: Path) -> None:
    told = refused(root, suites=("jobs",), groups=("login",))
    assert "there is no group 'login'" in told
    assert "where: suite jobs" in told
    assert "it belongs to suite 'api'" in told


def test_a_file_of_a_group_that_is_not_there_is_told(root: Path) -> None:
    config = Config(suites=(SuiteConfig("jobs", ("tests/jobs",), groups={"x": "path:test_gone.py::T"}),))
    told = refused(root, config, groups=("x",))
    assert "group 'x' of suite 'jobs': there is no test_gone.py" in told
    assert f"{root}/tests/jobs/test_gone.py or {root}/test_gone.py" in told


def test_a_file_of_a_group_outside_of_its_suite_would_never_run_and_is_told(root: Path) -> None:
    config = Config(suites=(SuiteConfig("jobs", ("tests/jobs",), groups={"x": "path:other/test_o.py"}),))
    assert "other/test_o.py is in none of the suite's paths" in refused(root, config, groups=("x",))


# -- options --


def test_expressions_are_handed_on(root: Path) -> None:
    made = planned(root, Config(), keyword="a or b", mark="not slow")
    assert made.args == ("-k", "a or b", "-m", "not slow")


def test_the_number_of_failures_to_stop_after(root: Path) -> None:
    assert planned(root).max_fail == 0
    assert planned(root, Config(max_fail=3)).max_fail == 3
    assert planned(root, Config(max_fail=3), exit_first=True).max_fail == 1


def test_the_limit_of_time_is_not_pytests_affair(root: Path) -> None:
    assert planned(root, Config(timeout=5.0)).args == ()


def test_what_failed_last_time_is_looked_for_in_the_same_places(root: Path) -> None:
    only = frozenset({"tests/api/test_a.py::test_x"})
    assert planned(root, Config(), only=only) == Plan((), Selection(only=only))
    assert planned(root, only=only).args == planned(root).args
    assert planned(root, suites=("jobs",), only=only).args == ("tests/jobs", "more/test_late.py")
    assert planned(root, paths=("tests",), only=only) == Plan(("tests",), Selection(only=only))


@pytest.mark.parametrize(
    ("workers", "args"), [("", ()), ("0", ()), ("2", ("-n", "2")), ("auto", ("-n", "auto"))]
)
def test_workers(root: Path, workers: str, args: tuple[str, ...]) -> None:
    assert planned(root, Config(workers=workers)).args == args


def test_workers_record_though_plugins_are_not_loaded_by_themselves(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    assert planned(root, Config(workers="2")).args == ("-n", "2", "-p", "xdist", "-p", "itdash")
    assert planned(root, Config(retries=1)).args == ("--reruns", "1", "-p", "rerunfailures")
    named = ("-n", "2", "-p", "xdist.plugin", "-p", "itdash")
    assert planned(root, Config(workers="2"), extra=("-p", "xdist.plugin")).args == named
    assert planned(root, Config()).args == ()
    monkeypatch.setenv("PYTEST_ADDOPTS", "-pxdist")
    assert planned(root, Config(workers="2")).args == ("-n", "2", "-p", "itdash")


def test_retries(root: Path) -> None:
    assert planned(root, Config(retries=2)).args == ("--reruns", "2")
    assert planned(root, Config(retries=0), missing="pytest_rerunfailures").args == ()


@pytest.mark.parametrize(
    ("config", "module", "told", "mend"),
    [
        (Config(workers="2"), "xdist", "-n needs pytest-xdist", "pip install pytest-xdist"),
        (Config(retries=1), "pytest_rerunfailures", "--retries needs pytest-rerunfailures",
         "pip install pytest-rerunfailures"),
        (Config(), "pytest", "pytest is not installed where itdash is", "pip install pytest"),
        (Config(), "pytest_jsonreport", "pytest-json-report is not installed",
         "pip install pytest-json-report"),
    ],
)  # fmt: skip
def test_a_plugin_that_is_not_there_is_told_with_what_to_install(
    root: Path, config: Config, module: str, told: str, mend: str
) -> None:
    with pytest.raises(MissingPlugin) as caught:
        planned(root, config, missing=module)
    assert caught.value.exit_code == 4
    assert told in caught.value.what
    assert caught.value.mend == f"{sys.executable} -m {mend}"
    assert caught.value.where == sys.prefix


def test_paths_stand_where_no_option_eats_them_and_the_command_line_has_the_last_word(root: Path) -> None:
    config = Config(suites=(API,), pytest_args=("--json-report-omit", "log"), workers="2", retries=1)
    made = planned(root, config, keyword="a", mark="b", extra=("-k", "c", "--json-report-omit", "log"))
    assert made.args == (
        "tests/api", "--json-report-omit", "log", "-n", "2", "--reruns", "1", "-k", "a", "-m", "b",
        "-k", "c", "--json-report-omit", "log",
    )  # fmt: skip
