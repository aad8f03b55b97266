"""Configuration: which source wins, what is refused, and in which words."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from itdash.config import Config, SuiteConfig, keys, load
from itdash.errors import ConfigError
from itdash.reference import refreshed

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("ITDASH_"):
            monkeypatch.delenv(name)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project's folder; nothing above it has a say."""
    (tmp_path / ".git").mkdir()
    return tmp_path


def pyproject(folder: Path, text: str) -> Path:
    path = folder / "pyproject.toml"
    path.write_text(text)
    return path


def refused(folder: Path, flags: dict[str, Any] | None = None, profile: str = "") -> str:
    """What the user is told."""
    with pytest.raises(ConfigError) as caught:
        load(folder, flags or {}, profile)
    return "\n".join(caught.value.lines())


# -- which source wins --

# Each value as it is written there, and as it is read: in the file, a profile, the environment, by a flag.
LAYERS: dict[str, list[tuple[Any, Any]]] = {
    "directory": [('"a"', "a"), ('"b"', "b"), ("c", "c")],
    "pytest_args": [('["-a"]', ("-a",)), ("[]", ()), ("-c 'd e'", ("-c", "d e"))],
    "workers": [('"1"', "1"), ("2", "2"), ("auto", "auto"), ("4", "4")],
    "timeout": [("1.5", 1.5), ("2", 2.0), ("3", 3.0), (4.5, 4.5)],
    "retries": [("1", 1), ("2", 2), ("3", 3), (4, 4)],
    "ascii": [("true", True), ("false", False), ("yes", True), (False, False)],
}


@pytest.mark.parametrize(
    ("key", "height"), [(key, height) for key in LAYERS for height in range(len(LAYERS[key]) + 1)]
)
def test_the_nearest_source_wins(root: Path, monkeypatch: pytest.MonkeyPatch, key: str, height: int) -> None:
    written = [layer[0] for layer in LAYERS[key][:height]]
    lines = [f"{key} = {text}" for text in written[:2]] + ["", ""]
    path = pyproject(root, f"[tool.itdash]\n{lines[0]}\n[tool.itdash.profiles.ci]\n{lines[1]}\n")
    if height > 2:
        monkeypatch.setenv(f"ITDASH_{key.upper()}", written[2])
    flags = {key: written[3]} if height > 3 else {}

    loaded = load(root, flags, "ci")

    origins = ["default", str(path), f"{path}, profile ci", f"the variable ITDASH_{key.upper()}"]
    assert loaded.origins[key] == [*origins, f"the flag {keys()[key].flag}"][height]
    assert getattr(loaded.config, key) == [keys()[key].default, *(layer[1] for layer in LAYERS[key])][height]


