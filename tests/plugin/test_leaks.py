"""What tests leave behind: found with its name, in plain pytest and in runs, and nothing else called so."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Project

Found = dict[str, dict[str, list[str]]]
"""What each test left behind, by kind."""

HEAD = """
    import asyncio, http.client, http.server, logging, os, socket, subprocess, sys, threading, time
    import pytest

    KEPT = []
    """


def alone(project: Project, *arguments: str) -> Found:
    """A run of itdash."""
    ran = project.launch(*arguments)
    assert ran.code == 0, ran.out
    found: Found = {}
    for leak in ran.summary["leaks"]:
        test = leak["case"].rpartition("::")[2]
        found.setdefault(test, {})[leak["kind"]] = leak["names"]
        assert leak["count"] == len(leak["names"])
        assert f"{leak['case']}  " in ran.out
    return found


def workers(project: Project, *arguments: str) -> Found:
    """The same with two workers."""
    return alone(project, "-n", "2", *arguments)


def plain(project: Project, *arguments: str) -> Found:
    """Plain pytest that fails for leaks: what its errors say."""
    done = project.pytest("-q", "-p", "no:cacheprovider", "-o", "itdash_leaks=fail", *arguments)
    found: Found = {}
    test = ""
    for line in done.stdout.splitlines():
        if "ERROR at teardown of " in line:
            test = line.partition("ERROR at teardown of ")[2].split()[0]
        before, is_leak, what = line.partition("left behind a ")
        if is_leak and not line.startswith(("ERROR ", "E ")):
            kind, _, name = what.partition(": ")
            whose = before.strip().rpartition("::")[2] or test
            found.setdefault(whose, {}).setdefault(kind, []).append(name)
    assert done.returncode == bool(found), done.stdout
    return found


@pytest.fixture(params=[alone, workers, plain])
def run(request: pytest.FixtureRequest) -> Callable[..., Found]:
    """Each way to run tests in turn."""
    if request.param is workers:
        pytest.importorskip("xdist")
    chosen: Callable[..., Found] = request.param
    return chosen


def write(project: Project, tests: str, name: str = "test_it.py") -> None:
    project.write(name, textwrap.dedent(HEAD) + textwrap.dedent(tests))


def test_each_kind_is_found_and_named(project: Project, run: Callable[..., Found]) -> None:
    write(
        project,
        """
        def test_thread():
            threading.Thread(target=threading.Event().wait, name="mine", daemon=True).start()

        def test_process():
            KEPT.append(subprocess.Popen(["sleep", "30"]))

        def test_socket():
            server = socket.create_server(("127.0.0.1", 0))
            KEPT.extend([server, socket.create_connection(server.getsockname())])

        def test_file(tmp_path):
            KEPT.append(open(tmp_path / "left", "w"))

        def test_pipe():
            KEPT.append(os.pipe())

        async def forever():
            await asyncio.Event().wait()

        @pytest.mark.asyncio
        async def test_task():
            KEPT.append(asyncio.create_task(forever()))
            await asyncio.sleep(0)

        def test_nothing(): pass
        """,
    )
    pytest.importorskip("pytest_asyncio")
    found = run(project)
    assert {test: {kind: len(names) for kind, names in kinds.items()} for test, kinds in found.items()} == {
        "test_thread": {"thread": 1}, "test_process": {"process": 1}, "test_socket": {"socket": 2},
        "test_file": {"descriptor": 1}, "test_pipe": {"descriptor": 2}, "test_task": {"task": 1},
    }  # fmt: skip
    assert found["test_thread"]["thread"] == ["mine, which runs threading.Event.wait"]
    assert found["test_process"]["process"][0].endswith(" sleep 30")
    listening, connected = sorted(found["test_socket"]["socket"], key=lambda name: " to " in name)
    assert listening.startswith("127.0.0.1:") and listening.endswith(" listening")
    assert connected.endswith(f" to {listening.removesuffix(' listening')}")
    assert found["test_file"]["descriptor"][0].endswith("/left")
    assert found["test_task"]["task"] == ["forever"]


def test_what_is_closed_ends_or_belongs_to_others_is_no_leak(
    project: Project, run: Callable[..., Found]
) -> None:
    write(
        project,
        """
        @pytest.fixture
        def connected():
            server = socket.create_server(("127.0.0.1", 0))
            client = socket.create_connection(server.getsockname())
            yield client
            client.close()
            server.close()

        def test_closed_by_its_fixture(connected): pass

        def test_a_thread_that_ends_by_itself():
            threading.Thread(target=time.sleep, args=(0.01,)).start()

        def test_a_process_that_ends_by_itself():
            KEPT.append(subprocess.Popen(["true"]))

        def test_a_log_handler(tmp_path):
            handler = logging.FileHandler(tmp_path / "log")
            logging.getLogger("kept").addHandler(handler)

        def test_the_pool_of_a_loop():
            asyncio.run(asyncio.to_thread(time.sleep, 0))

        def test_a_pool_of_the_process():
            from concurrent.futures import ThreadPoolExecutor
            KEPT.append(ThreadPoolExecutor(2))
            KEPT[-1].submit(int).result()

        def test_the_servants_of_multiprocessing():
            from multiprocessing import shared_memory
            memory = shared_memory.SharedMemory(create=True, size=8)
            memory.close()
            memory.unlink()

        def test_a_loop_that_stays():
            loop = asyncio.new_event_loop()
            KEPT.append(loop)
            loop.run_until_complete(asyncio.sleep(0))

        def test_devices():
            KEPT.extend([open("/dev/urandom"), open("/proc/self/stat")])

        def test_a_circle_that_nobody_holds():
            held = [socket.socket()]
            held.append(held)

        def test_gathered():
            async def every():
                await asyncio.gather(*(asyncio.sleep(0) for _ in range(9)))
            asyncio.run(every())
        """,
    )
    assert run(project) == {}


SERVER = """
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")
        def log_message(self, *_): pass

    @pytest.fixture(scope="session")
    def client():
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        client = http.client.HTTPConnection(*server.server_address)
        yield client
        client.close()
        server.shutdown()
        server.server_close()
        thread.join()

    def asked(client):
        client.request("GET", "/")
        assert client.getresponse().read() == b"ok"

    @pytest.mark.parametrize("number", range(3))
    def test_asks(client, number):
        asked(client)
    """


def test_a_server_of_the_session_is_no_leak(project: Project, run: Callable[..., Found]) -> None:
    write(project, SERVER)
    assert run(project) == {}


def test_a_leak_beside_a_server_of_the_session_is_found_when_it_has_ended(
    project: Project, run: Callable[..., Found]
) -> None:
    write(
        project,
        SERVER
        + """
    def test_leaks(client, tmp_path):
        asked(client)
        KEPT.append(open(tmp_path / "left", "w"))

    def test_comes_after(client):
        asked(client)
    """,
    )
    found = run(project)
    assert list(found) == ["test_leaks"]
    assert list(found["test_leaks"]) == ["descriptor"]


def test_a_process_of_a_module_is_no_leak(project: Project, run: Callable[..., Found]) -> None:
    write(
        project,
        """
        def setup_module():
            KEPT.append(subprocess.Popen(["sleep", "30"]))

        def teardown_module():
            KEPT[0].kill()
            KEPT[0].wait()

        def test_one(): pass
        def test_two(): pass
        """,
    )
    assert run(project) == {}


ASYNC_FIXTURES = """
    async def forever():
        await asyncio.Event().wait()

    @pytest_asyncio.fixture{scope}
    async def started():
        tasks = []
        yield tasks
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @pytest.mark.asyncio{loop}
    async def test_ended_by_its_fixture(started):
        started.append(asyncio.create_task(forever()))
        await asyncio.sleep(0)

    @pytest.mark.asyncio{loop}
    async def test_leaks_beside_it(started):
        KEPT.append(asyncio.create_task(forever()))
        await asyncio.sleep(0)
    """


@pytest.mark.parametrize("wide", [False, True], ids=["function", "session"])
def test_a_task_that_a_fixture_ends_is_no_leak(
    project: Project, run: Callable[..., Found], wide: bool
) -> None:
    pytest.importorskip("pytest_asyncio")
    scope = '(scope="session", loop_scope="session")' if wide else ""
    loop = '(loop_scope="session")' if wide else ""
    project.write(
        "test_it.py",
        textwrap.dedent(HEAD)
        + "import pytest_asyncio\n"
        + textwrap.dedent(ASYNC_FIXTURES.format(scope=scope, loop=loop)),
    )
    assert run(project) == {"test_leaks_beside_it": {"task": ["forever"]}}


def test_hostile_tests_change_nothing(project: Project, run: Callable[..., Found]) -> None:
    write(
        project,
        """
        def test_patches(monkeypatch):
            def broken(*_, **__): raise RuntimeError("patched")
            for name in ("listdir", "stat", "readlink", "open", "read", "waitid", "getpid", "dup"):
                monkeypatch.setattr(os, name, broken)
            monkeypatch.setattr(time, "sleep", broken)
            monkeypatch.setattr(socket, "socket", broken)
            threading.Thread(target=threading.Event().wait, name="in spite", daemon=True).start()

        def test_forks():
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
        """,
    )
    assert run(project) == {"test_patches": {"thread": ["in spite, which runs threading.Event.wait"]}}


def test_a_test_that_closes_all_descriptors_leaves_nothing_behind(project: Project) -> None:
    write(
        project,
        """
        def test_closes_all(tmp_path):
            KEPT.append(open(tmp_path / "left", "w"))
            for number in set(range(3, 256)) - {KEPT[0].fileno()}:
                try:
                    os.close(number)
                except OSError:
                    pass

        def test_comes_after(): pass
        """,
    )
    ran = project.launch()
    assert (ran.summary["leaks"], ran.summary["notes"]) == ([], [])
    assert ran.outcomes() == project.launch(ITDASH_LEAKS="off").outcomes()


def test_a_test_that_fails_is_not_judged(project: Project) -> None:
    write(
        project,
        """
        def test_fails():
            left = open("/etc/hostname")
            assert not left

        @pytest.mark.xfail
        def test_fails_as_expected():
            left = open("/etc/hostname")
            assert not left

        def test_passes(): pass
        """,
    )
    ran = project.launch()
    assert ran.outcomes() == {
        "test_fails": "failed", "test_fails_as_expected": "xfailed", "test_passes": "passed",
    }  # fmt: skip
    assert ran.summary["leaks"] == []


LEAKING = """
    def test_leaks():
        KEPT.append(open("/etc/hostname"))

    def test_comes_after(): pass
    """


@pytest.mark.parametrize("how", ["file", "variable", "profile"])
def test_where_the_project_says_so_a_leak_is_an_error(project: Project, how: str) -> None:
    write(project, LEAKING)
    table = {"file": "[tool.itdash]", "profile": "[tool.itdash.profiles.ci]", "variable": "[tool.other]"}[how]
    project.write("pyproject.toml", f'{table}\nleaks = "fail"\n')
    arguments = ("--profile", "ci") if how == "profile" else ()
    variables = {"ITDASH_LEAKS": "fail"} if how == "variable" else {}
    ran = project.launch(*arguments, **variables)
    assert (ran.code, ran.outcomes()) == (1, {"test_leaks": "error", "test_comes_after": "passed"})
    assert "left behind a descriptor: /etc/hostname" in ran.out
    assert "itdash/plugin" not in ran.out


def test_plain_pytest_fails_where_the_project_says_so(project: Project) -> None:
    write(project, LEAKING)
    assert project.pytest("-q").returncode == 0
    project.write("pyproject.toml", '[tool.itdash]\nleaks = "fail"\n')
    done = project.pytest("-q", "-p", "no:cacheprovider")
    assert done.returncode == 1
    assert "left behind a descriptor: /etc/hostname" in done.stdout
    assert "2 passed, 1 error" in done.stdout


INI = "[pytest]\nasyncio_default_fixture_loop_scope = function\nitdash_leaks = {}\n"


@pytest.mark.parametrize("launched", [True, False], ids=["itdash", "pytest"])
@pytest.mark.parametrize(
    ("ini", "leaks", "arguments", "fails"),
    [
        ("fail", "", (), True),
        ("fail", "warn", (), False),
        ("warn", "fail", (), True),
        ("fail", "fail", ("-o", "itdash_leaks=off"), False),
        ("off", "off", ("-o", "itdash_leaks=fail"), True),
    ],
)
def test_which_of_several_words_wins(
    project: Project, launched: bool, ini: str, leaks: str, arguments: tuple[str, ...], fails: bool
) -> None:
    write(project, LEAKING)
    project.write("pytest.ini", INI.format(ini))
    if leaks:
        project.write("itdash.toml", f'leaks = "{leaks}"\n')
    code = project.launch("--", *arguments).code if launched else project.pytest("-q", *arguments).returncode
    assert code == int(fails)


def test_the_arguments_of_pytest_in_the_configuration_win_over_leaks(project: Project) -> None:
    write(project, LEAKING)
    project.write("itdash.toml", 'leaks = "fail"\npytest_args = ["-o", "itdash_leaks=off"]\n')
    assert project.launch().code == 0


def test_off_does_not_look(project: Project) -> None:
    write(project, LEAKING)
    ran = project.launch(ITDASH_LEAKS="off")
    assert (ran.code, ran.summary["leaks"]) == (0, [])
    assert all("resources" not in case for case in ran.summary["cases"])


def test_a_wrong_word_is_a_mistake(project: Project) -> None:
    write(project, LEAKING)
    ran = project.launch(ITDASH_LEAKS="maybe")
    assert ran.code == 4
    assert "leaks must be warn, fail, off, not 'maybe'" in ran.err
    done = project.pytest("-o", "itdash_leaks=maybe")
    assert done.returncode == 4
    assert "itdash_leaks must be warn, fail or off" in done.stderr


def test_the_summary_has_what_each_test_held(project: Project) -> None:
    write(
        project,
        """
        def test_nothing(): pass

        def test_holds():
            KEPT.append(socket.create_server(("127.0.0.1", 0)))
            KEPT.append(subprocess.Popen(["sleep", "30"]))
            threading.Thread(target=threading.Event().wait, daemon=True).start()

        def test_many_tasks():
            async def every():
                await asyncio.gather(*(asyncio.sleep(0) for _ in range(30)))
            asyncio.run(every())

        def test_leaves_a_task():
            loop = asyncio.new_event_loop()
            KEPT.append(loop.create_task(asyncio.sleep(600)))
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()
        """,
    )
    ran = project.launch()
    cases = ran.cases
    assert "resources" not in cases["test_nothing"]
    held = cases["test_holds"]["resources"]
    for kind in ("threads", "descriptors", "sockets", "children"):
        before, after = held[kind]
        assert after == before + 1, kind
    tasks = cases["test_many_tasks"]["resources"]
    assert (tasks["tasks"], tasks["pending"]) == (31, [])
    assert cases["test_leaves_a_task"]["resources"]["pending"] == ["sleep"]
    kinds = {(leak["case"].rpartition("::")[2], leak["kind"]) for leak in ran.summary["leaks"]}
    assert ("test_leaves_a_task", "task") in kinds


def test_warnings_of_what_is_collected_are_laid_to_the_test_that_left_it(project: Project) -> None:
    write(
        project,
        """
        def test_leaves_a_circle():
            held = [socket.socket()]
            held.append(held)

        def test_comes_after(): pass
        """,
    )
    done = project.pytest("-q", "-W", "error", "-p", "no:cacheprovider", "-o", "itdash_leaks=fail")
    assert "ERROR at teardown of test_leaves_a_circle" in done.stdout
    assert "test_comes_after" not in done.stdout


def test_after_many_leaks_no_more_are_looked_for(project: Project) -> None:
    write(
        project,
        """
        @pytest.mark.parametrize("number", range(55))
        def test_leaks(number):
            KEPT.append(open("/etc/hostname"))
        """,
    )
    ran = project.launch()
    assert len(ran.summary["leaks"]) == 50
    assert ran.summary["notes"] == ["50 tests left something behind; leaks are no longer looked for"]
    assert "and 30 more, in summary.json" in ran.out
