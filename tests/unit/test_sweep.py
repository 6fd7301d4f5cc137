"""Plans, ledgers and the loop: every point gets its valid calls, whatever happens between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from simulated_calls import SimulatedCalls, simulated

from lab.errors import LabError
from lab.events import CallStage, Happening, Listener, RunAdvanced, silent
from lab.measure.record import CallRecord
from lab.sweep.dimensions.load import LOAD_COUNT
from lab.sweep.dimensions.vpn import CIPHER
from lab.sweep.executor import Executor
from lab.sweep.experiment import Experiment
from lab.sweep.ledger import Ledger
from lab.sweep.place import side_by_side
from lab.sweep.plan import Plan, PlannedCall, make_plan, plan_from_json
from lab.sweep.point import Point
from lab.sweep.runner import run_plan

POINTS = tuple(
    Point("v-tor", load_kind="wget", load_count=count, load_through="tor") for count in (20, 40, 80)
)


def experiment(
    points: Sequence[Point] = POINTS,
    calls: int = 4,
    attempts: int = 3,
    seed: int = 1,
    precision_mos: float | None = None,
) -> Experiment:
    return Experiment(
        name="cliff",
        description="",
        paper_table=None,
        topology=Path("paper.yaml"),
        seed=seed,
        calls=calls,
        calls_at_most=calls * attempts,
        precision_mos=precision_mos,
        points=tuple(points),
        quick=False,
        source="",
    )


def run(plan: Plan, executors: Sequence[Executor], kept: list[CallRecord]) -> Ledger:
    ledger = Ledger(plan, kept)
    with side_by_side(executors) as place:
        run_plan(ledger, place, kept.append, silent)
    return ledger


def outcome(planned: PlannedCall, status: str = "ok", valid: bool = True) -> CallRecord:
    record = simulated(planned)
    record.status, record.valid = status, valid
    return record


def test_the_order_is_the_seeds_and_survives_being_stored() -> None:
    plan = make_plan(experiment())
    assert plan == make_plan(experiment())
    assert plan == plan_from_json(plan.to_json())
    assert plan.order != make_plan(experiment(seed=2)).order


def test_the_wanted_calls_of_all_points_are_mixed_and_come_before_any_spare() -> None:
    plan = make_plan(experiment())
    first_round = plan.order[: 3 * 4]
    assert {planned.number for planned in first_round} == {1, 2, 3, 4}
    assert {planned.number for planned in plan.order[3 * 4 :]} == set(range(5, 13))
    loads = [planned.point[LOAD_COUNT] for planned in first_round]
    assert loads != sorted(loads)
    assert len({planned.seed for planned in plan.order}) == len(plan.order)


def test_points_of_one_cipher_stay_together() -> None:
    """Another cipher needs the lab brought up anew."""
    points = [
        Point("v-tor", cipher=cipher, digest="SHA512", load_kind="wget", load_count=count)
        for cipher in ("AES-256-GCM", "AES-256-CBC")
        for count in (1, 2, 3)
    ]
    ciphers = [planned.point[CIPHER] for planned in make_plan(experiment(points)).order[: 6 * 4]]
    assert sum(a != b for a, b in pairwise(ciphers)) == 1


def test_every_point_gets_its_valid_calls_or_all_its_attempts() -> None:
    plan = make_plan(experiment(calls=10))
    kept: list[CallRecord] = []
    ledger = run(plan, [SimulatedCalls()], kept)
    assert ledger.still_wanted == 0
    for tally in ledger.tallies.values():
        assert tally.valid == 10 or tally.failed >= 10 or tally.made == 30
    assert any(tally.invalid for tally in ledger.tallies.values())
    calls = Counter((record.point_id, record.point_call) for record in kept)
    assert set(calls.values()) == {1}


def test_several_executors_make_no_call_twice_and_none_in_vain() -> None:
    plan = make_plan(experiment(calls=10))
    kept: list[CallRecord] = []
    executors = [SimulatedCalls() for _ in range(4)]
    ledger = run(plan, executors, kept)
    calls = Counter((record.point_id, record.point_call) for record in kept)
    assert set(calls.values()) == {1}
    assert ledger.still_wanted == 0
    assert all(tally.valid <= 10 for tally in ledger.tallies.values())
    assert sum(len(executor.asked) for executor in executors) == len(kept)


def test_stopped_anywhere_it_goes_on_to_the_same_calls() -> None:
    """The stored calls alone decide what is next."""
    plan = make_plan(experiment())
    whole: list[CallRecord] = []
    run(plan, [SimulatedCalls()], whole)
    for stop in range(len(whole)):
        kept = whole[:stop]
        run(plan_from_json(plan.to_json()), [SimulatedCalls()], kept)
        assert [record.call_id for record in kept] == [record.call_id for record in whole]


def test_invalid_calls_are_made_up_for_within_bounds() -> None:
    plan = make_plan(experiment(POINTS[:1], calls=2, attempts=3))
    ledger = Ledger(plan)
    for _ in range(6):
        planned = ledger.take()
        assert planned is not None
        ledger.enter(outcome(planned, valid=False))
    assert ledger.take() is None
    assert ledger.tallies[POINTS[0]].invalid == 6


def test_as_many_failures_as_calls_were_wanted_are_an_answer() -> None:
    plan = make_plan(experiment(POINTS[:1], calls=2, attempts=3))
    ledger = Ledger(plan)
    for _ in range(2):
        planned = ledger.take()
        assert planned is not None
        ledger.enter(outcome(planned, status="failed", valid=False))
    assert ledger.take() is None
    assert ledger.still_wanted == 0


@pytest.mark.parametrize(
    ("heard", "calls"),
    [
        ([4.3, 4.3, 1.0], 2),
        # Two calls leave the mean open by ± 6.4, three by ± 1.2, seven by ± 0.27.
        ([4.0, 3.0, 3.5, 3.5, 3.5, 3.5, 3.5, 3.5], 7),
        ([4.0, 3.0] * 8, 8),
        ([4.0, 3.9, 4.0, 1.0], 3),
    ],
)
def test_calls_go_on_until_their_mean_is_precise_or_attempts_end(
    heard: list[float], calls: int
) -> None:
    plan = make_plan(experiment(POINTS[:1], calls=2, attempts=4, precision_mos=0.3))
    ledger = Ledger(plan_from_json(plan.to_json()))
    for mos in heard:
        planned = ledger.take()
        if planned is None:
            break
        record = outcome(planned)
        record.callee_pesq_mos = record.caller_pesq_mos = mos
        ledger.enter(record)
    assert ledger.made == calls
    assert ledger.take() is None
    assert ledger.still_wanted == 0


def test_means_are_taken_over_valid_calls_at_the_ear_that_is_scored() -> None:
    point = Point("v-tor", direction="to-caller")
    ledger = Ledger(make_plan(experiment([point])))
    for mos, valid in ((4.0, True), (3.0, True), (1.0, False)):
        planned = ledger.take()
        assert planned is not None
        record = outcome(planned, valid=valid)
        record.caller_pesq_mos, record.callee_pesq_mos = mos, 2.0
        ledger.enter(record)
    assert ledger.tallies[point].mean_mos == 3.5


class OutOfOrder:
    """An executor whose lab is gone after some calls."""

    def __init__(self, calls: int) -> None:
        self._left = calls

    def execute(self, planned: PlannedCall, tell: Listener) -> CallRecord:
        if not self._left:
            raise LabError("the Docker engine does not answer")
        self._left -= 1
        return simulated(planned)


@pytest.mark.parametrize("executors", [1, 3])
def test_trouble_stops_the_run_and_what_was_made_is_kept(executors: int) -> None:
    plan = make_plan(experiment())
    kept: list[CallRecord] = []
    with pytest.raises(LabError, match="does not answer"):
        run(plan, [OutOfOrder(3) for _ in range(executors)], kept)
    assert 3 <= len(kept) <= 3 * executors
    run(plan, [SimulatedCalls()], kept)
    calls = Counter((record.point_id, record.point_call) for record in kept)
    assert set(calls.values()) == {1}


def test_a_disk_that_is_full_stops_the_run() -> None:
    """The call that could not be stored is made again later: it never was in the ledger."""
    ledger = Ledger(make_plan(experiment()))
    executor = SimulatedCalls()

    def keep(_record: CallRecord) -> None:
        raise LabError("cannot store results: disk is full")

    with pytest.raises(LabError, match="disk is full"), side_by_side([executor]) as place:
        run_plan(ledger, place, keep, silent)
    assert (len(executor.asked), ledger.made) == (1, 0)


def test_every_call_is_told_as_it_goes_and_as_it_is_stored() -> None:
    plan = make_plan(experiment(POINTS[:1], calls=2))
    kept: list[CallRecord] = []
    told: list[tuple[Happening, int]] = []
    executor = SimulatedCalls()
    with side_by_side([executor]) as place:
        run_plan(
            Ledger(plan),
            place,
            kept.append,
            lambda happening: told.append((happening, len(kept))),
        )
    stages = [(what, stored) for what, stored in told if isinstance(what, CallStage)]
    ends = [(what, stored) for what, stored in told if isinstance(what, RunAdvanced)]
    assert [(what.number, what.stage, stored) for what, stored in stages] == [
        (planned.number, "calling", made) for made, planned in enumerate(executor.asked)
    ]
    assert [(what.made, stored) for what, stored in ends] == [
        (number, number) for number in range(1, len(kept) + 1)
    ]
    last = ends[-1][0]
    assert (last.still_wanted, last.run_id) == (0, "run")
    assert last.valid == sum(record.valid for record in kept)
    heard = [what.call.figures.get("caller_pesq_mos") for what, _ in ends]
    assert heard == [record.caller_pesq_mos for record in kept]
