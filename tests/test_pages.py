"""What the pages promise: commands that run, links that lead somewhere, tables that are those of the code."""

from __future__ import annotations

import json
import os
import re
import tomllib
from typing import TYPE_CHECKING, Any

import click
import pytest
from tests_support import DOCS, ROOT

from itdash.cli.launch import command as launch
from itdash.errors import EXIT_CODES

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])

_FENCED = re.compile(r"^```.*?^```$", re.S | re.M)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*)$", re.M)

LAUNCH = [
    (option.name or "", flag)
    for option in launch.params
    if isinstance(option, click.Option)
    for flag in option.opts
]


def page(name: str) -> str:
    """The text of a page of docs/."""
    return (DOCS / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next of its rank."""
    level = heading.partition(" ")[0]
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"there is no heading {heading!r}"
    return re.split(
        rf"^#{{1,{len(level)}}} ", _FENCED.sub(lambda m: m[0].replace("\n#", "\n "), rest), flags=re.M
    )[0]


def prose(path: Path) -> str:
    """A page without its blocks of code."""
    return _FENCED.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The names under which a page's headings can be reached."""
    plain = [re.sub(r"[^\w\- ]", "", title.lower()) for title in _HEADING.findall(prose(path))]
    return {title.strip().replace(" ", "-") for title in plain}


# -- the README --


def quick_start() -> list[str]:
    """The lines of the first block of the quick start."""
    block = _FENCED.search(section((ROOT / "README.md").read_text(encoding="utf-8"), "## Quick start"))
    assert block
    return block[0].splitlines()[1:-1]


def test_the_quick_start_is_two_commands_that_set_up_and_run() -> None:
    launch, test = quick_start()
    assert launch.rpartition(" && ")[0] == test.rpartition(" && ")[0]
    assert launch.endswith(" && .venv/bin/itdash launch")
    assert test.endswith(" && .venv/bin/pytest -q -n 2")
    assert "-r constraints.txt" in launch
    assert (ROOT / "constraints.txt").is_file()


def test_the_quick_start_has_one_block() -> None:
    text = section((ROOT / "README.md").read_text(encoding="utf-8"), "## Quick start")
    assert len(_FENCED.findall(text)) == 1


def test_the_ci_script_can_be_started() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


# -- between the pages --


@pytest.mark.parametrize("path", PAGES, ids=[str(path.relative_to(ROOT)) for path in PAGES])
def test_links_lead_to_files_and_headings_that_are_there(path: Path) -> None:
    for link in _LINK.findall(prose(path)):
        if link.startswith(("http://", "https://")):
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), f"{link}: there is no {target}"
        if anchor:
            assert anchor in anchors(target), f"{link}: known are {sorted(anchors(target))}"


def test_the_readme_leads_to_every_page() -> None:
    links = {link.partition("#")[0] for link in _LINK.findall(prose(ROOT / "README.md"))}
    pages = {str(path.relative_to(ROOT)) for path in PAGES} - {"README.md"}
    assert pages <= links


# -- what the pages say of the code --


def test_the_table_of_exit_codes_is_that_of_the_code() -> None:
    rows = [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    table = "\n".join(["| exit code | meaning |", "|---|---|", *rows])
    begin, end = "<!-- from the code: exit codes -->", "<!-- from the code: end of exit codes -->"
    told = page("exit-codes.md").partition(begin)[2].partition(end)[0].strip()
    assert told == table, f"docs/exit-codes.md is stale; its table must be:\n{table}"


@pytest.mark.parametrize("name, flag", LAUNCH, ids=[flag for _, flag in LAUNCH])
def test_every_option_of_launch_is_described_with_an_example(name: str, flag: str) -> None:
    text = page("launch.md")
    assert re.search(rf"\*\*`{re.escape(flag)}[` ]", text), f"{name} is not described"
    examples = [line for block in _FENCED.findall(text) for line in block.splitlines()]
    flags = {other for option, other in LAUNCH if option == name}
    assert any(flags & set(line.split()) for line in examples if line.startswith("itdash launch ")), name


def test_the_rooms_are_those_of_the_import_contract() -> None:
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    expected = [layer.replace("itdash.", "") for layer in layers]
    text = section((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"), "## Rooms")
    block = _FENCED.search(text)
    assert block
    assert block[0].splitlines()[1:-1] == expected, "ARCHITECTURE.md is stale"
    for room in re.split(r" \| |\n", "\n".join(expected)):
        assert f"\n| `{room}` |" in text, f"the table of rooms has no {room}"


def test_every_key_of_a_summary_is_described(project: Project) -> None:
    project.write(
        "tests/test_all.py",
        """
        import subprocess
        def test_passes(): pass
        def test_leaves_a_process(): subprocess.Popen(["sleep", "600"], start_new_session=True)
        """,
    )
    project.write("tests/test_broken.py", "import not_there\n")
    ran = project.launch("--", "--continue-on-collection-errors")
    summary = ran.summary
    (orphan,), (uncollected,), case = summary["orphans"], summary["uncollected"], summary["cases"][0]
    text = page("run-directory.md")

    def described(names: list[str], heading: str) -> None:
        told = section(text, heading)
        for name in names:
            assert f"\n| `{name}` |" in told, f"{name} is not described under {heading}"

    described(list(summary), "## summary.json")
    described(list(case), "### cases")
    described([f"uncollected[].{key}" for key in uncollected], "### uncollected, orphans")
    described([f"orphans[].{key}" for key in orphan], "### uncollected, orphans")
    described(list(summary["observer"]), "### observer")
    assert set(summary["outcomes"]) == set(
        re.findall(r'"(\w+)"', text.partition('"outcomes": {')[2].partition("}")[0])
    )
    assert set(case["stages"]) == {"setup", "call", "teardown"}


def test_every_file_of_a_run_is_described(project: Project) -> None:
    project.write("test_all.py", "def test_fails():\n    print('y' * 40_000)\n    assert 0\n")
    ran = project.launch()
    files = section(page("run-directory.md"), "## Files")
    for path in ran.folder.rglob("*"):
        if path.is_file():
            name = str(path.relative_to(ran.folder))
            kind = re.sub(r"^(\w+)/.*(\.\w+)$", r"\1/*\2", re.sub(r"-\d+\.json$", "-N.json", name))
            assert f"| `{kind}` |" in files, f"{name} is not described"


def test_every_key_of_a_report_is_named(project: Project) -> None:
    project.write("test_all.py", "def test_passes(): pass\n")
    ran = project.launch()
    report = json.loads((ran.folder / "report.json").read_text())
    text = section(page("run-directory.md"), "## report.json")
    for key in report:
        assert f"`{key}`" in text, key
