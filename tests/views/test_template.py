"""A user's own template, filled with a run; and what is told when it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conftest import HERE
from export_support import NASTY, recorded, recording_of, run_with

from itdash.views.template import WrongTemplate, filled

if TYPE_CHECKING:
    from pathlib import Path

JOURNAL = HERE / "journals" / "measured"


def test_a_template_says_what_it_wants_of_the_summary(tmp_path: Path) -> None:
    path = tmp_path / "mail.j2"
    path.write_text(
        "{{ name }}: {{ run.verdict }}\n"
        "{% for case in run.cases %}\n"
        "- {{ case.id | cell }} {{ case.outcome }} {{ case.duration | took }}\n"
        "{% endfor %}\n"
    )
    found = recorded(JOURNAL)
    lines = filled(path, found).splitlines()
    assert lines[0] == f"measured: {found.state.finished.verdict if found.state.finished else ''}"
    assert len(lines) == 1 + len(found.state.cases)
    assert lines[1].startswith("- `")


@pytest.mark.parametrize("foreign", NASTY)
def test_foreign_text_is_inert_in_markdown_and_in_html(tmp_path: Path, foreign: str) -> None:
    markdown, html = tmp_path / "m.md", tmp_path / "h.html"
    markdown.write_text("{% for case in run.cases %}{{ case.id | plain }}\n{% endfor %}")
    html.write_text("{% for case in run.cases %}<p>{{ case.id }}</p>\n{% endfor %}")
    found = recording_of(run_with(foreign))
    assert len(filled(markdown, found).splitlines()) == len(found.state.cases)
    assert "<script>" not in filled(html, found)


@pytest.mark.parametrize(
    ("text", "told", "line"),
    [
        ("{% for %}", "the template is wrong", 1),
        ("one\n{{ run.nothing }}", "nothing", 2),
        ("one\ntwo\n{{ 1 / 0 }}", "ZeroDivisionError", 3),
        ("{{ run | nofilter }}", "nofilter", 1),
        ("{{ 'x' | took }}", "TypeError", 1),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, told: str, line: int) -> None:
    path = tmp_path / "mail.j2"
    path.write_text(text)
    with pytest.raises(WrongTemplate) as caught:
        filled(path, recorded(JOURNAL))
    assert told in caught.value.what
    assert caught.value.lines()[1].endswith(f":{line}")


def test_a_template_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "mail.j2"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(WrongTemplate, match="no UTF-8"):
        filled(path, recorded(JOURNAL))
