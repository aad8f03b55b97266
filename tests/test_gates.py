"""What a run must prove beside passing, as the configuration says it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

TESTS = """
    import asyncio
    import pytest
    from itdash import probe

    def overlap(n, name):
        async def one():
            async with probe.operation(name):
                await probe.together(name, n)
        async def every():
            await asyncio.gather(*(one() for _ in range(n)))
        asyncio.run(every())

    @pytest.mark.parametrize("n", [2, 5])
    def test_scrapes(n):
        overlap(n, "scrape")
    """


def suite(project: Project, budgets: str) -> None:
    project.write("tests/test_it.py", textwrap.dedent(TESTS))
    project.write(
        "pyproject.toml", f'[tool.itdash.suites.sessions]\npaths = ["tests"]\nbudgets = {{ {budgets} }}\n'
    )


def test_kept_budgets_of_a_suite_let_the_run_pass(project: Project) -> None:
    suite(project, 'scrape = ["peak == 5", "count == 7", "p99 < 1s"]')
    ran = project.launch()
    assert ran.code == 0, ran.out
    verdicts = {row["budget"]: (row["verdict"], row["n"]) for row in ran.summary["suite_budgets"]}
    assert verdicts == {
        "peak == 5": ("kept", 7), "count == 7": ("kept", 7), "p99 < 1s": ("too few samples", 7),
    }  # fmt: skip


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_broken_budget_of_a_suite_is_a_gate(project: Project, arguments: tuple[str, ...]) -> None:
    if arguments:
        pytest.importorskip("xdist")
    suite(project, 'scrape = "count <= 6"')
    ran = project.launch(*arguments)
    assert (ran.code, ran.summary["verdict"]) == (99, "failed")
    told = "budget of suite sessions: scrape: count <= 6 broken: measured 7 (n=7)"
    assert ran.summary["reason"] == told
    assert told in ran.out
    assert "test session starts" not in ran.out


def test_what_never_ran_fails_the_whole_suite_and_not_a_part_of_it(project: Project) -> None:
    suite(project, 'scroll = "errors == 0"')
    assert project.launch().code == 99
    assert project.launch("-k", "scrapes").code == 0


@pytest.mark.parametrize("command", ["launch", "launch --suite sessions"])
def test_a_text_that_is_no_budget_is_a_mistake_before_anything_runs(project: Project, command: str) -> None:
    suite(project, 'scrape = ["peak <= 5 ms"]')
    ran = project.itdash(*command.split())
    assert ran.code == 4
    assert "suite 'sessions' has a wrong budget of 'scrape'" in ran.err
    assert "  peak <= 5 ms\n            ^^" in ran.err
    assert not (project.folder / ".itdash").exists()


def test_budgets_must_be_a_table_of_texts(project: Project) -> None:
    suite(project, "scrape = [5]")
    ran = project.launch()
    assert (ran.code, "must be a text" in ran.err) == (4, True)


@pytest.fixture
def half(project: Project) -> Project:
    """A project of which half of the requirements is verified."""
    project.write(
        "requirements.toml",
        '[[requirement]]\nid = "1"\ntitle = "one"\n[[requirement]]\nid = "2"\ntitle = "two"\n',
    )
    project.write("test_it.py", 'import pytest\n@pytest.mark.requirement("1")\ndef test_one(): pass\n')
    return project


def test_gates_of_requirements_can_stand_in_the_configuration(half: Project) -> None:
    half.write("itdash.toml", 'require_coverage = "50%"\n[profiles.ci]\nstrict_requirements = true\n')
    assert half.launch().code == 0
    assert half.launch("--require-coverage", "51%").code == 99
    assert half.launch(ITDASH_REQUIRE_COVERAGE="60%").code == 99
    assert half.launch("--profile", "ci").code == 99
    assert half.launch("--profile", "ci", ITDASH_STRICT_REQUIREMENTS="no").code == 0
    assert half.launch("--strict-requirements").code == 99


def test_a_share_in_the_configuration_that_is_none_is_a_mistake(half: Project) -> None:
    half.write("itdash.toml", 'require_coverage = "0.9"\n')
    ran = half.launch()
    assert ran.code == 4
    assert "'0.9' could mean" in ran.err
