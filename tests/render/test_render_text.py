"""Foreign text: whatever it holds, it is shown inert and within its bounds."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itdash.render.text import columns, cut, head_and_tail, inert, one_line

relaxed = settings(deadline=None)

# Every character there is, lone surrogates too, and the dangerous ones often.
ANY = st.text(
    st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from(
            "\x1b\x07\r\n\t\x00\x08\x9b\u202e\u2066\u2028\ud800\udfff\u061c\u0301\u200d界🙂\xadé"
        ),
    )
)
BIDI = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
MARKS = "\u200e\u200f\u061c"


@relaxed
@given(ANY)
def test_nothing_active_is_left(text: str) -> None:
    for char in inert(text):
        assert char == "\n" or unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp"), repr(char)
        assert unicodedata.bidirectional(char) not in BIDI, repr(char)
        assert char not in MARKS
    inert(text).encode("utf-8")


def test_no_character_alone_is_active() -> None:
    for number in range(0x110000):
        char = chr(number)
        category = unicodedata.category(char)
        active = (
            category in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(char) in BIDI or char in MARKS
        )
        if active and char not in "\t\n":
            assert inert(char).isascii() and inert(char).isprintable(), hex(number)


@relaxed
@given(ANY)
def test_what_is_inert_stays_as_it_is(text: str) -> None:
    assert inert(inert(text)) == inert(text)


@relaxed
@given(st.text(st.characters(categories=["L", "N", "P", "S", "Mn"], codec="utf-8")))
def test_plain_text_is_not_changed(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
        ("a\tb", "a   b"),
        ("one\r\ntwo\rthree", "one\ntwo\\x0dthree"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud800", "\\ud800"),
        ("\x00\x7f\x85\x9b", "\\x00\\x7f\\x85\\x9b"),
        ("日本語 🙂 é", "日本語 🙂 é"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
    ],
)
def test_how_it_is_shown(text: str, shown: str) -> None:
    assert inert(text) == shown


@relaxed
@given(ANY, st.integers(0, 40))
def test_one_line_is_one_line(text: str, width: int) -> None:
    line = one_line(text, width)
    assert len(line.splitlines()) <= 1
    assert not width or columns(line) <= width


@relaxed
@given(ANY, st.integers(-2, 40), st.sampled_from(["…", "...", "", "界"]))
def test_a_cut_line_is_never_wider_than_asked(line: str, width: int, sign: str) -> None:
    short = cut(line, width, sign)
    assert columns(short) <= max(0, width)
    if columns(line) <= width:
        assert short == line
    elif short:
        assert short.endswith(sign)
        assert line.startswith(short.removesuffix(sign))


@pytest.mark.parametrize(
    ("line", "width", "short"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("abcdef", 1, "…"),
        ("abcdef", 0, ""),
        ("", 0, ""),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
    ],
)
def test_where_a_line_is_cut(line: str, width: int, short: str) -> None:
    assert cut(line, width) == short


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("abc", 3),
        ("日本", 4),
        ("ＡＢ", 4),
        ("é", 1),
        ("e\u0301", 1),
        ("🙂", 2),
        ("a\u200db", 2),
        ("\xad", 1),
    ],
)
def test_columns(text: str, width: int) -> None:
    assert columns(text) == width


@relaxed
@given(ANY, ANY)
def test_columns_add_up(one: str, other: str) -> None:
    assert columns(one + other) == columns(one) + columns(other)


def test_a_line_without_end_is_cut_without_looking_at_all_of_it() -> None:
    class Long(str):
        """A text that is not to be read to its end."""

        def __iter__(self):  # type: ignore[no-untyped-def]
            for number, char in enumerate(str.__iter__(self)):
                assert number < 100
                yield char

    assert cut(Long("ж" * 10_000), 20) == "ж" * 19 + "…"


@relaxed
@given(st.lists(st.sampled_from(["a", "b", ""])), st.integers(1, 12))
def test_head_and_tail_keep_their_bound(lines: list[str], most: int) -> None:
    text = "\n".join(lines)
    every = text.splitlines()
    shown = head_and_tail(text, most)
    assert len(shown) <= most
    if len(every) <= most:
        assert shown == every
        return
    (place,) = [number for number, line in enumerate(shown) if line.startswith("[...")]
    head, tail = shown[:place], shown[place + 1 :]
    assert every[: len(head)] == head
    assert every[len(every) - len(tail) :] == tail
    assert 0 <= len(head) - len(tail) <= 1
    assert shown[place] == f"[... {len(every) - len(head) - len(tail)} lines left out ...]"


def test_head_and_tail() -> None:
    text = "\n".join(f"line {number}" for number in range(2000))
    assert head_and_tail(text, 4) == ["line 0", "line 1", "[... 1,997 lines left out ...]", "line 1999"]
    assert head_and_tail(text, 1) == ["[... 2,000 lines left out ...]"]
    assert len(head_and_tail(text, 120)) == 120
    assert head_and_tail("", 3) == []
