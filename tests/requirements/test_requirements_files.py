"""Files of requirements: what each format says, what is refused, and which file belongs to which tests."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itdash.events.model import RequirementRow, SuiteSpec
from itdash.requirements.entry import RequirementsError
from itdash.requirements.find import Found, load

if TYPE_CHECKING:
    from pathlib import Path

    from itdash.requirements.entry import Entry


def rows(folder: Path, name: str, text: str | bytes) -> list[RequirementRow]:
    """What a file of this name says."""
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    found = suite(folder)
    return [row for part in found.declared for row in part.rows]


def suite(folder: Path) -> Found:
    """What a suite in this folder declares."""
    return load([SuiteSpec("s", "", (".",))], str(folder), [], every=True)


def refused(folder: Path, name: str, text: str | bytes) -> str:
    """The whole complaint about a file."""
    with pytest.raises(RequirementsError) as caught:
        rows(folder, name, text)
    assert caught.value.exit_code == 4
    assert caught.value.mend
    return "\n".join(caught.value.lines())


# -- TOML --


def test_every_key_of_toml(tmp_path: Path) -> None:
    text = (
        '[[requirement]]\nid = "A"\n'
        '[[requirement]]\nid = " A.1 "\ntitle = "T"\nsource = "S"\nparent = "A"\ntags = ["x", "y"]\n'
    )
    assert rows(tmp_path, "requirements.toml", text) == [
        RequirementRow("A"),
        RequirementRow("A.1", "T", "S", "A", ("x", "y")),
    ]


def test_numbers_are_the_text_that_stands_there(tmp_path: Path) -> None:
    text = "[[requirement]]\nid = 4\n[[requirement]]\nid = 4.10\nparent = 4\ntags = 1.0\n"
    assert rows(tmp_path, "requirements.toml", text) == [
        RequirementRow("4"),
        RequirementRow("4.10", parent="4", tags=("1.0",)),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[requirement]]\nid = = "a"\n', ["not valid TOML", "requirements.toml:2", "correct that line"]),
        ('[[requirement]]\nid = "a', ["not valid TOML", "requirements.toml"]),
        ("[[requirement]]\nid='a'\n\n[[requirement]]\nid='a'\n", ["'a' is there twice", "toml:4, and "]),
        ("[[requirement]]\nid='a'\ntitel='x'\n", ["unknown key 'titel' in requirement 'a'", "mean 'title'?"]),
        ("[[requirment]]\nid='a'\n", ["unknown key 'requirment'", "write [[requirement]]"]),
        ("x = 1\n[[requirement]]\nid='a'\n", ["unknown key 'x'"]),
        ("[requirement]\nid='a'\n", ["list of tables", "double brackets"]),
        ("requirement = ['a']\n", ["list of tables"]),
        ("[[requirement]]\ntitle='a'\n", ["requirement no. 1 has no id", "toml:1"]),
        ("[[requirement]]\nid=' '\n", ["has no id"]),
        ("[[requirement]]\nid=true\n", ["must be a text, not true or false", "in quotes"]),
        ("[[requirement]]\nid=2026-01-01\n", ["must be a text, not a date"]),
        ("[[requirement]]\nid='a'\ntags=[['x']]\n", ["a tag of requirement 'a' must be a text, not a list"]),
        ("[[requirement]]\nid='a'\nparent={}\n", ["parent of requirement 'a' must be a text, not a table"]),
        (
            "[[requirement]]\nid='a'\nparent='4.l'\n[[requirement]]\nid='4.1'\n",
            ["'a' has the parent '4.l', which does not exist", "toml:1", "did you mean '4.1'?"],
        ),
        ("[[requirement]]\nid='a'\nparent='a'\n", ["go in a circle: a -> a"]),
        (
            "".join(f"[[requirement]]\nid='{a}'\nparent='{b}'\n" for a, b in ("ab", "bc", "cb")),
            ["the parents of 'b' go in a circle: b -> c -> b"],
        ),
        (b"[[requirement]]\nid='\xff'\n", ["not UTF-8"]),
    ],
)  # fmt: skip
def test_a_mistake_in_toml_is_told_with_its_place(tmp_path: Path, text: str | bytes, told: list[str]) -> None:
    complaint = refused(tmp_path, "requirements.toml", text)
    assert str(tmp_path / "requirements.toml") in complaint
    for words in told:
        assert words in complaint


def test_a_file_of_another_tool_is_let_be(tmp_path: Path) -> None:
    assert rows(tmp_path, "requirements.toml", "[project]\nname = 'x'\n") == []
    assert rows(tmp_path, "requirements.md", "# Notes\n\n| what | how |\n|---|---|\n| a | b |\n") == []


def test_places_are_not_guessed_where_headings_and_tables_differ(tmp_path: Path) -> None:
    text = "requirement = [{id='a', title='''\n[[requirement]]\n[[requirement]]'''}, {id='a'}]"
    assert "twice" in refused(tmp_path, "requirements.toml", text + "\n#\n")
    inline = "requirement = [{id='a'}, {id='a'}]"
    assert "requirements.toml:" not in refused(tmp_path, "requirements.toml", inline)


_texts = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)


@given(st.lists(st.tuples(_texts, _texts), unique_by=lambda row: row[0], max_size=8))
def test_any_text_can_be_an_id_in_toml(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("any", numbered=True)

    def quoted(text: str) -> str:
        return '"' + "".join(f"\\U{ord(char):08x}" for char in text) + '"'

    text = "".join(f"[[requirement]]\nid = {quoted(id)}\ntitle = {quoted(title)}\n" for id, title in told)
    assert [(row.id, row.title) for row in rows(folder, "requirements.toml", text)] == told


@given(st.lists(st.tuples(_texts, _texts), unique_by=lambda row: row[0], min_size=1, max_size=8))
def test_what_the_csv_writer_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("any", numbered=True)
    out = io.StringIO(newline="")
    csv.writer(out).writerows([("id", "title"), *told])
    assert [(row.id, row.title) for row in rows(folder, "requirements.csv", out.getvalue())] == told


# -- markdown --


def test_a_column_of_ids_and_titles_is_parted(tmp_path: Path) -> None:
    text = """\