def test_each_key_keeps_its_own_source(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pyproject(root, "[tool.itdash]\nretries = 1\ntimeout = 9\ngrace = 2\n")
    monkeypatch.setenv("ITDASH_TIMEOUT", "5")
    loaded = load(root, {"retries": 3})
    assert (loaded.config.retries, loaded.config.timeout, loaded.config.grace) == (3, 5.0, 2.0)
    assert loaded.origins["retries"] == "the flag --retries"
    assert loaded.origins["timeout"] == "the variable ITDASH_TIMEOUT"
    assert loaded.origins["grace"] == str(path)
    assert loaded.origins["slowest"] == "default"


def test_a_flag_can_set_a_value_back(root: Path) -> None:
    pyproject(root, '[tool.itdash]\ntimeout = 5\nworkers = "4"\n')
    config = load(root, {"timeout": 0.0, "workers": "0"}).config
    assert (config.timeout, config.workers) == (0.0, "0")


def test_without_any_source_everything_is_as_the_types_say(root: Path) -> None:
    loaded = load(root, {})
    assert loaded.config == Config()
    assert set(loaded.origins.values()) == {"default"}
    assert (loaded.root, loaded.file, loaded.unused) == (root, "", ())


# -- files --


def test_a_file_of_its_own_wins_over_pyproject(root: Path) -> None:
    pyproject(root, "[tool.itdash]\nretries = 1\n")
    (root / "itdash.toml").write_text("retries = 2\n[profiles.ci]\nretries = 3\n")
    assert load(root, {}).config.retries == 2
    assert load(root, {}, "ci").config.retries == 3
    assert load(root, {}).file == str(root / "itdash.toml")


def test_a_heading_in_the_file_of_its_own_is_a_mistake_with_a_mend(root: Path) -> None:
    (root / "itdash.toml").write_text("[tool.itdash]\nretries = 2\n")
    assert "without [tool.itdash]" in refused(root)


def test_the_project_is_found_from_a_folder_below(root: Path) -> None:
    pyproject(root, "[tool.itdash]\nretries = 1\n")
    below = root / "a" / "b"
    below.mkdir(parents=True)
    loaded = load(below, {})
    assert (loaded.root, loaded.config.retries) == (root, 1)


def test_a_pyproject_that_says_nothing_is_passed_over(root: Path) -> None:
    pyproject(root, "[tool.itdash]\nretries = 1\n")
    below = root / "part"
    below.mkdir()
    pyproject(below, '[project]\nname = "part"\ndependencies = ["itdash"]\n')
    loaded = load(below, {})
    assert (loaded.root, loaded.config.retries) == (root, 1)


def test_with_no_table_anywhere_the_nearest_pyproject_is_the_project(root: Path) -> None:
    pyproject(root, "[tool.ruff]\n")
    below = root / "part"
    (below / "tests").mkdir(parents=True)
    pyproject(below, "[project]\n")
    assert load(below / "tests", {}).root == below


def test_nothing_above_the_repository_has_a_say(root: Path) -> None:
    pyproject(root, "[tool.itdash]\nretries = 1\n")
    inner = root / "vendored"
    (inner / ".git").mkdir(parents=True)
    loaded = load(inner, {})
    assert (loaded.root, loaded.config.retries) == (inner, 0)


def test_broken_toml_is_told_with_file_and_line(root: Path) -> None:
    path = pyproject(root, "[tool.itdash]\nretries = 1\nworkers = = 2\n")
    told = refused(root)
    assert str(path) in told
    assert "line 3" in told


def test_broken_toml_that_does_not_name_itdash_is_pytests_affair(root: Path) -> None:
    pyproject(root, "[tool.pytest\n")
    assert load(root, {}).config == Config()


def test_a_file_that_is_no_text_is_told(root: Path) -> None:
    (root / "itdash.toml").write_bytes(b"retries = 1 # \xff\xfe\n")
    told = refused(root)
    assert "cannot be read" in told
    assert str(root / "itdash.toml") in told


@pytest.mark.parametrize("text", ["tool = 3 # itdash\n", "[tool]\nother = 1 # itdash\n", "# itdash\n"])
def test_a_pyproject_in_which_we_have_no_table(root: Path, text: str) -> None:
    pyproject(root, text)
    assert load(root, {}).config == Config()


@pytest.mark.parametrize("text", ["[tool]\nitdash = 3\n", "[[tool.itdash]]\nretries = 1\n"])
def test_a_table_that_is_none(root: Path, text: str) -> None:
    pyproject(root, text)
    assert "must be a table" in refused(root)


# -- keys and values --


def test_an_unknown_key_is_told_with_the_nearest(root: Path) -> None:
    path = pyproject(root, "[tool.itdash]\nretrys = 1\n")
    told = refused(root)
    assert "unknown key 'retrys'" in told
    assert "did you mean 'retries'?" in told
    assert str(path) in told


def test_an_unknown_key_like_nothing_known_is_told_with_all_of_them(root: Path) -> None:
    pyproject(root, "[tool.itdash]\nxyzzy = 1\n")
    told = refused(root)
    assert all(key in told for key in [*keys(), "profiles"])


def test_keys_may_be_written_with_dashes(root: Path) -> None:
    pyproject(root, "[tool.itdash]\nmax-fail = 3\nkeep-runs = 4\n[tool.itdash.profiles.ci]\nmax-fail = 5\n")
    assert (load(root, {}).config.max_fail, load(root, {}, "ci").config.max_fail) == (3, 5)
    assert load(root, {}).config.keep_runs == 4
    pyproject(root, "[tool.itdash]\nmax-fial = 3\n")
    assert "did you mean 'max_fail'?" in refused(root)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('retries = "many"', "retries must be a whole number, not 'many'"),
        ("retries = 1.5", "retries must be a whole number, not 1.5"),
        ("retries = true", "retries must be a whole number, not True"),
        ("retries = -1", "retries must be at least 0, not -1"),
        ("timeout = [1]", "timeout must be a number, not [1]"),
        ("timeout = -0.5", "timeout must be at least 0, not -0.5"),
        ("timeout = nan", "timeout must be at least 0, not nan"),
        ("timeout = inf", "timeout must be at most 100000000, not inf"),
        ("grace = inf", "grace must be at most 100000000, not inf"),
        ("grace = -inf", "grace must be at least 0, not -inf"),
        ("max_fail = -1", "max_fail must be at least 0, not -1"),
        ("max_crashes = -1", "max_crashes must be at least 0, not -1"),
        ("keep_runs = 0", "keep_runs must be at least 1, not 0"),
        ("keep_bytes = -1", "keep_bytes must be at least 0, not -1"),
        ("slowest = -1", "slowest must be at least 0, not -1"),
        ("failures_shown = -1", "failures_shown must be at least 0, not -1"),
        ('ascii = "maybe"', "ascii must be true or false, not 'maybe'"),
        ('pytest_args = "-q"', "pytest_args must be a list, not '-q'"),
        ("pytest_args = [1]", "pytest_args[0] must be a text, not a whole number"),
        ("workers = -1", "workers must be a number or auto, not '-1'"),
        ('workers = "many"', "workers must be a number or auto, not 'many'"),
        ('workers = "²"', "workers must be a number or auto, not '²'"),
        ("workers = 1.5", "workers must be a text, not 1.5"),
        ("directory = 3", "directory must be a text, not 3"),
    ],
)
def test_a_wrong_value_is_told_in_words_with_its_file(root: Path, line: str, told: str) -> None:
    path = pyproject(root, f"[tool.itdash]\n{line}\n")
    text = refused(root)
    assert text.startswith(f"itdash: {told}\n")
    assert str(path) in text


