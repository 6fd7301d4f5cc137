"""The calls of a demonstration: at their point, stored, told, and made again where not valid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from demo_person import Script, record

from lab.demo import stage as module
from lab.demo.demonstration import NotShownError
from lab.demo.stage import CALL_S, TRIES, Stage
from lab.events import silent
from lab.measure.call.notes import CallPlan
from lab.measure.record import CallRecord
from lab.sweep.dimensions.load import LOAD_COUNT
from lab.sweep.dimensions.rate import RATE
from lab.sweep.point import Point

LAB: Any = SimpleNamespace(running=SimpleNamespace(name="classroom"))
NOTHING: Any = None


class Calls:
    """What takes the place of a lab: outcomes of calls, and what they were asked for."""

    def __init__(self, outcomes: Sequence[CallRecord]) -> None:
        self.outcomes = list(outcomes)
        self.points: list[tuple[Point, int]] = []
        self.plans: list[CallPlan] = []
        self.stored: list[CallRecord] = []
        self.open = 0

    @contextmanager
    def conditions(self, _lab: Any, point: Point, seed: int, _tell: Any) -> Iterator[tuple[()]]:
        self.points.append((point, seed))
        self.open += 1
        yield ()
        self.open -= 1

    def make_call(self, _lab: Any, plan: CallPlan, *_: Any) -> CallRecord:
        self.plans.append(plan)
        return self.outcomes.pop(0)

    def add_call(self, made: CallRecord) -> None:
        assert self.open == 0, "what surrounds the call is put back first"
        self.stored.append(made)


def staged(monkeypatch: pytest.MonkeyPatch, *outcomes: CallRecord) -> tuple[Stage, Calls, Script]:
    calls, person = Calls(outcomes), Script()
    monkeypatch.setattr(module, "conditions", calls.conditions)
    monkeypatch.setattr(module, "make_call", calls.make_call)
    monkeypatch.setattr(module, "in_lab", lambda *_: silent)
    store: Any = calls
    return Stage(NOTHING, LAB, person, store, NOTHING, 7, []), calls, person


BUSY = record(valid=False, invalid_reasons=["the host's CPU 99 %"])


def test_a_call_is_made_at_its_point_and_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    good = record()
    stage, calls, person = staged(monkeypatch, good)
    made = stage.call(
        "a call at 500 kbit/s", "v-tor", rate_kbps=500, placement="server", load_kind="wget",
        load_count=4, load_through="direct", direction="to-caller",
    )  # fmt: skip
    assert made is good
    assert calls.stored == stage.calls == [good]
    [(point, seed)] = calls.points
    assert (point[RATE], point[LOAD_COUNT], seed) == (500, 4, 7)
    [plan] = calls.plans
    assert (plan.method, plan.duration_s, plan.seed) == ("v-tor", CALL_S, 7)
    assert person.read == ["(a call at 500 kbit/s)"]


def test_a_seed_of_its_own_and_hops(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, calls, _ = staged(monkeypatch, record())
    stage.call("a call", "v-tor", seed=11, hops=2)
    assert (calls.plans[0].seed, calls.plans[0].hops, calls.points[0][1]) == (11, 2, 11)


def test_one_that_is_not_valid_is_made_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    good = record()
    stage, calls, person = staged(monkeypatch, BUSY, good)
    assert stage.call("a call", "sip") is good
    assert calls.stored == stage.calls == [BUSY, good], "the other is kept and shown as well"
    assert "Invalid: the host's CPU 99 %. Once more." in person.read


def test_after_the_last_try_it_is_said_why_nothing_was_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage, calls, person = staged(monkeypatch, *[BUSY] * TRIES)
    with pytest.raises(NotShownError, match="tries of a call was valid: the host's CPU 99 %"):
        stage.call("a call", "sip")
    assert len(calls.stored) == TRIES
    assert person.read[-1] == "Invalid: the host's CPU 99 %.", "and no more of it"


def test_a_call_that_fails_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = record(status="failed", valid=False, reason="no answer")
    stage, calls, _ = staged(monkeypatch, failed, failed)
    with pytest.raises(NotShownError, match="a call failed: no answer"):
        stage.call("a call", "sip")
    assert len(calls.stored) == 1
    assert stage.attempt("a call", "sip") is failed, "where that is an answer, too"


def test_in_another_lab_calls_are_the_same_demonstrations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = record()
    stage, _, _ = staged(monkeypatch, good)
    stage.elsewhere(LAB).call("a call", "sip")
    assert stage.calls == [good]