# Coverage

| Requirement | Status |
|:------------|:------:|
| 4.1 - Scrape limit | ok |
| **4.2** – Queue \\| wait | |
| `REQ-7`: Locks - released | |
| Nothing to part | |

Prose | with a bar

```
| Requirement |
|---|
| not this |
```

| id | Title | Parent | Tags |
|----|-------|--------|------|
| [5 - 6](http://x/) | Five - six | 4.1 | a, b |
"""
    assert rows(tmp_path, "requirements.md", text) == [
        RequirementRow("4.1", "Scrape limit"),
        RequirementRow("4.2", "Queue | wait"),
        RequirementRow("REQ-7", "Locks - released"),
        RequirementRow("Nothing to part"),
        RequirementRow("5 - 6", "Five - six", parent="4.1", tags=("a", "b")),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("| Requirment | x |\n|---|---|\n| a | b |\n", ["unknown column 'Requirment'", "md:1"]),
        ("| ID | x |\n|---|---|\n| a | b |\n| | c |\n", ["this row has no id", "md:4"]),
        ("| ID | x |\n|---|---|\n| a | b |\n\n| ID |\n|---|\n| a |\n", ["'a' is there twice", "md:7, and "]),
    ],
)  # fmt: skip
def test_a_mistake_in_markdown_is_told_with_its_line(tmp_path: Path, text: str, told: list[str]) -> None:
    complaint = refused(tmp_path, "requirements.md", text)
    for words in told:
        assert words in complaint


# -- CSV --


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_as_spreadsheets_write_it(tmp_path: Path, mark: str, start: str, end: str) -> None:
    lines = [["Requirement ID", "Name", "Owner"], ["4.1", '"Limit\nof ""5"""', "-"], ["", "", ""], ["4.2"]]
    text = start + "".join(mark.join(line) + end for line in lines)
    assert rows(tmp_path, "requirements.csv", text) == [
        RequirementRow("4.1", 'Limit\nof "5"'),
        RequirementRow("4.2"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n", ["no column holds ids", "csv:1", "id,title"]),
        ("requirementt,b\n1,2\n", ["unknown column 'requirementt'"]),
        ('id,title\n1,"x\ny"\n,z\n', ["this row has no id", "csv:4"]),
        ('id,title\n1,"x"y\n', ["not valid CSV", "csv:2"]),
        ('id,title\n1,"x\n', ["not valid CSV"]),
        ("id,title\n1,a\n2,b\n1,c\n", ["'1' is there twice", "csv:4, and ", "csv:2"]),
    ],
)
def test_a_mistake_in_csv_is_told_with_its_line(tmp_path: Path, text: str, told: list[str]) -> None:
    complaint = refused(tmp_path, "requirements.csv", text)
    for words in told:
        assert words in complaint


@given(st.sampled_from(["toml", "csv", "md"]), st.text(st.sampled_from("ab1=|-:,;'\"[]`~* \t\r\n\0é")))
def test_whatever_stands_in_a_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, kind: str, text: str
) -> None:
    folder = tmp_path_factory.mktemp("any", numbered=True)
    starts = {"toml": "[[requirement]]\nid='i'\n", "csv": "id,title\n", "md": "|id|title|\n|-|-|\n"}
    for start in ("", starts[kind]):
        try:
            read = rows(folder, f"requirements.{kind}", start + text)
        except RequirementsError as error:
            assert str(folder) in error.where
        else:
            assert all(row.id and row.id == row.id.strip() for row in read)


def test_an_empty_file_declares_nothing(tmp_path: Path) -> None:
    for name in ("requirements.csv", "requirements.toml", "requirements.md"):
        assert rows(tmp_path, name, "\n") == []


# -- where they are looked for --


