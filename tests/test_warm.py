"""Runs that are forked from a warm process are told from cold ones by nothing but their speed."""

from __future__ import annotations

import json
import os
import shutil
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests_support import wait_for
from warm_support import Environment, Warming

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Project

WARM = [[True, ""]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """One environment to copy from."""
    return Environment(tmp_path_factory.mktemp("environment") / "venv")


@pytest.fixture
def environment(made: Environment) -> Iterator[Environment]:
    """The environment, which a test may put packages into."""
    before = set(made.packages.iterdir())
    yield made
    for path in set(made.packages.iterdir()) - before:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def session(environment: Environment, project: Project, **variables: str) -> Iterator[Warming]:
    """A session of this project, which leaves nothing behind."""
    warming = Warming(environment.python, project.folder, **variables)
    try:
        yield warming
    finally:
        warming.end()
        wait_for(lambda: not warming.alive())


def left_out(project: Project) -> dict[str, str]:
    """What was found out not to be importable beforehand."""
    (file,) = project.folder.glob(".itdash/warm/*/left-out")
    return dict(line.split("\t") for line in file.read_text().splitlines()[1:])


def test_a_second_run_imports_nothing_again(environment: Environment, project: Project) -> None:
    environment.install(heavy="value = 1\n")
    project.write("own.py", "import heavy\nvalue = heavy.value\n")
    project.write("test_it.py", "import own\ndef test_it(): assert own.value == 1\n")
    with session(environment, project) as warming:
        first = warming.run()
        assert first["processes"] == [[False, ""]]
        warming.prepare()
        before = environment.imports("heavy")
        for _ in range(3):
            again = warming.run()
            assert again["processes"] == WARM
            assert (again["verdict"], again["outcomes"]) == ("passed", {"test_it": "passed"})
            warming.prepare()
        assert environment.imports("heavy") == before


LOOKS = """
    import builtins, gc, json, locale, logging, os, resource, signal, sys, threading, warnings
    import heavy

    OF_ONE_RUN = {"PYTEST_CURRENT_TEST", "ITDASH_PROBE"}
    OF_PROCESS = ("Umask", "SigBlk", "SigIgn", "SigCgt", "Threads", "NoNewPrivs", "Seccomp")

    def descriptors():
        found = {}
        for name in os.listdir("/proc/self/fd"):
            try:
                found[name] = os.readlink(f"/proc/self/fd/{name}").partition(":[")[0].partition("#")[0]
            except OSError:
                pass
        return sorted(at for at in found.values() if not at.endswith("/fd") and "/runs/" not in at)

    def stream(it):
        kinds = [it.encoding, it.errors, type(it.buffer).__name__]
        return [*kinds, it.line_buffering, it.seekable(), it.isatty()]

    def kind(thing):
        return str(thing).partition(" at ")[0]

    def test_look(request):
        with open("/proc/self/status") as status:
            process = [line for line in status if line.startswith(OF_PROCESS)]
        with open("/proc/self/cmdline") as command, open("/proc/self/comm") as name:
            names = [len(command.read().split("\\0")), name.read()]
        main = sys.modules["__main__"]
        limits = [value for key, value in vars(resource).items() if key.startswith("RLIMIT_")]
        parent = os.getppid()
        looks = {
            "environment": {key: text for key, text in os.environ.items() if key not in OF_ONE_RUN},
            "cwd": os.getcwd(),
            "argv": [sys.argv, len(sys.orig_argv), names],
            "path": sys.path,
            "process": process,
            "limits": [resource.getrlimit(limit) for limit in limits],
            "descriptors": descriptors(),
            "streams": [stream(it) for it in (sys.__stdin__, sys.__stdout__, sys.__stderr__)],
            "main": [main.__file__, main.__name__, sorted(vars(main))],
            "flags": list(sys.flags),
            "filters": [str(entry) for entry in warnings.filters],
            "signals": [kind(signal.getsignal(number)) for number in signal.valid_signals()],
            "gc": [gc.isenabled(), gc.get_threshold(), len(gc.callbacks)],
            "session": [os.getpid() == os.getpgid(0) == os.getsid(0), parent == os.getpgid(parent)],
            "finders": [getattr(finder, "__name__", type(finder).__name__) for finder in sys.meta_path],
            "hooks": [kind(hook) for hook in (sys.excepthook, sys.unraisablehook, threading.excepthook)],
            "locale": locale.setlocale(locale.LC_ALL),
            "logging": [logging.root.level, logging.raiseExceptions],
            "patched": [type(os.environ).__getitem__.__module__, sorted(vars(builtins))],
            "heavy": [heavy.__name__, type(heavy.__loader__).__name__, heavy.__file__, heavy.__spec__.name],
            "thread": threading.main_thread().native_id == os.getpid(),
        }
        with open(request.config.rootpath / "looks", "a") as told:
            print(json.dumps(looks), file=told)
"""


def test_a_warm_process_looks_like_a_cold_one(environment: Environment, project: Project) -> None:
    environment.install(heavy="import decimal, sqlite3, xml.dom.minidom\n")
    project.write("test_look.py", LOOKS)
    with session(environment, project) as warming:
        for _ in range(3):
            ran = warming.run()
            assert ran["verdict"] == "passed", ran["log"]
            warming.prepare()
    cold, *warm = map(json.loads, (project.folder / "looks").read_text().splitlines())
    for looks in warm:
        for name, look in cold.items():
            assert looks[name] == look, name


def test_random_numbers_are_others_in_each_run(environment: Environment, project: Project) -> None:
    environment.install(heavy="import random\nunknown = random.Random()\nknown = random.Random(7)\n")
    project.write(
        "test_it.py",
        """
        import heavy, random, tempfile, uuid

        def test_it(request):
            drawn = [random.random(), heavy.unknown.random(), tempfile.mktemp(), str(uuid.uuid4())]
            drawn.append(heavy.known.random())
            with open(request.config.rootpath / "drawn", "a") as told:
                print(*drawn, file=told)
        """,
    )
    with session(environment, project) as warming:
        for _ in range(4):
            assert warming.run()["verdict"] == "passed"
            warming.prepare()
    rows = [line.split() for line in (project.folder / "drawn").read_text().splitlines()]
    assert len(rows) == 4
    for column in list(zip(*rows, strict=True))[:4]:
        assert len(set(column)) == 4
    assert len({row[4] for row in rows}) == 1


UNFIT = {
    "a_thread": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n",
        "thread",
    ),
    "a_socket": ("import socket\nheld = socket.socket()\n", "socket"),
    "a_file": ("held = open(__file__)\n", "file"),
    "a_process": ("import subprocess\nheld = subprocess.Popen(['sleep', '600'])\n", "process"),
    "a_variable": ("import os\nos.environ['SET_AT_IMPORT'] = '1'\n", "environment"),
    "a_signal": ("import signal\nsignal.signal(signal.SIGUSR1, print)\n", "signals"),
    "an_interrupt": ("import signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\n", "signals"),
    "a_folder": ("import os\nos.chdir('/')\n", "folder"),
    "a_mask": ("import os\nos.umask(0o77)\n", "files are made"),
    "a_path": ("import sys\nsys.path.append('/nowhere')\n", "found"),
    "a_filter": ("import warnings\nwarnings.simplefilter('ignore')\n", "warnings"),
    "a_warning": ("import warnings\nwarnings.warn('mind')\n", "warns"),
    "a_print": ("print('hello')\n", "prints"),
    "a_loop": ("import asyncio\nasyncio.set_event_loop(asyncio.new_event_loop())\n", "loop"),
    "a_seed": ("import random\nrandom.seed(3)\n", "random"),
    "a_handler": ("import logging\nlogging.basicConfig()\n", "logging"),
    "a_hook": ("import sys\nsys.excepthook = lambda *_: None\n", "hooks"),
    "a_limit": ("import resource\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n", "limits"),
    "an_asker": ("import os\nasked = 'PYTEST_VERSION' in os.environ\n", "PYTEST_VERSION"),
    "a_trap": ("import os\nmode = os.environ.get('HEAVY_MODE', '')\n", "HEAVY_MODE"),
}


