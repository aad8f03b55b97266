"""What a run records of imports, and what becomes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from itdash.runner import imports
from itdash.runner.affected import Known, affected
from itdash.runner.sources import problem, statements
from itdash.runner.watch.contents import Change

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

PROJECT = {
    "shop/__init__.py": "",
    "shop/cart.py": "from .money import VALUE\n"
    "def total():\n    from shop import tax\n    return VALUE + tax.TAX\n",
    "shop/money.py": "VALUE = 1\n",
    "shop/tax.py": "TAX = 0\n",
    "shop/plugins/__init__.py": "import importlib\n"
    "def load(name):\n    return importlib.import_module(f'shop.plugins.{name}')\n",
    "shop/plugins/red.py": "NAME = 'red'\n",
    "shop/typed.py": "X = 1\n",
    "shop/lonely.py": "from shop import money\n",
    "tests/conftest.py": "import pytest\n@pytest.fixture\n"
    "def total():\n    from shop.cart import total\n    return total\n",
    "tests/test_cart.py": "def test_total(total):\n    assert total() == 1\n",
    "tests/deep/test_red.py": "from shop.plugins import load\n"
    "def test_red():\n    assert load('red').NAME == 'red'\n",
    "tests/deep/test_again.py": "import shop.plugins\n"
    "def test_red():\n    assert shop.plugins.load('red').NAME == 'red'\n",
    "tests/deep/test_alone.py": "from typing import TYPE_CHECKING\n"
    "if TYPE_CHECKING:\n    from shop import lonely\n"
    "def test_alone():\n    import shop.typed\n",
    "checks/test_money.py": "from shop import money\ndef test_money():\n    assert money.VALUE\n",
    "checks/helper.py": "",
    "checks/test_helped.py": "import helper\ndef test_helped(): pass\n",
}  # fmt: skip
RUN = """
import sys
from pathlib import Path
from itdash.runner.command import Request
from itdash.config import load
from itdash.runner.process import start_keeper
from itdash.session import Session, Terms, run_to_end
link = start_keeper()
here = Path.cwd()
loaded = load(here, {"workers": sys.argv[1] or None})
request = Request(imports=(str(here),))
sys.exit(run_to_end(Session(Terms(here, here, ()), link, []), request, loaded.config))
"""


@pytest.fixture(params=["", "2"])
def graph(request: pytest.FixtureRequest, project: Project) -> imports.Imports:
    """What a run of the project has recorded, in one process and in two workers."""
    import subprocess
    import sys

    for name, text in PROJECT.items():
        project.write(name, text)
    project.write("pytest.ini", "[pytest]\npythonpath = .\ntestpaths = tests checks\n")
    done = subprocess.run(
        [sys.executable, "-c", RUN, request.param], cwd=project.folder, env=project.environment(),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = imports.Imports()
    run = next((project.folder / ".itdash" / "runs").iterdir())
    made.take(run)
    made.read_sources({})
    return made


def reached(graph: imports.Imports, folder: Path, name: str) -> set[str]:
    """The files of tests that a change of one file reaches; `*` for everything."""
    tests = [str(folder / path) for path in PROJECT if path.rpartition("/")[2].startswith("test_")]
    known = Known(str(folder), graph.importers(), tests)
    found = affected([Change(str(folder / name), "1", "2")], known)
    names = {path.rpartition("/")[2] for path in found.files}
    return {"*"} if found.everything else names


def test_every_way_to_import_is_followed(graph: imports.Imports, project: Project) -> None:
    folder = project.folder.resolve()
    below = {"test_cart.py", "test_red.py", "test_again.py", "test_alone.py"}  # below the conftest
    assert reached(graph, folder, "shop/money.py") == {"test_money.py", *below}
    assert reached(graph, folder, "shop/tax.py") == below
    assert reached(graph, folder, "tests/conftest.py") == below
    assert reached(graph, folder, "shop/plugins/red.py") == {"test_red.py", "test_again.py"}
    assert reached(graph, folder, "shop/plugins/__init__.py") == {"test_red.py", "test_again.py"}
    assert reached(graph, folder, "shop/typed.py") == {"test_alone.py"}
    assert reached(graph, folder, "checks/helper.py") == {"test_helped.py"}
    assert reached(graph, folder, "checks/test_money.py") == {"test_money.py"}
    assert reached(graph, folder, "shop/__init__.py") == {"test_money.py", *below}
    assert reached(graph, folder, "shop/lonely.py") == {"*"}  # nobody was seen to import it


def test_the_graph_survives_being_kept_and_forgets_what_is_gone(
    graph: imports.Imports, project: Project
) -> None:
    folder = project.folder.resolve()
    file = folder / ".itdash" / imports.FILE
    graph.save(file)
    again = imports.load(file)
    assert reached(again, folder, "shop/plugins/red.py") == {"test_red.py", "test_again.py"}
    (folder / "tests" / "deep" / "test_again.py").unlink()
    again.save(file)
    assert reached(imports.load(file), folder, "shop/plugins/red.py") == {"test_red.py"}
    file.write_text(file.read_text()[:50])
    assert imports.load(file).empty


def test_a_source_that_has_changed_is_read_anew(graph: imports.Imports, project: Project) -> None:
    folder = project.folder.resolve()
    (folder / "checks" / "test_helped.py").write_text("import shop.tax\ndef test_helped(): pass\n")
    graph.read_sources({str(folder / "checks" / "test_helped.py"): "new"})
    assert "test_helped.py" in reached(graph, folder, "shop/tax.py")


def test_nothing_is_recorded_unless_it_is_asked_for(project: Project) -> None:
    project.write(
        "test_a.py", "import sys\ndef test_a():\n    assert 'itdash.plugin' not in str(sys.meta_path)\n"
    )
    ran = project.launch()
    assert ran.code == 0
    assert not (ran.folder / "imports").exists()
    order: dict[str, Any] = json.loads((ran.folder / "order-1.json").read_text())
    assert "imports" not in order["assignment"]


def test_statements_of_a_source() -> None:
    source = (
        "import a.b, c as d\nfrom . import e\nfrom ..f import g as h\nfrom i import *\n"
        "if TYPE_CHECKING:\n    import no\nelse:\n    import yes\n"
        "import typing\nif typing.TYPE_CHECKING:\n    import no2\n"
        "class K:\n    def m(self):\n"
        "        try:\n            import deep\n        except ImportError:\n            import other\n"
        "match 1:\n    case 1:\n        import cased\n"
        "from many import (  # these (and those)\n    one,  # and\n    two as three,\n)\n"
        "from . \\\n  import bent\n"
        "import semi; import colon\nif 1: import short\nx = important\nyield_from = 1\n"
        "if TYPE_CHECKING:\n    from never import x\n\n    import never2\nimport last\n"
    )
    names = set(statements(source.encode()).names)
    assert names == {
        "a.b",
        "c",
        ".",
        ".e",
        "..f",
        "..f.g",
        "i",
        "yes",
        "typing",
        "deep",
        "other",
        "cased",
        "many",
        "many.one",
        "many.two",
        ".bent",
        "semi",
        "colon",
        "short",
        "last",
    }
    assert not statements(b"import x").dynamic
    assert statements(b"__import__('x')").dynamic


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (b"x = (", "line 1: '(' was never closed: x = ("),
        (b"def f(:\n pass", "line 1: invalid syntax: def f(:"),
        (b"x = 1\n\0", "null byte"),
        (b"# coding: nothing\n", "nothing"),
        (b"import antigravity_\nx = 1 ** 2", ""),
    ],
)
def test_why_a_source_is_none(source: bytes, told: str) -> None:
    assert told in problem("a.py", source)
    assert bool(problem("a.py", source)) == bool(told)