@pytest.mark.parametrize("directory", ["", ".", "..", "a/..", "a\\u0000b"])
def test_runs_are_kept_in_a_folder_of_their_own(root: Path, directory: str) -> None:
    pyproject(root, f'[tool.itdash]\ndirectory = "{directory}"\n')
    assert "directory must be a folder of its own" in refused(root)


@pytest.mark.parametrize("directory", [".itdash", "build/itdash", "../elsewhere", "/var/itdash"])
def test_that_folder_may_be_anywhere(root: Path, directory: str) -> None:
    pyproject(root, f'[tool.itdash]\ndirectory = "{directory}"\n')
    assert load(root, {}).config.directory == directory


def test_a_wrong_value_is_told_though_another_source_wins(root: Path) -> None:
    pyproject(root, '[tool.itdash]\nretries = "many"\n')
    assert "retries must be a whole number" in refused(root, {"retries": 1})


def test_a_wrong_flag_is_told_by_its_name(root: Path) -> None:
    assert "where: the flag --timeout" in refused(root, {"timeout": float("nan")})
    assert "where: the flag -n" in refused(root, {"workers": "x"})


# -- the environment --


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("ITDASH_RETRIES", "many", "retries must be a whole number, not 'many'"),
        ("ITDASH_RETRIES", "1.5", "retries must be a whole number, not '1.5'"),
        ("ITDASH_TIMEOUT", "soon", "timeout must be a number, not 'soon'"),
        ("ITDASH_TIMEOUT", "nan", "timeout must be at least 0, not 'nan'"),
        ("ITDASH_TIMEOUT", "inf", "timeout must be at most 100000000, not 'inf'"),
        ("ITDASH_SLOWEST", "-3", "slowest must be at least 0, not '-3'"),
        ("ITDASH_ASCII", "maybe", "ascii must be true or false, not 'maybe'"),
        ("ITDASH_WORKERS", "some", "workers must be a number or auto, not 'some'"),
        ("ITDASH_PYTEST_ARGS", "-k 'open", "these arguments cannot be told apart"),
        ("ITDASH_SUITES", "api", "suites cannot be set by a variable"),
    ],
)
def test_a_wrong_variable_is_told_by_its_name(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, told: str
) -> None:
    monkeypatch.setenv(name, text)
    lines = refused(root).splitlines()
    assert lines[0].startswith(f"itdash: {told}")
    assert name in lines[1]


