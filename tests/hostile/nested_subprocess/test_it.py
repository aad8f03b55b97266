"""A test runs another pytest in a process of its own."""

import subprocess
import sys


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault(tmp_path):
    (tmp_path / "test_inner.py").write_text("def test_inner_passes(): pass\ndef test_inner_fails(): assert 0")
    inner = subprocess.run([sys.executable, "-m", "pytest", str(tmp_path)], cwd=tmp_path, capture_output=True, text=True)
    assert inner.returncode == 1, inner.stdout + inner.stderr
    assert "1 failed, 1 passed" in inner.stdout


def test_c_after():
    assert 2 + 2 == 4
