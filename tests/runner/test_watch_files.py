"""Real saves, and what a watcher makes of them: nothing is lost, nothing is told that is none."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

import pytest
from tests_support import wait_for

from itdash.config import WatchConfig
from itdash.runner.watch import mounts, notices
from itdash.runner.watch.contents import Contents
from itdash.runner.watch.ignore import Ignore
from itdash.runner.watch.notices import Notices
from itdash.runner.watch.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from itdash.runner.watch.watcher import Saved

    Make = Callable[..., Watcher]


@pytest.fixture(params=["told", "polling"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Watchers of a folder, by both ways to watch."""
    made: list[Watcher] = []

    def watcher(root: Path = tmp_path, known: object = None, **keys: object) -> Watcher:
        config = WatchConfig(poll=request.param == "polling", **keys)  # type: ignore[arg-type]
        one = Watcher(root, config, [str(root / ".itdash")], known)  # type: ignore[arg-type]
        one.start()
        made.append(one)
        assert one.wait(30)
        return one

    yield watcher
    for one in made:
        one.close()


def put(path: Path, text: str) -> None:
    """Save at once, for a file that is written in place can be seen empty."""
    other = path.with_name(f".{path.name}.swp")
    other.write_text(text)
    os.replace(other, path)


def saved(watcher: Watcher) -> Saved:
    """Wait for the next save."""
    found: list[Saved] = []

    def look() -> bool:
        told = watcher.saved(time.perf_counter_ns())
        if told is not None:
            found.append(told)
        return told is not None

    wait_for(look)
    return found[0]


def names(told: Saved) -> list[str]:
    """The names of the files that were saved."""
    return sorted(os.path.basename(change.path) for change in told.changes)


def begun(watcher: Watcher) -> list[str]:
    """Begin a run: the names of the files that it is about."""
    return sorted(os.path.basename(change.path) for change in watcher.begin())


def test_a_new_a_changed_and_a_deleted_file_are_told_with_what_they_were(make: Make, tmp_path: Path) -> None:
    put(tmp_path / "old.py", "1")
    put(tmp_path / "gone.py", "1")
    watcher = make()
    put(tmp_path / "old.py", "2")
    put(tmp_path / "new.py", "1")
    (tmp_path / "gone.py").unlink()
    wait_for(lambda: names(saved(watcher)) == ["gone.py", "new.py", "old.py"])
    told = {os.path.basename(change.path): change for change in watcher.begin()}
    assert told["old.py"].before
    assert told["old.py"].after
    assert told["new.py"].before == ""
    assert told["gone.py"].after == ""
    assert watcher.saved(time.perf_counter_ns()) is None


def test_a_touch_is_no_save(make: Make, tmp_path: Path) -> None:
    put(tmp_path / "a.py", "1")
    put(tmp_path / "b.py", "1")
    watcher = make()
    os.utime(tmp_path / "a.py", (1, 1))
    put(tmp_path / "a.py", "1")
    put(tmp_path / "b.py", "2")
    assert names(saved(watcher)) == ["b.py"]


def test_saves_of_one_size_within_one_moment_are_all_told(make: Make, tmp_path: Path) -> None:
    put(tmp_path / "a.py", "0")
    watcher = make()
    for number in range(1, 6):
        put(tmp_path / "a.py", str(number))
        saved(watcher)
        assert begun(watcher) == ["a.py"]
        watcher.end(complete=True)


def test_a_save_during_a_run_is_told_when_it_is_over(make: Make, tmp_path: Path) -> None:
    put(tmp_path / "a.py", "1")
    watcher = make()
    put(tmp_path / "a.py", "2")
    saved(watcher)
    watcher.begin()
    put(tmp_path / "a.py", "3")
    saved(watcher)
    watcher.end(complete=True)
    assert begun(watcher) == ["a.py"]