@pytest.mark.parametrize(
    ("text", "value"),
    [(text, True) for text in ("1", "true", "True", "YES", "on")]
    + [(text, False) for text in ("0", "false", "FALSE", "no", "Off")],
)
def test_words_for_true_and_false(
    root: Path, monkeypatch: pytest.MonkeyPatch, text: str, value: bool
) -> None:
    pyproject(root, f"[tool.itdash]\nascii = {'false' if value else 'true'}\n")
    monkeypatch.setenv("ITDASH_ASCII", text)
    assert load(root, {}).config.ascii is value


@pytest.mark.parametrize("key", [key for key in keys().values() if key.variable], ids=lambda key: key.name)
def test_an_empty_variable_is_as_good_as_none(root: Path, monkeypatch: pytest.MonkeyPatch, key: Any) -> None:
    monkeypatch.setenv(key.variable, " ")
    assert load(root, {}) == load(root, {})
    assert load(root, {}).origins[key.name] == "default"


def test_an_almost_right_variable_is_a_mistake(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITDASH_TIMOUT", "5")
    told = refused(root)
    assert "unknown variable ITDASH_TIMOUT" in told
    assert "did you mean ITDASH_TIMEOUT?" in told


def test_a_variable_like_none_of_ours_is_let_be_and_named(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ITDASH_POSTGRES_DSN", "postgres://")
    assert load(root, {}).unused == ("ITDASH_POSTGRES_DSN",)


# -- profiles --

PROFILES = (
    "[tool.itdash]\nretries = 1\n[tool.itdash.profiles.ci]\nretries = 2\n[tool.itdash.profiles.night]\n"
)


def test_a_profile_is_chosen_by_flag_or_else_by_variable(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyproject(root, PROFILES)
    assert load(root, {}).config.retries == 1
    monkeypatch.setenv("ITDASH_PROFILE", "ci")
    assert load(root, {}).config.retries == 2
    assert load(root, {}, "night").config.retries == 1


def test_a_missing_profile_is_told_with_the_nearest(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pyproject(root, PROFILES)
    told = refused(root, profile="nigth")
    assert "there is no profile 'nigth', which --profile names" in told
    assert "did you mean 'night'?" in told
    assert str(path) in told
    monkeypatch.setenv("ITDASH_PROFILE", "cy")
    assert "which ITDASH_PROFILE names" in refused(root)


def test_a_profile_where_none_is_declared(root: Path) -> None:
    told = refused(root, profile="ci")
    assert "no configuration file" in told
    assert "[tool.itdash.profiles.NAME]" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tool.itdash.profiles.ci]\nretrys = 1\n", "did you mean 'retries'?"),
        ("[tool.itdash.profiles.ci]\nretries = 'x'\n", "retries must be a whole number"),
        ("[tool.itdash.profiles.ci.profiles.x]\n", "a profile has no profiles of its own"),
        ("[tool.itdash.profiles]\nci = 3\n", "each profile must be a table"),
        ("[tool.itdash]\nprofiles = 3\n", "each profile must be a table"),
    ],
)
def test_a_profile_is_checked_though_it_is_not_used(root: Path, text: str, told: str) -> None:
    pyproject(root, text)
    assert told in refused(root)


# -- suites --

SUITES = (
    SuiteConfig("api", ("tests/api",), "The API", {"smoke": "mark:smoke"}),
    SuiteConfig("jobs", ("tests/jobs", "more")),
)


@pytest.mark.parametrize(
    "text",
    [
        """
        [tool.itdash.suites.api]
        title = "The API"
        paths = "tests/api"
        groups = { smoke = "mark:smoke" }
        [tool.itdash.suites.jobs]
        paths = ["tests/jobs", "more"]
        """,
        """
        [[tool.itdash.suites]]
        name = "api"
        title = "The API"
        paths = ["tests/api"]
        groups.smoke = "mark:smoke"
        [[tool.itdash.suites]]
        name = "jobs"
        paths = ["tests/jobs", "more"]
        """,
    ],
    ids=["a table of tables", "a list of tables"],
)
def test_suites_can_be_declared_in_two_ways(root: Path, text: str) -> None:
    pyproject(root, text)
    assert load(root, {}).config.suites == SUITES


def test_a_profile_may_have_other_suites(root: Path) -> None:
    pyproject(
        root,
        "[tool.itdash.suites.api]\npaths = ['a']\n[tool.itdash.profiles.ci.suites.jobs]\npaths = ['b']\n",
    )
    assert [suite.name for suite in load(root, {}).config.suites] == ["api"]
    assert [suite.name for suite in load(root, {}, "ci").config.suites] == ["jobs"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tool.itdash.suites.api]\ntitle = 'x'\n", "suite 'api' has no paths"),
        ("[tool.itdash.suites.api]\npaths = []\n", "suite 'api' has no paths"),
        ("[tool.itdash.suites.api]\npaths = ''\n", "suite 'api' has the path ''"),
        ("[tool.itdash.suites.api]\npaths = ['a.py::T']\n", "suite 'api' has the path 'a.py::T'"),
        ("[tool.itdash.suites.api]\npath = 'a'\n", "unknown key 'path' in suite 'api'"),
        ("[tool.itdash.suites.api]\npath = 'a'\n", "did you mean 'paths'?"),
        ("[tool.itdash.suites.api]\npaths = 3\n", "suites[0].paths must be a list, not a whole number"),
        ("[tool.itdash.suites.api]\npaths = [3]\n", "suites[0].paths[0] must be a text, not a whole number"),
        ("[tool.itdash.suites.api]\npaths = 'a'\nname = 'b'\n", "suite 'api' has its name in its heading"),
        ("[tool.itdash.suites]\napi = 'a'\n", "each suite must be a table"),
        ("[tool.itdash]\nsuites = 'a'\n", "each suite must be a table"),
        ("[tool.itdash]\nsuites = ['a']\n", "each suite must be a table"),
        ("[tool.itdash]\nsuites = 3\n", "each suite must be a table"),
        ("[[tool.itdash.suites]]\npaths = 'a'\n", "a suite has no name"),
        ("[[tool.itdash.suites]]\nname = 3\npaths = 'a'\n", "suites[0].name must be a text"),
        ("[[tool.itdash.suites]]\nname = 'a'\npaths = 'a'\n" * 2, "two suites are named 'a'"),
        ("[tool.itdash.suites.api]\npaths = 'a'\ngroups.x = 'smoke'\n", "'x' of suite 'api' is 'smoke'"),
        ("[tool.itdash.suites.api]\npaths = 'a'\ngroups.x = 'marks:y'\n", "write mark:EXPRESSION"),
        ("[tool.itdash.suites.api]\npaths = 'a'\ngroups.x = 'mark: '\n", "write mark:EXPRESSION"),
        ("[tool.itdash.suites.api]\npaths = 'a'\ngroups = 'x'\n", "suites[0].groups must be a table"),
        ("[tool.itdash.suites.api]\npaths = 'a'\ngroups.x = 3\n", "must be a text, not a whole number"),
    ],
)  # fmt: skip
def test_a_wrong_suite_is_told(root: Path, text: str, told: str) -> None:
    path = pyproject(root, text)
    lines = refused(root)
    assert told in lines
    assert str(path) in lines


