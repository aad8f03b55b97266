"""`[tool.itdash.watch]`: its values, and mistakes in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from itdash.config import WatchConfig, load
from itdash.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def loaded(folder: Path, text: str) -> WatchConfig:
    """The table as it is taken."""
    (folder / "itdash.toml").write_text(text)
    return load(folder, {}).config.watch


def test_values_a_single_text_is_a_list_of_one(tmp_path: Path) -> None:
    text = '[watch]\npaths = "src"\nignore = ["a", "b"]\non-save = "queue"\ndebounce = 1\npoll = true\n'
    made = WatchConfig(paths=("src",), ignore=("a", "b"), on_save="queue", debounce=1.0, poll=True)
    assert loaded(tmp_path, text) == made
    assert loaded(tmp_path, "") == WatchConfig()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("watch = 1\n", "watch must be a table"),
        ("[watch]\npoll_ = true\n", "unknown key 'poll_' in watch"),
        ("[watch]\ndebounce = -1\n", "debounce must be at least 0"),
        ("[watch]\ndebounce = 'x'\n", "debounce must be a number, not 'x'"),
        ("[watch]\non_save = 'stop'\n", "on_save must be restart or queue, not 'stop'"),
        ("[watch]\nnotify = 'sms'\n", "notify must be off or bell, not 'sms'"),
        ("[watch]\npaths = [1]\n", "paths[0] must be a text"),
        ("[profiles.x.watch]\non_save = 'no'\n", "on_save must be restart or queue"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, text)
    assert told in error.value.what
    assert str(tmp_path / "itdash.toml") in error.value.where