def test_what_a_run_that_was_cut_short_was_about_is_not_forgotten(make: Make, tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        put(tmp_path / name, "1")
    watcher = make()
    put(tmp_path / "a.py", "2")
    saved(watcher)
    assert begun(watcher) == ["a.py"]
    put(tmp_path / "b.py", "2")
    saved(watcher)
    watcher.end(complete=False)
    assert begun(watcher) == ["a.py", "b.py"]
    watcher.end(complete=True)
    assert begun(watcher) == []


def test_what_a_run_that_was_cut_short_has_shown_is_told_when_it_is_taken_back(
    make: Make, tmp_path: Path
) -> None:
    put(tmp_path / "a.py", "1")
    watcher = make()
    for text, complete in (("2", False), ("1", True)):
        put(tmp_path / "a.py", text)
        saved(watcher)
        assert begun(watcher) == ["a.py"]
        watcher.end(complete)
    assert begun(watcher) == []


def test_a_file_that_was_another_one_for_a_moment_while_tests_ran_is_told(make: Make, tmp_path: Path) -> None:
    put(tmp_path / "a.py", "1")
    watcher = make()
    watcher.begin()
    put(tmp_path / "a.py", "22")
    saved(watcher)
    put(tmp_path / "a.py", "1")
    digest = watcher.contents.entries[str(tmp_path / "a.py")].digest
    wait_for(lambda: watcher.contents.entries[str(tmp_path / "a.py")].digest != digest)
    assert names(saved(watcher)) == ["a.py"]
    assert begun(watcher) == ["a.py"]


def test_an_atomic_save_is_one_save_of_the_file(make: Make, tmp_path: Path) -> None:
    put(tmp_path / "a.py", "1")
    watcher = make()
    put(tmp_path / "4913", "")
    (tmp_path / "4913").unlink()
    os.rename(tmp_path / "a.py", tmp_path / "a.py~")
    put(tmp_path / "a.py", "2")
    put(tmp_path / ".a.py.swp", "x")
    put(tmp_path / "a.py.tmp.1", "3")
    os.replace(tmp_path / "a.py.tmp.1", tmp_path / "a.py")
    assert names(saved(watcher)) == ["a.py"]


def test_folders_that_come_go_and_come_back_are_watched(make: Make, tmp_path: Path) -> None:
    watcher = make()
    for _ in range(3):
        (tmp_path / "a" / "b").mkdir(parents=True)
        put(tmp_path / "a" / "b" / "x.py", "1")
        assert names(saved(watcher)) == ["x.py"]
        watcher.begin()
        put(tmp_path / "a" / "b" / "x.py", "2")
        assert names(saved(watcher)) == ["x.py"]
        watcher.begin()
        shutil.rmtree(tmp_path / "a")
        assert names(saved(watcher)) == ["x.py"]
        assert all(not change.after for change in watcher.begin()[-1:])
        watcher.end(complete=True)


def test_a_folder_that_is_moved_in_or_renamed_is_looked_into(make: Make, tmp_path: Path) -> None:
    inside = tmp_path / "project"
    inside.mkdir()
    (tmp_path / "package").mkdir()
    put(tmp_path / "package" / "x.py", "1")
    watcher = make(inside)
    os.rename(tmp_path / "package", inside / "package")
    assert names(saved(watcher)) == ["x.py"]
    watcher.begin()
    os.rename(inside / "package", inside / "other")
    wait_for(lambda: len(saved(watcher).changes) == 2)
    watcher.begin()
    put(inside / "other" / "x.py", "2")
    assert names(saved(watcher)) == ["x.py"]


def test_the_watched_folder_may_go_and_come_back(make: Make, tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    put(root / "a.py", "1")
    watcher = make(root)
    shutil.rmtree(root)
    assert names(saved(watcher)) == ["a.py"]
    watcher.begin()
    root.mkdir()
    put(root / "a.py", "2")
    assert names(saved(watcher)) == ["a.py"]
    watcher.begin()
    put(root / "a.py", "3")
    assert names(saved(watcher)) == ["a.py"]


def test_a_switch_of_branches_is_one_round(make: Make, tmp_path: Path) -> None:
    for folder in range(20):
        (tmp_path / f"f{folder}").mkdir()
        for number in range(50):
            put(tmp_path / f"f{folder}" / f"{number}.py", "1")
    watcher = make()
    (tmp_path / ".git").mkdir()
    watcher._git = str(tmp_path / ".git" / "index.lock")
    (tmp_path / ".git" / "index.lock").touch()
    for folder in range(20):
        for number in range(50):
            put(tmp_path / f"f{folder}" / f"{number}.py", "2")
    wait_for(lambda: len(watcher.contents.entries) == 1000)
    assert watcher.saved(time.perf_counter_ns()) is None
    (tmp_path / ".git" / "index.lock").unlink()
    wait_for(lambda: len(saved(watcher).changes) == 1000)
    assert len(watcher.begin()) == 1000


def test_links_are_followed_once(make: Make, tmp_path: Path) -> None:
    root, other = tmp_path / "project", tmp_path / "other"
    root.mkdir()
    other.mkdir()
    (other / "lib").mkdir()
    put(other / "lib" / "x.py", "1")
    put(other / "single.py", "1")
    put(other / "beside.py", "1")
    (root / "lib").symlink_to(other / "lib")
    (root / "loop").symlink_to(root)
    (root / "single.py").symlink_to(other / "single.py")
    (root / "nowhere.py").symlink_to(other / "nothing.py")
    watcher = make(root)
    put(other / "beside.py", "2")
    put(other / "lib" / "x.py", "2")
    put(other / "single.py", "2")
    wait_for(lambda: names(saved(watcher)) == ["single.py", "x.py"])
    assert all(change.path.startswith(str(root)) for change in watcher.begin())


def test_what_git_ignores_is_no_save_until_git_does_not(make: Make, tmp_path: Path) -> None:
    put(tmp_path / ".gitignore", "out/\n*.json\n")
    (tmp_path / "out").mkdir()
    watcher = make()
    put(tmp_path / "out" / "a.py", "1")
    put(tmp_path / "a.json", "1")
    put(tmp_path / "b.py", "1")
    assert names(saved(watcher)) == ["b.py"]
    watcher.begin()
    put(tmp_path / ".gitignore", "*.json\n")
    wait_for(lambda: "a.py" in names(saved(watcher)))
    watcher.begin()
    put(tmp_path / "out" / "a.py", "2")
    assert names(saved(watcher)) == ["a.py"]


def test_only_what_the_configuration_names_counts(make: Make, tmp_path: Path) -> None:
    for name in ("src", "docs"):
        (tmp_path / name).mkdir()
    watcher = make(paths=("src",), patterns=("*.py",), ignore=("gen_*.py",))
    for place in ("docs/a.py", "src/a.txt", "src/gen_a.py", "src/b.py"):
        put(tmp_path / place, "1")
    assert names(saved(watcher)) == ["b.py"]


def test_a_file_that_tests_write_again_and_again_starts_no_endless_rounds(make: Make, tmp_path: Path) -> None:
    watcher = make()
    for number in range(3):
        watcher.begin()
        put(tmp_path / "out.json", str(number))
        wait_for(lambda: watcher.is_calm(time.perf_counter_ns()) and watcher._fresh)
        watcher.end(complete=True)
    assert watcher.saved(time.perf_counter_ns()) is None
    assert any("out.json" in note for note in watcher.notes())
    watcher._ended = 0  # long ago
    put(tmp_path / "out.json", "by hand")
    assert names(saved(watcher)) == ["out.json"]


def test_what_an_earlier_itdash_has_seen_is_not_read_again_and_what_is_new_is_told(
    make: Make, tmp_path: Path
) -> None:
    for name in ("a.py", "b.py"):
        put(tmp_path / name, "1")
        os.utime(tmp_path / name, (1, 1))
    first = make()
    known = first.digests()
    put(tmp_path / "b.py", "2")
    second = make(known=known)
    assert names(saved(second)) == ["b.py"]


def test_bytes_that_are_no_text_in_a_name_do_no_harm(make: Make, tmp_path: Path) -> None:
    watcher = make()
    with open(os.fsencode(tmp_path) + b"/\xff.py", "wb") as handle:
        handle.write(b"1")
    put(tmp_path / "b.py", "1")
    wait_for(lambda: "b.py" in names(saved(watcher)))


def test_a_folder_that_may_not_be_read_is_passed_over(make: Make, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    watcher = make()
    put(tmp_path / "b.py", "1")
    wait_for(lambda: "b.py" in names(saved(watcher)))
    (tmp_path / "closed").chmod(0o700)


# -- where the system does not tell of changes --


def test_where_watching_is_refused_files_are_looked_at_and_it_is_said_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import watchfiles._rust_notify

    def refuse(*_: object) -> None:
        raise OSError("OS file watch limit reached. about [...]")

    monkeypatch.setattr(watchfiles._rust_notify, "RustNotify", refuse)
    watcher = Watcher(tmp_path, WatchConfig(), [])
    watcher.start()
    try:
        assert watcher.wait(30)
        put(tmp_path / "a.py", "1")
        assert names(saved(watcher)) == ["a.py"]
        assert "fs.inotify.max_user_watches" in " ".join(watcher.notes())
    finally:
        watcher.close()


def test_a_watcher_that_breaks_says_so_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = Contents([str(tmp_path)], Ignore(str(tmp_path)))

    def breaks(_: Notices) -> None:
        raise RuntimeError("no idea")

    monkeypatch.setattr(notices.Notices, "_renew", breaks)
    watcher = Notices(contents, [str(tmp_path)], poll=False)
    watcher.start()
    try:
        wait_for(lambda: watcher.notes)
        assert "no idea" in watcher.notes[0]
        put(tmp_path / "a.py", "1")
        wait_for(lambda: watcher.queue)
    finally:
        watcher.close()


def test_a_network_share_is_known_by_its_kind(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 0:9 / /home/my\\040files rw shared:1 - nfs4 host:/x rw\n"
        "3 2 0:10 / /home/my\\040files/local rw - ext4 /dev/b rw\n"
    )
    assert mounts.remote(["/home/my files/p"], str(table)) == "/home/my files/p (nfs4)"
    assert mounts.remote(["/home/my files/local/p", "/home/my filesystem"], str(table)) == ""
    assert mounts.remote(["/x"], str(tmp_path / "nothing")) == ""
