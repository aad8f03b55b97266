"""The probe of this process, recording or silent, and as it was afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from probe_support import Recording

from itdash.probe import attention, regions

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    """The probe of this process records into a folder of the test."""
    made = Recording(tmp_path)
    monkeypatch.setattr(attention, "_own", made.place)
    monkeypatch.setattr(regions, "listener", attention.Attention())
    monkeypatch.setenv(attention.VARIABLE, str(made.place))
    return made


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens."""
    monkeypatch.setattr(attention, "_own", None)
    monkeypatch.setattr(regions, "listener", None)
    monkeypatch.delenv(attention.VARIABLE, raising=False)