def one(folder: Path, id: str, name: str = "requirements.toml") -> None:
    """A file with one requirement, beside a test."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test_it.py").touch()
    text = {"toml": f"[[requirement]]\nid = '{id}'\n", "csv": f"id\n{id}\n", "md": f"|id|\n|-|\n|{id}|\n"}
    (folder / name).write_text(text[name.rpartition(".")[2]])


def told(found: Found) -> dict[str, list[str]]:
    """Suite to ids."""
    ids: dict[str, list[str]] = {}
    for part in found.declared:
        ids.setdefault(part.suite, []).extend(row.id for row in part.rows)
    return ids


def test_one_file_of_a_folder_is_read(tmp_path: Path) -> None:
    for name, seen in (("requirements.md", "m"), ("requirements.csv", "c"), ("requirements.toml", "t")):
        one(tmp_path, seen, name)
        assert told(suite(tmp_path)) == {"s": [seen]}


def test_a_suite_has_the_files_of_all_its_folders(tmp_path: Path) -> None:
    one(tmp_path / "a", "1")
    one(tmp_path / "b", "2")
    one(tmp_path / "c", "1")
    root = str(tmp_path)
    first, second = SuiteSpec("x", "", ("a", "b/test_it.py", "a")), SuiteSpec("y", "", ("c",))
    assert told(load([first, second], root, [], every=True)) == {"x": ["1", "2"], "y": ["1"]}
    assert told(load([first, second], root, [f"{root}/c/test_it.py"])) == {"y": ["1"]}
    assert told(load([first, second], root, [root])) == {"x": ["1", "2"], "y": ["1"]}
    with pytest.raises(RequirementsError, match="'1' is there twice"):
        load([SuiteSpec("x", "", ("a", "c"))], root, [], every=True)


def test_without_suites_folders_that_hold_tests_are_searched(tmp_path: Path) -> None:
    one(tmp_path / "tests", "1")
    one(tmp_path / "tests" / "deep" / "er", "2")
    for name in (".hidden", "node_modules", "build"):
        one(tmp_path / name, "no")
    one(tmp_path / "env", "no")
    (tmp_path / "env" / "pyvenv.cfg").touch()
    one(tmp_path / "data", "no")
    (tmp_path / "data" / "test_it.py").unlink()
    (tmp_path / "circle").symlink_to(tmp_path)
    root = str(tmp_path)
    everything = {"tests": ["1"], "tests/deep/er": ["2"]}
    assert told(load([], root, [root])) == everything
    assert told(load([], root, [f"{root}/tests/deep", root])) == everything
    assert told(load([], root, [f"{root}/tests/test_it.py"])) == {"tests": ["1"]}
    assert told(load([], root, ["/nowhere/at/all"])) == {}


def test_beside_declared_suites_other_folders_count_for_what_runs_there(tmp_path: Path) -> None:
    one(tmp_path / "tests" / "a", "1")
    one(tmp_path / "tests" / "a" / "deep", "no")
    one(tmp_path / "tests" / "b", "2")
    one(tmp_path / "tests" / "single", "3")
    one(tmp_path / "tests" / "single" / "below", "4")
    root = str(tmp_path)
    suites = [SuiteSpec("x", "", ("tests/a",)), SuiteSpec("y", "", ("tests/single/test_it.py",))]
    assert told(load(suites, root, [f"{root}/tests/b/test_it.py"])) == {"tests/b": ["2"]}
    assert told(load(suites, root, [f"{root}/tests/a/deep"])) == {"x": ["1"]}
    assert told(load(suites, root, [root])) == {
        "x": ["1"], "y": ["3"], "tests/b": ["2"], "tests/single/below": ["4"],
    }  # fmt: skip
    assert told(load(suites, root, [root], every=True, elsewhere=False)) == {"x": ["1"], "y": ["3"]}
    assert told(load(suites, root, [f"{root}/tests/b"], elsewhere=False)) == {}
    (tmp_path / "tests/single/below/requirements.toml").unlink()
    assert told(load(suites, root, [f"{root}/tests/single/below"])) == {"y": ["3"]}


def test_the_file_above_all_tests_bears_the_name_of_the_project(tmp_path: Path) -> None:
    one(tmp_path, "1")
    assert told(load([], str(tmp_path), [str(tmp_path / "test_it.py")])) == {tmp_path.name: ["1"]}


def test_a_search_that_was_given_up_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("itdash.requirements.find._FOLDERS", 3)
    for number in range(4):
        one(tmp_path / str(number), str(number))
    found = load([], str(tmp_path), [str(tmp_path)])
    assert len(found.declared) == 2
    assert "in 3 folders and no further" in found.note


def test_an_entry_tells_its_place(tmp_path: Path) -> None:
    from itdash.requirements.toml import read

    path = tmp_path / "requirements.toml"
    path.write_text("requirement = [{id='a'}]")
    entries: list[Entry] = read(str(path)) or []
    assert [entry.where for entry in entries] == [str(path)]