def test_what_leaves_more_than_its_module_is_left_out(environment: Environment, project: Project) -> None:
    environment.install(fit="", **{name: code for name, (code, _) in UNFIT.items()})
    environment.install(
        needs="import fit, a_thread\n", tries="try:\n    import a_socket\nexcept Exception:\n    pass\n"
    )
    project.write("conftest.py", "import os\nos.environ['HEAVY_MODE'] = 'project'\nimport a_trap\n")
    names = ", ".join((*UNFIT, "fit", "needs", "tries"))
    project.write("test_it.py", f"""
        import os
        here = os.getcwd()
        import {names}
        os.chdir(here)
        def test_it(): assert a_trap.mode == "project"
        """)  # fmt: skip
    with session(environment, project) as warming:
        first = warming.run()
        assert first["verdict"] == "passed", first["log"]
        warming.prepare()
        fit = environment.imports("fit")
        second = warming.run()
        assert second["processes"] == WARM
        assert (second["verdict"], second["warnings"]) == (first["verdict"], first["warnings"])
        assert environment.imports("fit") == fit
    told = left_out(project)
    for name, (_, reason) in UNFIT.items():
        assert reason in told.get(name, "fit"), (name, told.get(name))
    assert told["needs"] == "imports a_thread"
    assert told["tries"] == "imports a_socket"
    assert "fit" not in told


