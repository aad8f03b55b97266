"""The only writer of the state of a run: `apply` takes one event in, `replay` a whole recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from itdash.events import model
from itdash.state.cases import ABORTED, Case, Running, worse
from itdash.state.run import WARNINGS_KEPT, RunState, SuiteTally
from itdash.state.suites import SuiteNames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def apply(state: RunState, event: model.AnyEvent) -> None:
    """Change the state as the event says."""
    _HANDLERS[type(event)](state, event)
    state.t = max(state.t, event.t)


def apply_all(state: RunState, events: Iterable[model.AnyEvent]) -> None:
    """Take many events in."""
    handlers = _HANDLERS
    event = None
    for event in events:
        handlers[type(event)](state, event)
    if event is not None and event.t > state.t:
        state.t = event.t


def replay(events: Iterable[model.AnyEvent]) -> RunState:
    """The state that these events make; the same events always make the same."""
    state = RunState()
    apply_all(state, events)
    return state


def _run_started(state: RunState, event: model.RunStarted) -> None:
    state.run = event
    state.names = SuiteNames(event.root, event.suites)
    if any(suite.budgets for suite in event.suites):
        from itdash.state.gate import measured_apart

        for suite, name in measured_apart(event.suites):
            state.operations.watch(suite, name)


def _run_joined(state: RunState, event: model.RunJoined) -> None:
    state.joined.append(event)


def _process_started(state: RunState, event: model.ProcessStarted) -> None:
    state.processes[event.part] = event
    state.collecting.clear()
    state.cut_off.clear()
    state.stopped.clear()


def _session_started(state: RunState, event: model.SessionStarted) -> None:
    state.sessions[event.part, event.worker] = event
    state.names.rootdir = event.rootdir


def _collector_started(state: RunState, event: model.CollectorStarted) -> None:
    state.collecting[event.worker] = event


def _collection_progressed(state: RunState, event: model.CollectionProgressed) -> None:
    state.found = max(state.found, event.found)
    state.collecting.pop(event.worker, None)


def _collection_failed(state: RunState, event: model.CollectionFailed) -> None:
    state.uncollected.append(event)
    state.tally[event.category] += 1


def _cases_collected(state: RunState, event: model.CasesCollected) -> None:
    cases, ids, suite_of = state.cases, state.ids, state.names.of
    for number, row in enumerate(event.cases, event.first):
        nodeid = row.id
        if number in ids and ids[number] != nodeid:
            _name(state, number, nodeid)
        ids[number] = nodeid
        known = cases.get(nodeid)
        if known is None:
            suite = suite_of(nodeid)
            cases[nodeid] = Case(nodeid, suite, row.line, row.keywords, doc=row.doc)
            _suite(state, suite).total += 1
        elif known.line < row.line:
            cases[nodeid] = replace(known, line=row.line, keywords=row.keywords, doc=row.doc)
        if row.requirements:
            state.requirements.claim(row)
    state.found = max(state.found, len(cases))


def _cases_deselected(state: RunState, event: model.CasesDeselected) -> None:
    state.deselected += event.count


def _shard_taken(state: RunState, event: model.ShardTaken) -> None:
    state.shards.append(event)


def _collection_finished(state: RunState, _event: model.CollectionFinished) -> None:
    state.collected = True
    state.collecting.pop("", None)


def _worker_lost(state: RunState, event: model.WorkerLost) -> None:
    file = state.collecting.pop(event.worker, None)
    if file is not None:
        state.cut_off.append(file)


def _case_started(state: RunState, event: model.CaseStarted) -> None:
    number = event.case
    nodeid = state.ids.get(number)
    if nodeid is None:
        nodeid = _unknown(state, number)
    case = state.cases[nodeid]
    state.operations.case_started(event.worker, number, event.t)
    if not case.outcome:
        state.running[number] = Running(nodeid, event.t, event.worker)
    elif case.ended < event.t:
        again = case.outcome in ABORTED or case.outcome == "rerun"
        running = Running(nodeid, event.t, event.worker, case.attempts + again)
        running.before = None if again else case
        if case.outcome == "rerun":
            running.reports = list(case.reports)
        state.running[number] = running
        _take_back(state, case)


def _unknown(state: RunState, number: int) -> str:
    """A recording that lost the line with this test's name still shows that there was a test."""
    nodeid = state.ids[number] = f"(test {number}, its name was lost)"
    suite = state.names.of(nodeid)
    state.cases[nodeid] = Case(nodeid, suite)
    _suite(state, suite).total += 1
    return nodeid


