"""The command line: help with examples, mistakes in clear words, and nothing imported in vain."""

from __future__ import annotations

import gc
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
import pytest

from itdash import __version__, cli
from itdash.config import keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Project

_CONTEXT = click.Context(cli.main)
COMMANDS = {
    name: command
    for name in cli.main.list_commands(_CONTEXT)
    if (command := cli.main.get_command(_CONTEXT, name))
}


class Said:
    """Runs a command in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *argv: str) -> tuple[int, str, str]:
        """Exit code, and what was printed on both streams."""
        code = cli.run(list(argv), None)
        out, err = self._capsys.readouterr()
        return code, out, err

    def mistake(self, *argv: str) -> str:
        """What is said to a user who made a mistake."""
        code, out, err = self(*argv)
        assert code == 4
        assert not out
        assert "Traceback" not in err
        return err


@pytest.fixture
def itdash(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Said]:
    """The command in an empty project."""
    for name in os.environ:
        if name.startswith("ITDASH_"):
            monkeypatch.delenv(name)
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    yield Said(capsys)
    gc.enable()


# -- help --


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=" ".join)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_tells_what_it_does_and_shows_examples(itdash: Said, command: list[str], flag: str) -> None:
    code, out, err = itdash(*command, flag)
    assert (code, err) == (0, "")
    examples = out.partition("Examples:")[2]
    for name in command or COMMANDS:
        assert f"itdash {name}" in examples


@pytest.mark.parametrize("name", COMMANDS)
def test_every_flag_has_help(name: str) -> None:
    for option in COMMANDS[name].params:
        if isinstance(option, click.Option):
            assert option.help, option.name


def test_every_example_can_be_parsed() -> None:
    for name, command in COMMANDS.items():
        lines = re.findall(rf"itdash {name}(.*)", command.epilog or "")
        assert lines
        for line in lines:
            words = line.split("   ")[0].partition(" -- ")[0].split()
            command.make_context(name, words)


def test_the_flags_of_a_key_are_where_the_reference_says() -> None:
    options = {flag: option for option in COMMANDS["launch"].params for flag in option.opts}
    for key in keys().values():
        if key.flag:
            assert options[key.flag].name in (key.name, f"{key.name}_only")


def test_version(itdash: Said) -> None:
    assert itdash("--version") == (0, f"itdash {__version__}\n", "")


# -- mistakes --


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["lunch"], "There is no command 'lunch'; did you mean 'launch'?"),
        (["confg"], "did you mean 'config'?"),
        (["xyzzy"], "known: compare, completion, config, doctor, export, init, launch"),
        (["launch", "--timout", "3"], "--timeout"),
        (["launch", "--headles"], "--headless"),
        (["config", "--profil", "ci"], "--profile"),
        (["--verson"], "--version"),
        (["launch", "--timeout", "soon"], "'soon' is not a valid float"),
        (["launch", "--retries", "1.5"], "'1.5' is not a valid integer"),
        (["launch", "--max-fail"], "requires an argument"),
        (["launch", "-x", "--timeout", "-1"], "timeout must be at least 0, not -1"),
        (["launch", "--timeout", "nan"], "timeout must be at least 0, not nan"),
        (["launch", "--timeout", "inf"], "timeout must be at most"),
        (["launch", "-n", "many"], "workers must be a number or auto, not 'many'"),
        (["launch", "--profile", "ci"], "there is no profile 'ci'"),
        (["launch", "--suite", "api"], "there is no suite 'api'"),
        (["launch", "--group", "smoke"], "there is no group 'smoke'"),
        (["config", "--profile", "ci"], "there is no profile 'ci'"),
        (["config", "all"], "unexpected extra argument"),
        (["config", "--", "-q"], "What follows -- goes to pytest"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_a_mistake_is_told_in_words(itdash: Said, argv: list[str], told: str) -> None:
    assert told in itdash.mistake(*argv)


def test_a_path_where_a_command_belongs(itdash: Said) -> None:
    Path("test_one.py").touch()
    assert "did you mean 'launch test_one.py::test'?" in itdash.mistake("test_one.py::test")


def test_nothing_to_do_shows_the_help_and_does_not_pass_for_success(itdash: Said) -> None:
    assert "itdash launch" in itdash.mistake()


def test_a_broken_file_is_told_by_every_command(itdash: Said) -> None:
    Path("pyproject.toml").write_text("[tool.itdash]\nretries = = 1\n")
    more = {"merge": ["a.tar.gz"]}
    for name in set(COMMANDS) - {"doctor", "completion"}:  # one goes on, one does not ask
        told = itdash.mistake(name, *more.get(name, []))
        assert "line 2" in told
        assert str(Path.cwd() / "pyproject.toml") in told


def test_what_is_told_cannot_steer_the_terminal(itdash: Said) -> None:
    Path("pyproject.toml").write_text('[tool.itdash.suites."\\u001b]0;x\\u0007"]\npaths = "a::b"\n')
    told = itdash.mistake("config")
    assert "\x1b" not in told
    assert "\x07" not in told


def fails_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise error

    monkeypatch.setattr("itdash.config.load", fail)


def test_a_full_disk_is_told_in_words(itdash: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(monkeypatch, OSError(28, "No space left on device", "/somewhere"))
    code, _, err = itdash("config")
    assert code == 3
    assert err == "itdash: No space left on device\n  where: /somewhere\n"


def test_a_mistake_of_our_own_is_not_taken_for_a_failed_test(
    itdash: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_with(monkeypatch, ZeroDivisionError("oh"))
    code, _, err = itdash("config")
    assert code == 3
    assert "a mistake of itdash itself" in err
    assert "ZeroDivisionError: oh" in err


def test_ctrl_c_before_anything_runs(itdash: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(monkeypatch, KeyboardInterrupt())
    assert itdash("config")[0] == 130


def test_a_folder_that_is_gone(project: Project) -> None:
    (project.folder / "gone").mkdir()
    done = subprocess.run(
        ["sh", "-c", f'cd gone && rmdir "$PWD" && exec "{sys.executable}" -m itdash config'],
        cwd=project.folder, env=project.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "the current folder, which is gone" in done.stderr
    assert "Traceback" not in done.stderr


# -- itdash config --


def test_config_shows_each_value_its_help_and_its_source(
    itdash: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("pyproject.toml").write_text(
        '[tool.itdash]\nretries = 2\n[tool.itdash.suites.api]\npaths = "tests"\n'
        '[tool.itdash.suites.b]\npaths = "b"\n[tool.itdash.profiles.ci]\nslowest = 9\n'
    )
    monkeypatch.setenv("ITDASH_PYTEST_ARGS", "-k 'a or b'")
    monkeypatch.setenv("ITDASH_DSN", "x")
    code, out, err = itdash("config", "--profile", "ci")
    assert (code, err) == (0, "")
    file = Path.cwd() / "pyproject.toml"
    assert f"project: {Path.cwd()}\nfile:    {file}\nunused:  the variable ITDASH_DSN\n" in out
    for key in keys().values():
        assert f"\n{key.name} = " in out
        assert f"\n  {key.help}\n" in out
    assert re.search(rf"\nretries = 2\n.*\n  from: {re.escape(str(file))}\n", out)
    assert re.search(rf"\nslowest = 9\n.*\n  from: {re.escape(str(file))}, profile ci\n", out)
    assert re.search(r'\npytest_args = \["-k","a or b"\]\n.*\n  from: the variable ITDASH_PYTEST_ARGS\n', out)
    assert re.search(r"\ngrace = 10.0\n.*\n  from: default\n", out)
    assert len(re.findall(r'^  \{"name":.*\},$', out, re.MULTILINE)) == 2


def test_config_says_where_it_looked_in_vain(itdash: Said) -> None:
    out = itdash("config")[1]
    assert out.startswith(f"project: {Path.cwd()}\nfile:    none\n")
    assert out.count("  from: default\n") == len(keys())


def test_config_in_a_folder_whose_name_the_stream_cannot_carry(project: Project) -> None:
    folder = project.folder / os.fsdecode("größe ж".encode() + b"\xff\x1b[31m")
    folder.mkdir()
    (folder / "itdash.toml").touch()
    environment = project.environment(PYTHONIOENCODING="latin-1:strict")
    done = subprocess.run(
        [sys.executable, "-m", "itdash", "config"],
        cwd=folder, env=environment, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert "größe \\u0436\\udcff\\x1b[31m".encode("latin-1") in done.stdout


# -- a whole run --


def test_a_run_is_steered_by_file_environment_and_flags(project: Project) -> None:
    project.write("pyproject.toml", '[tool.itdash]\ndirectory = "kept"\npytest_args = ["-k", "one"]\n')
    project.write("test_a.py", "def test_one(): pass\ndef test_two(): pass\n")
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # other plugins take their time
    ran = project.launch(**alone)
    assert ran.code == 0, ran.out + ran.err
    (summary,) = (project.folder / "kept" / "runs").glob("*/summary.json")
    assert [case["id"] for case in json.loads(summary.read_text())["cases"]] == ["test_a.py::test_one"]
    assert project.launch(ITDASH_PYTEST_ARGS="-k none", **alone).code == 5
    assert project.launch("-k", "two", ITDASH_PYTEST_ARGS="-k none", **alone).code == 0
    assert project.launch("-k", "two", "--", "-k", "nobody", **alone).code == 5


def test_an_id_that_the_stream_cannot_carry_does_not_end_the_run(project: Project) -> None:
    project.write("test_a.py", "def test_größe():\n    assert 'ä' == 'ö'\n")
    ran = project.launch(PYTHONIOENCODING="ascii:strict", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert ran.code == 1, ran.err
    assert "test_gr\\xf6\\xdfe" in ran.out
    assert "Traceback" not in ran.err


# -- what is imported --

HEAVY = ("textual", "rich", "pytest", "_pytest", "click", "psutil", "msgspec", "asyncio", "tomllib")


def imported(code: str, *argv: str) -> set[str]:
    """The modules that a fresh process has imported after `code`."""
    tell = "import sys; names = sorted(sys.modules); sys.stderr.write(' '.join(names))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"{code}\n{tell}", *argv], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("module", HEAVY)
def test_importing_itdash_imports_nothing_heavy(module: str, light: set[str]) -> None:
    assert module not in light


@pytest.fixture(scope="module")
def light() -> set[str]:
    """What is imported by `import itdash`, and by `itdash --version`."""
    bare = imported("")
    by_import = imported("import itdash") - bare
    by_version = imported("from itdash.__main__ import main; main()", "--version") - bare
    assert by_import <= {"itdash", "__future__"}
    assert by_version <= {"itdash", "itdash.__main__", "__future__"}
    return by_import | by_version


def test_configuration_needs_neither_pytest_nor_a_screen() -> None:
    loaded = imported("from itdash.cli import run; run(['config'], None)")
    assert "click" in loaded
    assert not loaded & {"textual", "rich", "pytest", "_pytest"}
