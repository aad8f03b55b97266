"""Shell completion, asked by the shells themselves, and what it must not start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

SCRIPTS = str(Path(sys.executable).parent)
SHELLS = ("bash", "zsh", "fish")

BASH = """
eval "$(itdash completion bash)"
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMPREPLY=()
_itdash_completion itdash
printf '%s\\n' "${COMPREPLY[@]}"
"""

FISH = """
itdash completion fish | source
complete -C "$argv"
"""

# zsh completes only in its editor: what the script would offer is caught on its way there.
ZSH = """
compdef() { }
eval "$(itdash completion zsh)"
compadd() { print -rl -- $completions }
_describe() { print -rl -- ${completions_with_descriptions%%:*} }
words=("$@"); CURRENT=$#
_itdash_completion
"""


def completed(shell: str, project: Project, line: str) -> list[str]:
    """What the shell offers at the end of a line."""
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell}")
    words = line.split(" ")
    command = {
        "bash": ["bash", "--norc", "-c", BASH, "bash", *words],
        "fish": ["fish", "--no-config", "-c", FISH, line],
        "zsh": ["zsh", "-f", "-c", ZSH, "zsh", *words],
    }[shell]
    path = f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=project.folder, env=project.environment(PATH=path), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert not done.stderr
    return [word.partition("\t")[0] for word in done.stdout.splitlines() if word]


@pytest.fixture
def shop(project: Project) -> Project:
    """A project with a word of every kind."""
    project.write(
        "itdash.toml",
        """
        [suites.unit]
        paths = "tests/unit"
        groups = { smoke = "mark:smoke" }
        [suites.other]
        paths = "tests/other"
        groups = { slow = "mark:slow" }
        [profiles.ci]
        [profiles.night]
        """,
    )
    project.write("tests/unit/test_a.py", "")
    project.write("tests/other/test_b.py", "")
    project.write("tests/other/conftest.py", "")
    project.write("tests/readme.txt", "")
    project.write(".itdash/runs/20260101-101010-0000000/segments/a.jsonl", "")
    project.write(".config/itdash/themes/shop.yaml", "")
    return project


LINES = {
    "itdash la": ["launch"],
    "itdash launch --su": ["--suite"],
    "itdash launch --suite ": ["unit", "other"],
    "itdash launch --suite o": ["other"],
    "itdash launch --suite unit --group ": ["smoke"],
    "itdash launch --group s": ["smoke", "slow"],
    "itdash watch --profile ": ["ci", "night"],
    "itdash launch --theme sh": ["shop"],
    "itdash launch te": ["tests", "tests/other", "tests/unit"],
    "itdash launch tests/unit/": ["tests/unit/test_a.py"],
    "itdash launch tests/oth": ["tests/other", "tests/other/test_b.py"],
    "itdash replay ": ["latest", "20260101-101010-0000000"],
    "itdash launch --rerun 2": ["20260101-101010-0000000"],
    "itdash compare g": ["green"],
    "itdash requirements --suite u": ["unit"],
    "itdash runs fl": ["flaky"],
    "itdash runs path l": ["latest"],
    "itdash completion f": ["fish"],
    "itdash launch --suite nothing": [],
}


@pytest.mark.parametrize(("line", "words"), LINES.items(), ids=LINES.keys())
def test_bash_completes(shop: Project, line: str, words: list[str]) -> None:
    assert completed("bash", shop, line) == words


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.parametrize(
    "line", ["itdash la", "itdash launch --suite o", "itdash launch te", "itdash replay "]
)
def test_other_shells_complete(shop: Project, shell: str, line: str) -> None:
    assert sorted(completed(shell, shop, line)) == sorted(LINES[line])


def test_a_broken_configuration_offers_nothing_and_says_nothing(project: Project) -> None:
    project.write("itdash.toml", "a = = 1\n")
    for line in ("itdash launch --suite ", "itdash watch --profile ", "itdash launch --group "):
        assert completed("bash", project, line) == []
    assert completed("bash", project, "itdash launch --theme itdash-d") == ["itdash-dark"]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_tells_how_it_is_installed(project: Project, shell: str) -> None:
    ran = project.itdash("completion", shell)
    assert (ran.code, ran.err) == (0, "")
    assert f"itdash completion {shell}" in ran.out.splitlines()[-1]
    assert "_ITDASH_COMPLETE" in ran.out


@pytest.mark.parametrize("words", ["itdash launch --suite u", "itdash launch --theme i", "itdash launch te"])
def test_neither_the_keeper_nor_anything_heavy_is_started(shop: Project, words: str) -> None:
    code = """
import sys
sys.argv = ["itdash", "launch"]
from itdash.__main__ import main
try:
    main()
except SystemExit:
    sys.stderr.write(" ".join(sys.modules))
"""
    asks = {"_ITDASH_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=shop.folder, env=shop.environment(**asks),
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("plain,")
    loaded = set(done.stderr.split())
    assert "itdash.cli.completing" in loaded
    assert not loaded & {
        "itdash.runner.process",
        "textual",
        "rich",
        "pytest",
        "_pytest",
        "psutil",
        "asyncio",
        "jinja2",
    }