def _name(state: RunState, number: int, nodeid: str) -> None:
    """The name of a test that began before its name was read, in a file of another process."""
    unnamed = state.cases.pop(state.ids[number])
    state.suites[unnamed.suite].total -= 1
    if unnamed.outcome:
        state.suites[unnamed.suite].count(unnamed, -1)
    suite = state.names.of(nodeid)
    _suite(state, suite).total += nodeid not in state.cases
    case = state.cases[nodeid] = replace(unnamed, id=nodeid, suite=suite)
    if case.outcome:
        state.suites[suite].count(case, 1)
    if state.failing.pop(unnamed.id, 0) is None:
        state.failing[nodeid] = None
    if number in state.running:
        state.running[number].id = nodeid


def _suite(state: RunState, name: str) -> SuiteTally:
    tally = state.suites.get(name)
    if tally is None:
        tally = state.suites[name] = SuiteTally(name)
    return tally


def _take_back(state: RunState, case: Case) -> None:
    """A test that had ended runs once more."""
    state.finished_cases -= 1
    state.suites[case.suite].count(case, -1)


def _open_case(state: RunState, number: int, t: int) -> Running | None:
    """The test as running; none if itdash closed it, and this is only an echo."""
    running = state.running.get(number)
    if running is not None:
        return running
    nodeid = state.ids.get(number) or _unknown(state, number)
    case = state.cases[nodeid]
    if case.outcome in ABORTED:
        return None
    if case.outcome:
        _take_back(state, case)
    running = state.running[number] = Running(nodeid, t, case.worker, case.attempts + 1)
    return running


def _stage_started(state: RunState, event: model.StageStarted) -> None:
    running = state.running.get(event.case)
    if running is not None:
        running.stage = event.stage


def _stage_finished(state: RunState, event: model.StageFinished) -> None:
    running = state.running.get(event.case) or _open_case(state, event.case, event.t)
    if running is None:
        return
    cause = _crash_cause(running) if event.stage == "crash" else ""
    running.finish_stage(event)
    if event.category:
        state.tally[event.category] += 1
    if event.category == "rerun" and _has_native_subtests(state):
        state.tally.subtract(running.subtests)  # as pytest-rerunfailures does with pytest's own counts
        running.subtests.clear()
    if cause:
        _end(state, event.case, event.t, "crashed", cause)


def _has_native_subtests(state: RunState) -> bool:
    return all(int(session.pytest.partition(".")[0]) >= 9 for session in state.sessions.values())


def _crash_cause(running: Running) -> str:
    worker = f" of worker {running.worker}" if running.worker else ""
    return f"the process{worker} ended in {running.stage}"


def _subtest_finished(state: RunState, event: model.SubtestFinished) -> None:
    running = _open_case(state, event.case, event.t)
    if running is None:
        return
    running.finish_subtest(event)
    if event.category:
        state.tally[event.category] += 1


def _case_finished(state: RunState, event: model.CaseFinished) -> None:
    running = state.running.get(event.case)
    if running is not None:
        _end(state, event.case, event.t, running.category or "not run", "")


def _case_aborted(state: RunState, event: model.CaseAborted) -> None:
    if _open_case(state, event.case, event.t) is None:
        nodeid = state.ids[event.case]
        case = state.cases[nodeid]
        if case.outcome == event.end and not case.stacks:
            state.cases[nodeid] = replace(case, cause=event.cause, stacks=event.stacks)
        return
    state.tally[event.end] += 1
    _end(state, event.case, event.t, event.end, event.cause, event.stacks)


def _end(state: RunState, number: int, t: int, outcome: str, cause: str, stacks: str = "") -> None:
    running = state.running.pop(number)
    state.operations.case_ended(running.worker, t)
    old = state.cases[running.id]
    case = state.cases[running.id] = Case(
        running.id, old.suite, old.line, old.keywords, outcome, cause, running.attempts, running.worker,
        running.started, t, tuple(running.durations), tuple(running.reports), stacks, old.doc,
    )  # fmt: skip
    if running.before is not None:
        case = state.cases[running.id] = worse(running.before, case)
    state.finished_cases += 1
    state.suites[case.suite].count(case, 1)
    if case.failing:
        state.failing[running.id] = None
    else:
        state.failing.pop(running.id, None)