def test_the_project_s_own_modules_are_imported_anew(project: Project) -> None:
    inside = Environment(project.folder / ".venv")
    inside.install(heavy="value = 1\n")
    elsewhere = project.folder.parent / "editable"
    elsewhere.mkdir()
    (inside.packages / "editable.pth").write_text(f"{elsewhere}\n")
    link = inside.packages / "linked.py"
    told = inside.packages / "copied-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: copied\nVersion: 1.0\n")
    (told / "RECORD").write_text("copied.py,,\n")
    (told / "direct_url.json").write_text(json.dumps({"url": project.folder.as_uri(), "dir_info": {}}))
    inside.install(copied="value = 1\n")
    (elsewhere / "target.py").write_text("value = 1\n")
    link.symlink_to(elsewhere / "target.py")
    (elsewhere / "edited.py").write_text("value = 1\n")
    project.write("own.py", "value = 1\n")
    project.write("test_it.py", """
        import copied, heavy, edited, linked, own
        def test_own(): assert own.value == 1
        def test_edited(): assert edited.value == 1
        def test_linked(): assert linked.value == 1
        """)  # fmt: skip
    with session(inside, project) as warming:
        assert warming.run()["verdict"] == "passed"
        warming.prepare()
        before, copied = inside.imports("heavy"), inside.imports("copied")
        for file in (project.folder / "own.py", elsewhere / "edited.py", elsewhere / "target.py"):
            file.write_text("value = 2\n")
        ran = warming.run()
    assert ran["processes"] == WARM
    assert set(ran["outcomes"].values()) == {"failed"}
    assert inside.imports("heavy") == before
    assert inside.imports("copied") == copied + 1


def test_a_module_that_pytest_rewrites_is_the_same_when_it_was_imported_before(
    environment: Environment, project: Project
) -> None:
    environment.install(check_test="def check(left, right):\n    assert left == right\n")
    project.write("test_it.py", "import check_test\ndef test_it(): check_test.check([1, 2], [1, 3])\n")
    with session(environment, project) as warming:
        first = warming.run()
        warming.prepare()
        count = environment.imports("check_test")
        second = warming.run("test_it.py", extra=["-p", "no:cacheprovider"])
    assert second["processes"] == WARM
    assert environment.imports("check_test") == count
    for ran in (first, second):
        assert "At index 1 diff: 2 != 3" in ran["log"]
        assert "already imported" not in ran["log"]


def change_package(environment: Environment, _project: Project) -> None:
    environment.install(heavy="value = 2\n")


def install_package(environment: Environment, _project: Project) -> None:
    (environment.packages / "new-1.0.dist-info").mkdir()


def change_configuration(_environment: Environment, project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -ra\n")


def name_plugin(_environment: Environment, project: Project) -> None:
    project.write("conftest.py", "pytest_plugins = ['heavy']\n")


def shadow(_environment: Environment, project: Project) -> None:
    project.write("heavy.py", "value = 2\n")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (change_package, "heavy.py changed"),
        (install_package, "installed packages changed"),
        (change_configuration, "configuration changed"),
        (name_plugin, "conftest.py names changed"),
        (shadow, "module of the same name"),
    ],
)
def test_a_change_of_what_was_imported_makes_a_cold_run(
    environment: Environment, project: Project, change: Any, reason: str
) -> None:
    environment.install(heavy="value = 1\n")
    project.write("test_it.py", "import heavy\ndef test_it(): print(f'value {heavy.value}')\n")
    with session(environment, project) as warming:
        warming.run()
        warming.prepare()
        change(environment, project)
        ran = warming.run(extra=["-s"])
        (process,) = ran["processes"]
        assert not process[0]
        assert reason in process[1]
        assert ran["verdict"] == "passed", ran["log"]
        assert ("value 2" if change in (change_package, shadow) else "value 1") in ran["log"]
        assert "already imported" not in ran["log"]
        warming.prepare()
        again = warming.run(extra=["-s"])
        assert again["processes"] == WARM
        assert again["outcomes"] == ran["outcomes"]