# -- the reference --


def test_the_page_of_the_configuration_is_fresh() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == refreshed(page), "docs/configuration.md is stale: itdash.reference.refreshed mends it"


def test_the_reference_names_every_key_with_its_help_variable_and_flag() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for key in keys().values():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{key.name}` |"))
        assert key.help in row
        assert (f"`{key.variable}`" in row) is bool(key.variable)
        assert (f"`{key.flag}`" in row) is bool(key.flag)


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="from the types: keys"):
        refreshed("# Configuration\n")


def test_the_examples_of_the_page_can_be_used(root: Path) -> None:
    examples = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) > 2
    for example in examples:
        pyproject(root, example)
        assert load(root, {}).file
    pyproject(root, examples[0])
    assert load(root, {}, "ci").config.workers == "auto"


@pytest.mark.parametrize("wrong", ["5", "[5]", '["max < 1s", true]', "{ p95 = 1 }"])
def test_a_budget_that_is_no_text_is_told_with_its_operation(root: Path, wrong: str) -> None:
    pyproject(root, f'[tool.itdash.suites.s]\npaths = "."\nbudgets = {{ fetch = {wrong} }}\n')
    told = refused(root)
    assert "a budget of 'fetch' in suite 's' must be a text, not " in told
    assert 'fetch = ["p95 < 250ms"]' in told
