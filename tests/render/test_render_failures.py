"""Failures as they are printed."""

from __future__ import annotations

import msgspec

from itdash.events import model
from itdash.render import failures
from itdash.render.paint import Paint
from itdash.render.text import columns
from itdash.state import fold

STACKS = """\
Fatal Python error: Aborted

Thread 0x00007f1 (most recent call first):
  File "/python/lib/python3.11/socket.py", line 294 in accept
  File "/venv/site-packages/pytest_rerunfailures.py", line 921 in run_server
  File "/python/lib/python3.11/threading.py", line 982 in run

Thread 0x00007f2 (most recent call first):
  File "/venv/site-packages/execnet/gateway_base.py", line 534 in read

Thread 0x00007f3 (most recent call first):
  File "/python/lib/python3.11/threading.py", line 355 in wait
  File "/python/lib/python3.11/threading.py", line 982 in run

Thread 0x00007f4 (most recent call first):
  File "/python/lib/python3.11/socket.py", line 294 in accept
  File "/project/server.py", line 3 in serve

Current thread 0x00007f5 (most recent call first):
  File "/project/test_it.py", line 2 in test_it
  File "/venv/site-packages/_pytest/python.py", line 166 in pytest_pyfunc_call
"""


def test_stacks_show_the_tests_threads_and_the_current_one_first() -> None:
    assert [line for line in failures.own_frames(STACKS).splitlines() if line] == [
        "Fatal Python error: Aborted",
        "Current thread 0x00007f5 (most recent call first):",
        '  File "/project/test_it.py", line 2 in test_it',
        "Thread 0x00007f3 (most recent call first):",
        '  File "/python/lib/python3.11/threading.py", line 355 in wait',
        '  File "/python/lib/python3.11/threading.py", line 982 in run',
        "Thread 0x00007f4 (most recent call first):",
        '  File "/python/lib/python3.11/socket.py", line 294 in accept',
        '  File "/project/server.py", line 3 in serve',
    ]


def test_every_rule_over_a_failure_fits_into_80_columns() -> None:
    told: list[model.AnyEvent] = []
    for number, name in enumerate(("a", "名前" * 10, "x" * 70)):
        told += [
            model.CasesCollected(0, number, (model.CollectedCase(f"t.py::{name}"),)),
            model.CaseStarted(1, number),
            model.CaseAborted(2, number, "crashed", "SIGSEGV in call"),
        ]
    lines = "\n".join(failures.report(fold.replay(told), Paint(colour=False, ascii_only=False), "─", 9))
    rules = [line for line in lines.splitlines() if line.startswith("──")]
    assert [columns(rule) for rule in rules][:2] == [80, 80]
    assert rules[2].endswith("crashed ──")


def test_a_crash_of_a_worker_is_told_once() -> None:
    detail = msgspec.Raw(msgspec.json.encode({"longrepr": "worker 'gw0' crashed while running 't.py::a'"}))
    state = fold.replay(
        [
            model.CasesCollected(0, 0, (model.CollectedCase("t.py::a"),)),
            model.CaseStarted(1, 0, "gw0"),
            model.StageFinished(2, 0, "crash", "failed", 0, "failed", detail),
        ]
    )
    text = "\n".join(failures.report(state, Paint(colour=False, ascii_only=True), "-", 9))
    assert "the process of worker gw0 ended in setup" in text
    assert "crashed while running" not in text