def test_a_plugin_named_in_the_arguments_is_not_one_that_was_imported_before(
    environment: Environment, project: Project
) -> None:
    environment.install(heavy="")
    project.write("test_it.py", "import heavy\ndef test_it(): pass\n")
    with session(environment, project) as warming:
        warming.run()
        warming.prepare()
        ran = warming.run(extra=["-p", "heavy"])
    assert ran["processes"] == [[False, "pytest is told to take heavy for a plugin"]]
    assert "already imported" not in ran["log"]


def test_after_a_crash_the_next_process_is_cold_and_then_warm_again(
    environment: Environment, project: Project
) -> None:
    project.write("test_it.py", "import os\ndef test_a(): os.abort()\ndef test_b(): pass\n")
    with session(environment, project) as warming:
        warming.run()
        warming.prepare()
        ran = warming.run()
        assert ran["processes"] == [[True, ""], [False, "the run before did not end as it should"]]
        assert ran["outcomes"] == {"test_a": "crashed", "test_b": "passed"}
        warming.prepare()
        assert warming.run()["processes"][0] == [True, ""]


def test_a_first_run_that_crashes_is_followed_by_a_warm_one(
    environment: Environment, project: Project
) -> None:
    project.write("test_it.py", "import os\ndef test_it(): os.abort()\n")
    with session(environment, project) as warming:
        assert warming.run()["outcomes"] == {"test_it": "crashed"}
        warming.prepare()
        project.write("test_it.py", "def test_it(): pass\n")
        ran = warming.run()
    assert (ran["processes"], ran["verdict"]) == (WARM, "passed")


def test_a_hang_at_the_fork_is_noticed_and_the_run_done_cold(
    environment: Environment, project: Project
) -> None:
    environment.install(
        heavy="""
            import os, time
            os.register_at_fork(before=lambda: time.sleep(600 if os.path.exists("hang") else 0))
            """
    )
    project.write("test_it.py", "import heavy\ndef test_it(): pass\n")
    with session(environment, project) as warming:
        warming.run()
        warming.prepare()
        (project.folder / "hang").touch()
        assert warming.run()["processes"] == WARM  # it had been forked already
        warming.prepare(cold=True)
        ran = warming.run()
    reason = "the warm process gave no answer within 5 s (fork)"
    assert ran["processes"] == [[False, reason]]
    assert ran["verdict"] == "passed"
    assert f"started cold: {reason}" in ran["notes"]


def test_a_module_that_ends_the_process_is_not_imported_beforehand_again(
    environment: Environment, project: Project
) -> None:
    environment.install(heavy="import os, sys\nif 'conftest' not in sys.modules: os.abort()\n", fit="")
    project.write("conftest.py", "")
    project.write("test_it.py", "import fit, heavy\ndef test_it(): pass\n")
    with session(environment, project) as warming:
        warming.run()
        warming.prepare(cold=True)
        runs = 0
        while warming.run()["processes"] != WARM:
            runs += 1
            assert runs < 30
            warming.prepare(cold=True)
    assert "ended the process" in left_out(project)["heavy"]


def test_without_warmth_every_run_is_cold_and_says_why(environment: Environment, project: Project) -> None:
    project.write("test_it.py", "def test_it(): pass\n")
    with session(environment, project, WARM_TEST_CONFIG='{"warm": false}') as warming:
        warming.run()
        warming.prepare(cold=True)
        assert warming.run()["processes"] == [[False, "switched off (warm = false)"]]
    assert not (project.folder / ".itdash" / "warm").exists()


SLOW = "import pathlib, time\ndef test_it():\n    pathlib.Path('ran').touch()\n    time.sleep(600)\n"