def _warning_recorded(state: RunState, event: model.WarningRecorded) -> None:
    state.tally["warnings"] += 1
    if len(state.warnings) < WARNINGS_KEPT:
        state.warnings.append(event)


def _internal_error(state: RunState, event: model.InternalErrorRaised) -> None:
    state.internal_errors.append(event)


def _session_stopped(state: RunState, event: model.SessionStopped) -> None:
    state.stopped.append(event)


def _session_finished(state: RunState, event: model.SessionFinished) -> None:
    state.last_words[event.part, event.worker] = event


def _process_ended(state: RunState, event: model.ProcessEnded) -> None:
    state.ends[event.part] = event
    state.operations.part_ended(event.part, event.t)


def _orphan_ended(state: RunState, event: model.OrphanEnded) -> None:
    state.orphans.append(event)


def _stop_requested(state: RunState, event: model.StopRequested) -> None:
    state.requests.append(event)


def _note_added(state: RunState, event: model.NoteAdded) -> None:
    state.notes.append(event.text)


def _requirements_declared(state: RunState, event: model.RequirementsDeclared) -> None:
    state.requirements.declare(event)


def _run_finished(state: RunState, event: model.RunFinished) -> None:
    for nodeid, case in state.cases.items():
        if not case.outcome:
            state.cases[nodeid] = replace(case, outcome="not run", cause=event.reason, ended=event.t)
            state.tally["not run"] += 1
    state.finished = event
    state.operations.run_finished()


def _operations_happened(state: RunState, event: model.OperationsHappened) -> None:
    state.operations.take(event)


def _probe_lost(state: RunState, event: model.ProbeLost) -> None:
    state.operations.source_lost(event.source, event.t)


def _probe_closed(state: RunState, event: model.ProbeClosed) -> None:
    state.operations.closed.append(event)


def _mark_added(state: RunState, event: model.MarkAdded) -> None:
    state.operations.marked(event)


def _budget_judged(state: RunState, event: model.BudgetJudged) -> None:
    state.operations.judged(event)


def _resources_counted(state: RunState, event: model.ResourcesCounted) -> None:
    state.resources.count(event)


def _leak_found(state: RunState, event: model.LeakFound) -> None:
    state.resources.leaked(event)


def _resources_sampled(state: RunState, event: model.ResourcesSampled) -> None:
    state.resources.sampled(event)


_HANDLERS: dict[type, Callable[[RunState, Any], None]] = {
    model.RunStarted: _run_started,
    model.RunJoined: _run_joined,
    model.ProcessStarted: _process_started,
    model.SessionStarted: _session_started,
    model.CollectorStarted: _collector_started,
    model.CollectionProgressed: _collection_progressed,
    model.CollectionFailed: _collection_failed,
    model.CasesCollected: _cases_collected,
    model.CasesDeselected: _cases_deselected,
    model.ShardTaken: _shard_taken,
    model.CollectionFinished: _collection_finished,
    model.WorkerLost: _worker_lost,
    model.CaseStarted: _case_started,
    model.StageStarted: _stage_started,
    model.StageFinished: _stage_finished,
    model.SubtestFinished: _subtest_finished,
    model.CaseFinished: _case_finished,
    model.CaseAborted: _case_aborted,
    model.WarningRecorded: _warning_recorded,
    model.InternalErrorRaised: _internal_error,
    model.SessionStopped: _session_stopped,
    model.SessionFinished: _session_finished,
    model.ProcessEnded: _process_ended,
    model.OrphanEnded: _orphan_ended,
    model.StopRequested: _stop_requested,
    model.NoteAdded: _note_added,
    model.RunFinished: _run_finished,
    model.OperationsHappened: _operations_happened,
    model.ProbeLost: _probe_lost,
    model.ProbeClosed: _probe_closed,
    model.MarkAdded: _mark_added,
    model.BudgetJudged: _budget_judged,
    model.ResourcesCounted: _resources_counted,
    model.LeakFound: _leak_found,
    model.ResourcesSampled: _resources_sampled,
    model.RequirementsDeclared: _requirements_declared,
}
