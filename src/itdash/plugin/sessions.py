"""A session's first and last word, and what goes wrong outside of its tests, as events."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from itdash.events import model
from itdash.events.segment import high
from itdash.orders import STACKS_SIGNAL
from itdash.plugin import stages, terminal
from itdash.probe import attention

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from itdash.orders import Assignment
    from itdash.plugin.channel import Channel


class SessionRecorder:
    """Tells that the session began, ended, was stopped, warned or broke."""

    def __init__(self, channel: Channel, see: Callable[[Any, str], None]) -> None:
        self._channel, self._see = channel, see
        self._emit, self._now = channel.emit, channel.now
        self._stacks = -1
        self._stop_reason = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """The session begins."""
        config, channel = session.config, self._channel
        channel.controls = config.pluginmanager.has_plugin("dsession")
        self._stacks = take_stacks(channel.assignment)
        self._emit(
            model.SessionStarted(
                t=self._now(), part=channel.assignment.part, pid=os.getpid(), worker=channel.worker,
                pytest=pytest.__version__, rootdir=str(config.rootpath), distributed=channel.controls,
                plugins=tuple(sorted({f"{dist.project_name} {dist.version}" for _, dist in
                                      config.pluginmanager.list_plugin_distinfo()})),
            )
        )  # fmt: skip
        if not (channel.worker or channel.controls):
            terminal.quicken(config, self._see)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """The session's last word, after everybody else had theirs."""
        try:
            return (yield)
        finally:
            channel = self._channel
            segment = channel.segment
            reason = session.shouldfail or session.shouldstop or self._stop_reason
            if reason and not channel.worker:
                self._emit(model.SessionStopped(t=self._now(), reason=str(reason)))
            reporter: Any = channel.config.pluginmanager.get_plugin("terminalreporter")
            stats = getattr(reporter, "stats", {})
            tally = {str(key): len(reports) for key, reports in stats.items() if key}
            cost = attention.cost()
            if cost is not None:
                self._emit(model.ProbeClosed(self._now(), *cost))
            self._emit(
                model.SessionFinished(
                    t=self._now(), part=channel.assignment.part, worker=channel.worker, tally=tally,
                    exit_code=int(session.exitstatus), emit_ns=segment.emit_ns, events=segment.events,
                    lost=segment.lost,
                )
            )  # fmt: skip

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: object) -> None:
        """pytest or a plugin broke."""
        text = str(excrepr)
        if len(text) > stages.KEPT_IN_LINE:
            self._channel.keep("internalerror", text)
            text = stages.shortened(text)
        self._emit(model.InternalErrorRaised(t=self._now(), text=text))

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C or `pytest.exit`."""
        self._stop_reason = str(excinfo.value) or type(excinfo.value).__name__

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any, when: str, nodeid: str) -> None:
        """A warning; workers pass theirs on to the controller, which tells it."""
        if self._channel.worker:
            return
        self._emit(
            model.WarningRecorded(
                t=self._now(), category=warning_message.category.__name__, when=when, node=nodeid,
                message=str(warning_message.message)[: stages.KEPT_IN_LINE],
                file=str(warning_message.filename), line=int(warning_message.lineno),
            )
        )  # fmt: skip


def take_stacks(assignment: Assignment) -> int:
    """Send the stacks of a fatal signal, or of a request, to a file of the run: its descriptor, or -1."""
    import faulthandler

    path = f"{assignment.folder}/stacks/{assignment.segment}.txt"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        stacks = high(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644))
        if faulthandler.is_enabled():
            faulthandler.enable(file=stacks)
        if STACKS_SIGNAL:
            faulthandler.register(STACKS_SIGNAL, file=stacks, all_threads=True)
    except (OSError, RuntimeError):
        return -1
    return stacks