def waiting_run(warming: Warming, project: Project) -> dict[str, Any]:
    """A warm run that is in the middle of a test which does not end."""
    project.write("test_it.py", "def test_it(): pass\n")
    warming.run()
    warming.prepare()
    project.write("test_it.py", SLOW)
    warming.tell(do="run", announce="pids")
    who = warming.hear()
    wait_for((project.folder / "ran").exists)
    return who


def children(pid: int) -> list[int]:
    """The children of a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_killing_the_session_leaves_nothing(environment: Environment, project: Project) -> None:
    warming = Warming(environment.python, project.folder)
    waiting_run(warming, project)
    warming.kill()
    wait_for(lambda: not warming.alive())
    warming.end()


def test_killing_the_run_is_a_crash_and_the_next_is_cold(environment: Environment, project: Project) -> None:
    with session(environment, project) as warming:
        os.kill(waiting_run(warming, project)["run"], signal.SIGKILL)
        assert warming.hear()["outcomes"] == {"test_it": "crashed"}
        project.write("test_it.py", "def test_it(): pass\n")
        warming.prepare()
        assert warming.run()["processes"] == WARM


def test_killing_the_keeper_ends_the_warm_process_too(environment: Environment, project: Project) -> None:
    with session(environment, project) as warming:
        who = waiting_run(warming, project)
        below = children(who["keeper"])
        assert len(below) == 2
        os.kill(who["keeper"], signal.SIGKILL)
        assert warming.hear()["outcomes"] == {"test_it": "crashed"}
        wait_for(lambda: not {*below} & {*warming.alive()})
        project.write("test_it.py", "def test_it(): pass\n")
        warming.prepare()
        assert warming.run()["processes"] == WARM


def test_killing_the_warm_process_makes_a_cold_run_and_then_another(
    environment: Environment, project: Project
) -> None:
    project.write("test_it.py", "def test_it(): pass\n")
    with session(environment, project) as warming:
        warming.run()
        told = warming.prepare()
        (waiting,) = [message[1] for message in told["heard"] if message[0] == "warm"]
        wait_for(lambda: len(children(told["keeper"])) == 2)
        (warm,) = {*children(told["keeper"])} - {waiting}
        os.kill(warm, signal.SIGKILL)
        wait_for(lambda: not Path(f"/proc/{warm}").exists())
        ran = warming.run()
        assert ran["processes"] == [[False, "the warm process ended"]]
        assert ran["verdict"] == "passed"
        warming.prepare()
        assert warming.run()["processes"] == WARM


def test_a_warm_run_is_interrupted_like_any_other(environment: Environment, project: Project) -> None:
    with session(environment, project) as warming:
        project.write("test_it.py", "def test_it(): pass\n")
        warming.run()
        warming.prepare()
        project.write("test_it.py", SLOW)
        warming.tell(do="run", announce="stop")
        warming.hear()
        ran = warming.hear()
        assert ran["processes"] == WARM
        assert (ran["exit_code"], ran["outcomes"]) == (130, {"test_it": "interrupted"})
        project.write("test_it.py", "def test_it(): pass\n")
        warming.prepare()
        assert warming.run()["processes"] == WARM


def test_what_a_run_leaves_behind_is_ended_and_the_warm_process_is_not(
    environment: Environment, project: Project
) -> None:
    project.write("test_it.py", "import subprocess\ndef test_it(): subprocess.Popen(['sleep', '600'])\n")
    with session(environment, project) as warming:
        warming.run()
        for _ in range(2):
            warming.prepare()
            ran = warming.run()
            assert (ran["processes"], ran["orphans"]) == (WARM, 1)


@pytest.mark.parametrize("warm", ["true", "false"])
def test_a_save_of_the_same_size_within_a_second_is_seen(
    environment: Environment, project: Project, warm: str
) -> None:
    files = [project.write("own.py", "VALUE = 1\n"), project.write("test_value.py", "VALUE = 1\n")]
    project.write(
        "test_it.py", "import own, test_value\ndef test_it(): print(f'{own.VALUE}{test_value.VALUE}')\n"
    )
    with session(environment, project, WARM_TEST_CONFIG=json.dumps({"warm": warm == "true"})) as warming:
        for number in range(1, 5):
            for file in files:
                file.write_text(f"VALUE = {number}\n")
                os.utime(file, (1_700_000_000, 1_700_000_000))
            assert f"{number}{number}" in warming.run("test_it.py", extra=["-s"])["log"]
            warming.prepare(cold=warm == "false")
