"""The page: one file that needs nothing, in which no foreign text is more than text."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from export_support import HOSTILE, NASTY, many, recorded, recording_of, run_with
from hypothesis import example, given, settings

from itdash.render.document.run import SECTIONS
from itdash.views.html import page

if TYPE_CHECKING:
    from pathlib import Path

PICTURES = {"svg", "path", "rect", "text", "title"}


class Reader(HTMLParser):
    """Notes the elements in their order, their attributes, and the text in each kind of element."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.inside: dict[str, list[str]] = {}
        self._open = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One more element."""
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self._open = tag
        self.inside.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        """What follows is not the text of that element."""
        self._open = ""

    def handle_data(self, data: str) -> None:
        """Text of the element that began last."""
        if self._open:
            self.inside[self._open][-1] += data

    def handle_decl(self, decl: str) -> None:
        """Only the first line declares."""
        assert decl == "doctype html"

    def handle_comment(self, data: str) -> None:
        """There are none."""
        raise AssertionError(data)

    def handle_pi(self, data: str) -> None:
        """Nor any of these."""
        raise AssertionError(data)


def of(foreign: str) -> Reader:
    """The page of a run that holds this text wherever it can."""
    return Reader(page.document(recording_of(run_with(foreign))))


TAME = of("ame")


@settings(max_examples=100, deadline=None)
@given(foreign=HOSTILE)
@example(foreign="".join(NASTY))
def test_no_foreign_text_becomes_an_element(foreign: str) -> None:
    found = of(foreign)
    assert [tag for tag in found.tags if tag not in PICTURES] == [
        tag for tag in TAME.tags if tag not in PICTURES
    ]
    assert found.inside["script"] == TAME.inside["script"]
    assert found.inside["style"] == TAME.inside["style"]
    assert {(tag, name) for tag, name, _ in found.attributes} <= {
        (tag, name) for tag, name, _ in TAME.attributes
    }


def test_the_policy_lets_only_our_own_style_and_script_work(journal: Path) -> None:
    found = Reader(page.document(recorded(journal)))
    (policy,) = [value for tag, name, value in found.attributes if (tag, name) == ("meta", "content")][:1]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for element, rule in (("style", "style-src"), ("script", "script-src")):
        (text,) = found.inside[element]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert rules["base-uri"] == rules["form-action"] == "'none'"


def test_nothing_is_fetched_and_nothing_stands_in_attributes_that_a_policy_forbids(journal: Path) -> None:
    found = Reader(page.document(recorded(journal)))
    names = {name for _, name, _ in found.attributes}
    assert not names & {"src", "style", "srcset", "action", "background", "data"}
    assert not [name for name in names if name.startswith("on")]
    assert all(value.startswith("#") for _, name, value in found.attributes if name == "href")
    assert not {"link", "iframe", "object", "embed", "img", "base"} & set(found.tags)
    assert "url(" not in found.inside["style"][0]


def test_links_lead_to_what_is_there(journal: Path) -> None:
    found = Reader(page.document(recorded(journal)))
    ids = [value for _, name, value in found.attributes if name == "id"]
    assert len(set(ids)) == len(ids)
    assert {value[1:] for _, name, value in found.attributes if name == "href"} <= set(ids)


def test_every_test_and_every_failure_of_a_run_is_there(journal: Path) -> None:
    recording = recorded(journal)
    text = page.document(recording)
    found = Reader(text)
    shown = [one.strip() for one in found.inside["td"]]
    for case in recording.state.cases.values():
        assert case.title.replace("\x1b", "\\x1b") in shown
    assert text.count("<details class=failure") == len(recording.state.failing) + sum(
        problem.outcome == "failed" for problem in recording.state.uncollected
    )


def test_pictures_tell_their_figures_in_words() -> None:
    found = of("ame")
    labels = [value for tag, name, value in found.attributes if (tag, name) == ("svg", "aria-label")]
    assert any(re.match(r"fetch n=3, p50 .*, max 2.00ms", label) for label in labels)
    assert any(re.match(r"fetch peak 3", label) for label in labels)
    assert "Tests by worker" in labels
    assert any(label.startswith("Requirements by test") for label in labels)


def test_both_colour_schemes_have_every_colour() -> None:
    style = TAME.inside["style"][0]
    light, dark = (
        set(re.findall(r"(--[\w-]+):", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)
    )
    assert light == dark
    assert set(re.findall(r"var\((--[\w-]+)\)", style)) <= light
    assert "prefers-color-scheme: dark" in style


def test_sections_and_title_can_be_chosen() -> None:
    found = Reader(page.document(recording_of(run_with("x")), "Release <7>", ("overview", "failures")))
    assert found.inside["h1"] == ["Release <7>"]
    assert [one.strip() for one in found.inside["h2"]] == ["Overview", "Failures"]
    assert [one.strip() for one in TAME.inside["h2"]] == [name.capitalize() for name in SECTIONS]


def test_ten_thousand_tests_stay_small_enough_to_be_sent() -> None:
    assert len(page.document(recording_of(many(10_000))).encode()) < 3_000_000


def test_every_cut_of_a_journal_makes_a_page(journal: Path) -> None:
    events = recorded(journal).events
    for cut in range(0, len(events) - 1, 23):
        assert "unfinished" in page.document(recording_of(events[:cut]))
