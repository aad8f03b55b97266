"""What the run took, in the state: bounded, with its peaks, over several processes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from itdash.events import model
from itdash.render import resources as render
from itdash.state import fold, resources
from itdash.state.run import RunState

SAMPLES = st.lists(
    st.builds(
        model.ResourcesSampled, t=st.just(0), pid=st.sampled_from([1, 1, 1, 2]), cpu=st.integers(0, 10**12),
        memory=st.integers(0, 10**12), processes=st.integers(1, 99), threads=st.integers(1, 99),
        descriptors=st.integers(0, 9_999),
    ),
    min_size=1, max_size=60,
)  # fmt: skip


def sample(t: int, *, pid: int = 1, cpu: int = 0, memory: int = 1) -> model.ResourcesSampled:
    return model.ResourcesSampled(t, pid, cpu, memory, 1, 1, 1)


def sampled(events: list[model.ResourcesSampled]) -> resources.Resources:
    return fold.replay(events).resources


@settings(deadline=None)
@given(SAMPLES, st.integers(1, 40))
def test_the_series_is_bounded_and_keeps_the_peaks(drawn: list[model.ResourcesSampled], times: int) -> None:
    events = [
        model.ResourcesSampled(t, one.pid, one.cpu, one.memory, one.processes, one.threads, one.descriptors)
        for t, one in enumerate(drawn * times)
    ]
    found = sampled(events)
    assert len(found.series) <= resources.POINTS_KEPT
    assert found.samples == len(events)
    assert found.peak is not None
    for field in ("memory", "processes", "threads", "descriptors"):
        highest = max(getattr(event, field) for event in events)
        assert getattr(found.peak, field) == highest
        assert max(getattr(point, field) for point in found.series) == highest
    moments = [point.t for point in found.series]
    assert moments == sorted(set(moments))
    assert [point.cpu for point in found.series] == sorted(point.cpu for point in found.series)


def test_a_process_that_follows_another_counts_on() -> None:
    found = sampled([sample(1, cpu=5), sample(2, cpu=8), sample(3, pid=2, cpu=1), sample(4, pid=2, cpu=4)])
    assert [point.cpu for point in found.series] == [5, 8, 9, 12]
    assert found.cpu == 12


def test_a_run_that_was_never_looked_at_has_no_figures() -> None:
    state = RunState()
    assert resources.plain(state.resources) is None
    assert render.lines(state) == []


def collected(*names: str) -> model.CasesCollected:
    return model.CasesCollected(0, 0, tuple(model.CollectedCase(name) for name in names))


def test_leaks_are_told_with_their_test_and_foreign_names_are_inert() -> None:
    state = fold.replay(
        [
            collected("test_it.py::test_a"),
            model.LeakFound(1, 0, "thread", 3, ("\x1b[2Jfirst", "second", "third")),
            model.LeakFound(2, 7, "task", 1, ("forever",)),
        ]
    )
    told = [line.text for line in render.leaks(state)]
    assert told[2].split() == ["test_it.py::test_a", "thread", "\\x1b[2Jfirst", "and", "2", "more"]
    assert resources.plain_leaks(state.resources, state.ids)[1]["case"] == "7"


def test_more_leaks_than_are_shown_or_kept_are_counted() -> None:
    events = [model.LeakFound(n, n, "thread", 1, ("one",)) for n in range(resources.LEAKS_KEPT + 5)]
    state = fold.replay(events)
    told = [line.text for line in render.leaks(state, 20)]
    assert told[-2:] == [f"  and {resources.LEAKS_KEPT - 20:,} more, in summary.json",
                         "  and 5 more, in the journal"]  # fmt: skip


def test_stages_have_percentiles_where_there_are_tests_enough() -> None:
    def run(tests: int) -> RunState:
        events: list[model.AnyEvent] = [collected(*(f"test_it.py::test_{n}" for n in range(tests)))]
        for n in range(tests):
            events.append(model.CaseStarted(n, n))
            for stage, took in (("setup", 1_000), ("call", 1_000_000 * (n + 1)), ("teardown", 2_000)):
                category = "passed" if stage == "call" else ""
                events.append(model.StageFinished(n, n, stage, "passed", took, category))  # type: ignore[arg-type]
            events.append(model.CaseFinished(n, n))
        return fold.replay(events)

    assert render.stages(run(19)) == []
    rows = {line.text.split()[0]: line.text.split() for line in render.stages(run(20))[2:]}
    assert rows["setup"] == ["setup", "20", "1.00µs", "1.00µs", "-", "1.00µs"]
    assert rows["call"][-1] == "20.0ms"
    assert all(line.text.isascii() for line in render.lines(run(20), ascii_only=True))
