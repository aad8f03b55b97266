"""What a test says that it validates reaches the documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itdash.events import model
from itdash.events.journal import replay

if TYPE_CHECKING:
    from conftest import Project

TESTS = r'''
import pytest

class TestIt:
    """Of the class."""

    def test_method(self):
        """   A method, told in a line.

        And more.
        """

@pytest.mark.parametrize("n", [1, 2])
def test_each(n):
    """One of two.\x1b[31m | not a cell"""

def test_silent():
    pass

def test_long():
    pass
test_long.__doc__ = "long " * 200

def test_no_text():
    pass
test_no_text.__doc__ = 7
'''


def test_the_first_line_of_a_docstring_is_recorded_and_stands_in_the_summary(project: Project) -> None:
    project.write("test_docs.py", TESTS)
    ran = project.launch("--report", "summary.md", "--report", "report.html")
    assert ran.code == 0, ran.out + ran.err
    events, _ = replay(ran.folder)
    rows = [row for event in events if isinstance(event, model.CasesCollected) for row in event.cases]
    docs = {row.id.partition("::")[2]: row.doc for row in rows}
    assert docs["TestIt::test_method"] == "A method, told in a line."
    assert docs["test_each[1]"] == docs["test_each[2]"] == "One of two.\x1b[31m | not a cell"
    assert docs["test_silent"] == docs["test_no_text"] == ""
    assert len(docs["test_long"]) == 300
    for name in ("summary.md", "report.html"):
        page = (project.folder / name).read_text()
        assert "A method, told in a line." in page
        assert "\x1b" not in page
