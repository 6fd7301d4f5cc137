"""The clock of a call's faults: each begins and ends at its time, and none outlives the call."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from call_directory import call_notes
from test_faults import paper

from lab.errors import LabError, UsageError
from lab.events import FaultBegan, FaultEnded, Happening
from lab.faults.fault import Fault
from lab.faults.kind import FaultKind, Over
from lab.faults.kinds import FAULT_KINDS
from lab.faults.schedule import Schedule, scheduled
from lab.faults.told import began as told_began
from lab.faults.told import ended as told_ended
from lab.lazy import Lazy
from lab.measure.call.faults import SLACK_S
from lab.measure.call.watches import FaultWatch

DOWN = Fault("down", "caller", "home", at_s=0.05, for_s=0.1)


class Injected:
    """Remembers when it began and ended, and may refuse either."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses
        self.of: list[str] = []
        self.ended = 0

    def begin(self, of: str) -> float:
        if self.refuses == "to begin":
            raise LabError("net.faults beside caller: no delay line answers")
        self.of.append(of)
        return time.time()

    def end(self) -> Over:
        self.ended += 1
        if self.refuses == "to end":
            raise LabError("the fault of caller/home was over before it was ended")
        return Over(time.time(), 7)

    def keep(self) -> None:
        raise AssertionError("a call keeps no fault")


def run(injected: Injected, fault: Fault = DOWN, voice_s: float = 0.4) -> FaultWatch:
    """What a call says whose voice lasts so long; not at all for none."""
    notes = call_notes()
    heard.clear()
    with Schedule([(fault, injected)], heard.append).observe(notes) as begins:
        if voice_s:
            began[:] = [time.time()]
            begins(began[0])
            time.sleep(voice_s)
    (watch,) = notes.faults
    return watch


heard: list[Happening] = []
began: list[float] = []


def test_a_fault_begins_and_ends_at_its_time_and_is_told() -> None:
    injected = Injected()
    watch = run(injected)
    assert injected.of == [call_notes().call_id]
    assert (watch.kind, watch.place, watch.lost, watch.failure) == (
        "down", "caller/home", 7, None,
    )  # fmt: skip
    assert watch.began_at is not None
    assert watch.ended_at is not None
    assert 0.05 <= watch.began_at - began[0] < 0.05 + SLACK_S
    assert 0.1 <= watch.ended_at - watch.began_at < 0.1 + SLACK_S
    first, last = heard
    assert first == FaultBegan("down", "caller", "home", None, 0.1)
    assert isinstance(last, FaultEnded)
    assert (last.kind, last.lost) == ("down", 7)
    assert last.seconds == pytest.approx(watch.ended_at - watch.began_at, abs=0.001)


@pytest.mark.parametrize("for_s", [None, 60.0])
def test_what_is_in_force_when_the_call_is_over_ends_with_it(for_s: float | None) -> None:
    injected = Injected()
    watch = run(injected, replace(DOWN, for_s=for_s), voice_s=0.15)
    assert injected.ended == 1
    assert watch.ended_at is not None
    assert watch.began_at is not None
    assert watch.ended_at - watch.began_at < 10


@pytest.mark.parametrize(("fault", "voice_s"), [(replace(DOWN, at_s=60.0), 0.05), (DOWN, 0.0)])
def test_a_fault_whose_time_does_not_come_never_begins(fault: Fault, voice_s: float) -> None:
    injected = Injected()
    watch = run(injected, fault, voice_s)
    assert (injected.of, injected.ended, watch.began_at, heard) == ([], 0, None, [])


def test_a_fault_that_cannot_be_had_is_noted() -> None:
    watch = run(Injected("to begin"))
    assert (watch.began_at, watch.failure) == (
        None, "net.faults beside caller: no delay line answers",
    )  # fmt: skip


def test_a_fault_that_somebody_else_has_ended_is_noted() -> None:
    watch = run(Injected("to end"))
    assert watch.began_at is not None
    assert watch.ended_at is None
    assert watch.failure == "the fault of caller/home was over before it was ended"


def test_a_call_that_is_interrupted_leaves_no_fault() -> None:
    injected = Injected()
    notes = call_notes()
    with (
        pytest.raises(KeyboardInterrupt),
        Schedule([(replace(DOWN, at_s=0.0), injected)], lambda _: None).observe(notes) as begins,
    ):
        begins(time.time())
        deadline = time.monotonic() + 5
        while not injected.of and time.monotonic() < deadline:
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert (len(injected.of), injected.ended) == (1, 1)


def test_two_faults_have_clocks_of_their_own() -> None:
    """The one that takes long does not hold up the other."""

    class Slow(Injected):
        def begin(self, of: str) -> float:
            time.sleep(0.3)
            return super().begin(of)

    slow, quick, notes = Slow(), Injected(), call_notes()
    asked: Any = [(replace(DOWN, at_s=0.0), slow), (replace(DOWN, node="callee"), quick)]
    with Schedule(asked, lambda _: None).observe(notes) as begins:
        begins(at := time.time())
        time.sleep(0.4)
    slow_watch, watch = notes.faults
    assert slow_watch.began_at is not None
    assert watch.began_at is not None
    assert watch.began_at - at < 0.25 < slow_watch.began_at - at


@contextmanager
def tripped(_lab: Any, fault: Fault, _tell: Any) -> Iterator[Injected]:
    at_hand.append(fault.node)
    yield Injected()
    at_hand.remove(fault.node)


def stand(_lab: Any, _fault: Fault, _tell: Any) -> bool:
    return True


at_hand: list[str] = []
TRIP = FaultKind(
    name="trip",
    description="Let NODE trip over its cable",
    past="on the floor",
    ended_by="stand",
    ending="Help NODE up",
    position=99,
    inject=Lazy(__name__, "tripped"),
    mend=Lazy(__name__, "stand"),
    on_link=False,
)


def test_a_kind_is_one_value_and_all_it_takes_is_at_hand_before_the_call() -> None:
    lab = cast(Any, SimpleNamespace(topology=paper()))
    with FAULT_KINDS.having(TRIP):
        with scheduled(lab, [Fault("trip", "relay1", at_s=1.0)], lambda _: None) as schedule:
            assert at_hand == ["relay1"]
            notes = call_notes()
            with schedule.observe(notes):
                pass
        assert at_hand == []
        assert notes.faults[0].past == "on the floor"
        with (
            pytest.raises(UsageError, match="trip relay9: there is no node 'relay9'"),
            scheduled(lab, [Fault("trip", "relay9", at_s=1.0)], lambda _: None),
        ):
            raise AssertionError("nothing is at hand")


def test_what_is_told_has_the_words_of_the_fault() -> None:
    loss = Fault("loss", "server", "hosting", 12.5)
    assert told_began(loss) == FaultBegan("loss", "server", "hosting", 12.5, None)
    assert told_ended(loss, 1.23456, 9) == FaultEnded("loss", "server", "hosting", 1.235, 9)
