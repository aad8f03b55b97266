"""Captions by themselves: what is heard in samples, bytes with parity, timecodes, and back."""

from __future__ import annotations

import random

import pytest
from archive_recordings import PAUSE, recording, wav
from vodshelf import media, scc, timecode
from vodshelf.errors import BadMedia
from vodshelf.media import RATE, SIGN, SIGNS
from vodshelf.scc import Caption
from vodshelf.summary import summarized

pytestmark = pytest.mark.requirement("1.2.2")


def test_every_sign_is_heard() -> None:
    said = SIGNS[1:] + SIGNS[0] + "."
    assert [phrase.text for phrase in media.phrases(recording(said))] == [said]
    assert len(SIGNS) == len(set(SIGNS)) == 64


def test_phrases_begin_and_end_where_they_are_heard() -> None:
    first, second = media.phrases(recording("HELLO", "WORLD!"))
    assert first.start == pytest.approx(PAUSE, abs=0.002)
    assert first.end == pytest.approx(PAUSE + 5 * SIGN / RATE, abs=0.002)
    assert second.start == pytest.approx(first.end + PAUSE, abs=0.004)
    assert (first.text, second.text) == ("HELLO", "WORLD!")


@pytest.mark.parametrize("volume", [400, 2_000, 16_000])
def test_loudness_does_not_matter(volume: int) -> None:
    assert [phrase.text for phrase in media.phrases(recording("QUIET OR LOUD", volume=volume))] == [
        "QUIET OR LOUD"
    ]


def test_noise_is_not_speech() -> None:
    assert media.phrases(recording("THROUGH NOISE", noise=300))[0].text == "THROUGH NOISE"
    assert media.phrases(recording(noise=200, pause=0.5)) == []


def test_what_cannot_be_told_is_counted() -> None:
    content = bytearray(recording("ABCDEF"))
    begin = 44 + 2 * round(PAUSE * RATE) + 2 * SIGN * 2
    content[begin : begin + 2 * SIGN] = random.Random(1).randbytes(2 * SIGN)
    (phrase,) = media.phrases(bytes(content))
    assert phrase.unclear >= 1
    assert phrase.text[:2] + phrase.text[-2:] == "ABEF"


def test_other_bytes_give_other_captions() -> None:
    said = {text: media.phrases(recording(text))[0].text for text in ("ONE", "TWO", "TWO.", "OWT")}
    assert list(said) == list(said.values())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no recording"),
        (b"RIFF\0\0\0\0WAVE", "no recording"),
        (wav(bytes(400), channels=2), "one channel"),
        (wav(bytes(400), width=1), "one channel"),
        (wav(bytes(400), rate=44_100), "8000 samples/s, not"),
        (recording("CUT")[:-2], "the recording is cut"),
    ],
)
def test_what_is_no_recording_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(BadMedia, match=message):
        media.phrases(content)


def test_captions_are_read_as_they_were_written() -> None:
    captions = [
        Caption(2.0, 4.0, "GOOD EVENING"),
        Caption(7.0, 9.5, "IT’S á NIGHT."),
        Caption(9.6, 11.0, "ODD"),
    ]
    back = scc.read(scc.write(captions))
    assert [caption.text for caption in back] == [caption.text for caption in captions]
    for was, now in zip(captions, back, strict=True):
        assert now.start == pytest.approx(was.start, abs=1.0)
        assert now.end > now.start
    assert back[0].start == pytest.approx(2.0, abs=0.02)
    assert back[0].end == pytest.approx(4.0, abs=0.02)


def test_bytes_are_those_of_the_format() -> None:
    lines = scc.write([Caption(10.0, 12.0, "HI!")]).split("\n\n")
    assert lines[0] == "Scenarist_SCC V1.0"
    time, _, codes = lines[1].partition("\t")
    # Wipe, load, row 15, the text, clear, show; control pairs are doubled, the text is filled up.
    assert codes == "94ae 94ae 9420 9420 9470 9470 c849 a180 942c 942c 942f 942f"
    assert time == timecode.written(timecode.frame_at(10.0) - 10)
    assert lines[2].strip().endswith("\t942c 942c")


def test_long_captions_are_broken_into_rows_and_screens() -> None:
    words = " ".join(f"WORD{number}" for number in range(60))
    back = scc.read(scc.write([Caption(5.0, 35.0, words)]))
    assert len(back) > 1
    for caption in back:
        assert len(caption.text.split("\n")) <= scc.ROWS
        assert all(len(row) <= scc.WIDTH for row in caption.text.split("\n"))
    assert " ".join(caption.text.replace("\n", " ") for caption in back) == words


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (0, "00:00:00;00"),
        (1_799, "00:00:59;29"),
        (1_800, "00:01:00;02"),
        (17_981, "00:09:59;29"),
        (17_982, "00:10:00;00"),
        (107_892, "01:00:00;00"),
    ],
)
def test_timecodes_leave_out_what_they_should(frame: int, text: str) -> None:
    assert timecode.written(frame) == text
    assert timecode.read(text) == frame


def test_every_frame_has_a_timecode_of_its_own() -> None:
    for frame in range(0, 40_000, 7):
        assert timecode.read(timecode.written(frame)) == frame
    assert timecode.seconds_at(timecode.frame_at(3_600.0)) == pytest.approx(3_600.0, abs=0.02)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the first line is ''"),
        ("WEBVTT\n", "the first line is 'WEBVTT'"),
        ("Scenarist_SCC V1.0\n\n00:00:01:00\t9420\n", "line 3: '00:00:01:00' is no timecode"),
        ("Scenarist_SCC V1.0\n\n00:01:00;00\t9420\n", "line 3: .* is a number that is left out"),
        ("Scenarist_SCC V1.0\n\n00:00:01;00\t9420 9470 4848\n", "line 3: '4848' has lost its parity"),
        ("Scenarist_SCC V1.0\n\n00:00:01;00\t94\n", "line 3: '94' is no pair of bytes"),
        ("Scenarist_SCC V1.0\n\n00:00:01;00\t9420 c849\n", "line 3: a text without a row"),
    ],
)
def test_files_that_are_no_captions_are_refused(content: str, message: str) -> None:
    with pytest.raises(scc.NoCaptions, match=message):
        summarized(content)


def test_summary_counts_what_is_there() -> None:
    captions = [Caption(1.0, 2.0, "THE BOATS ARE IN"), Caption(5.0, 8.0, "ALL BOATS, ALL MEN")]
    summary = summarized(scc.write(captions))
    assert (summary.captions, summary.words, summary.opening) == (2, 8, "THE BOATS ARE IN")
    assert summary.frequent == ["BOATS"]
    assert summary.seconds == pytest.approx(7.0, abs=0.05)
    assert summarized(scc.write([])).seconds == 0
