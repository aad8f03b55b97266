"""A test leaves a child process running, under a name that would command a terminal."""

import subprocess


LEFT = []


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    LEFT.append(subprocess.Popen(["\x1b]0;title\x07\x1b[31m\n\u202e[red]", "600"], executable="/bin/sleep"))


def test_c_after():
    assert 2 + 2 == 4
