"""A process's own file of events, and what tests do to it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

from itdash.events import model
from itdash.events.journal import Tail
from itdash.events.segment import Segment

if TYPE_CHECKING:
    from pathlib import Path


def run_with(folder: Path, code: str, torn: int = 0) -> list[model.AnyEvent]:
    """Run code in a process of its own that has a `segment`; the events that a reader gets."""
    (folder / "segments").mkdir()
    tail = Tail(folder)
    tail.open_overflow()
    places = (str(folder / "segments" / "one.jsonl"), str(folder / "overflow"))
    script = f"""
import os, sys, time
from itdash.events import model
from itdash.events.segment import Segment
segment = Segment({places[0]!r}, time.perf_counter_ns(), {places[1]!r})
def tell(number): segment.append(model.CaseStarted(segment.now(), number))
tell(1)
{textwrap.dedent(code)}
tell(2)
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)
    events = tail.read()
    tail.close()
    assert tail.unread == torn
    return events


def numbers(events: list[model.AnyEvent]) -> list[int]:
    return [event.case for event in events if isinstance(event, model.CaseStarted)]


def test_closing_every_descriptor_loses_nothing(tmp_path: Path) -> None:
    assert numbers(run_with(tmp_path, "os.closerange(3, 4096)")) == [1, 2]


def test_patching_the_system_changes_nothing(tmp_path: Path) -> None:
    code = """
    import builtins, json
    def no(*a, **k): raise RuntimeError("patched")
    os.write = os.open = os.fstat = os.getpid = builtins.open = json.dumps = time.time = no
    time.perf_counter_ns = lambda: 0
    """
    events = run_with(tmp_path, code)
    assert numbers(events) == [1, 2]
    assert 0 < events[0].t < events[1].t


def test_a_forked_child_is_silent(tmp_path: Path) -> None:
    code = """
    pid = os.fork()
    if pid == 0:
        tell(99)
        os._exit(0)
    os.waitpid(pid, 0)
    """
    assert numbers(run_with(tmp_path, code)) == [1, 2]


def test_a_disk_that_refuses_is_gone_round_through_the_pipe(tmp_path: Path) -> None:
    code = """
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (60, 60))
    for number in range(10, 20): tell(number)
    """
    events = run_with(tmp_path, code, torn=1)
    assert sorted(numbers(events)) == [1, 2, *range(10, 20)]


def test_changing_and_deleting_the_working_directory_changes_nothing(tmp_path: Path) -> None:
    code = """
    import tempfile
    place = tempfile.mkdtemp(); os.chdir(place); os.rmdir(place); os.closerange(3, 4096)
    """
    assert numbers(run_with(tmp_path, code)) == [1, 2]


def test_a_segment_that_cannot_be_written_counts_what_it_loses(tmp_path: Path) -> None:
    segment = Segment(str(tmp_path / "no" / "such" / "folder"), 0)
    segment.append(model.CaseStarted(1, 1))
    assert segment.lost == 1
    segment.close()


def test_closing_does_not_close_a_descriptor_that_became_anothers(tmp_path: Path) -> None:
    segment = Segment(str(tmp_path / "mine"), 0)
    number = segment._fd
    os.close(number)
    other = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    os.dup2(other, number)
    segment.close()
    os.fstat(number)
    os.close(number)
    os.close(other)


def test_a_low_limit_of_descriptors_is_lived_with(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        segment = Segment(str(tmp_path / "mine"), 0)
        segment.append(model.CaseStarted(1, 1))
        segment.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (tmp_path / "mine").read_bytes().count(b"\n") == 1
