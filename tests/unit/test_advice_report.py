"""Reports of runs that change one thing at a time: a sentence claims what its interval shows."""

from __future__ import annotations

import json

import pytest
from designed_runs import NODELAY, calls_at, plan_of, report_of
from report_runs import text_of

from lab.measure.intervals import excludes_zero
from lab.measure.record import CallRecord
from lab.report.advice import RESPONSES, Advice, Change, advice
from lab.report.advice_section import sentence
from lab.sweep.point import Point

BASE = Point("v-tor", **{NODELAY: "none"})
LONGER = BASE.but(ptime_ms=40)
SWITCHED = BASE.but(**{NODELAY: "all"})
PLACED = BASE.but(**{"topology.nodes.server.place": "Paris"})
HOPS = BASE.but(**{"topology.tor.hops": "2"})
POINTS = [BASE, LONGER, SWITCHED, PLACED, HOPS]
PLAN = plan_of(POINTS, "one-at-a-time")


def made(each: int = 10) -> list[CallRecord]:
    def delay(at: Point) -> float:
        return 162.0 if at == LONGER else 100.0 if at == SWITCHED else 200.0

    calls = calls_at(POINTS, each, lambda _: 4.0, delay)
    for found in calls:
        if found.point_id == LONGER.point_id:
            found.kbps_access_eth = 128.0 + (found.point_call or 0) / 10
            found.kbps_access_eth_back = 138.0
    return calls


def found_in(calls: list[CallRecord]) -> tuple[Advice, dict[Point, Change]]:
    found = advice(PLAN, calls)
    assert found
    return found, {change.point: change for change in found.changes}


def test_a_change_is_told_with_its_number_interval_and_calls() -> None:
    _, changes = found_in(made())
    longer = changes[LONGER]
    assert longer.differences["owd_ms_p50"].estimate == pytest.approx(-38, abs=4)
    said = sentence(longer)
    assert said.startswith("packets of 40 ms instead of the usual: delay -3")
    assert "bandwidth -11" in said
    assert "no difference seen in PESQ (-0.0" in said
    assert said.endswith("n = 10.")
    claimed, _, unseen = said.partition("no difference seen")
    assert "PESQ" not in claimed
    assert "delay" not in unseen
    assert "good calls" in unseen


def test_nothing_is_claimed_of_a_change_that_does_nothing() -> None:
    _, changes = found_in(made())
    said = sentence(changes[PLACED])
    assert said.startswith("nodes.server.place Paris instead of the topology's own: ")
    differences = changes[PLACED].differences
    assert {name for name, each in differences.items() if each.low is not None} == {
        response.name for response in RESPONSES
    }
    assert not any(map(excludes_zero, differences.values()))
    assert "no difference seen in delay" in said


def test_two_calls_claim_nothing() -> None:
    _, changes = found_in(made(2))
    for change in changes.values():
        said = sentence(change)
        assert "too few pairs of valid calls to say anything (n = 2; 3 at least)" in said
    few, enough = (text_of(report_of(PLAN, made(each))) for each in (2, 10))
    assert " *" in enough
    assert " *" not in few


def test_a_call_whose_partner_is_invalid_stands_in_no_pair() -> None:
    calls = made(4)
    for each in calls[:2]:
        each.valid = False
    _, changes = found_in(calls)
    assert not changes[LONGER].enough
    assert "(n = 2; 3 at least)" in sentence(changes[LONGER])


def test_what_is_the_callers_and_what_is_tors() -> None:
    _, changes = found_in(made())
    assert {point: change.callers for point, change in changes.items()} == {
        LONGER: True,
        SWITCHED: False,
        PLACED: True,
        HOPS: True,
    }
    report = report_of(PLAN, made())
    told = " ".join(text_of(report).split())
    assert "What a caller can change today: packets of 40 ms" in told
    assert "could change: tor.nodelay all instead of none: delay -" in told
    assert "All beside the same calls (" in told
    json.dumps(report.data["advice"])


def test_plans_of_other_designs_give_no_advice() -> None:
    assert advice(plan_of(POINTS, "full"), made()) is None
    assert advice(plan_of([BASE], "one-at-a-time"), made()) is None


def test_a_change_without_calls_says_so() -> None:
    calls = [call for call in made() if call.point_id != SWITCHED.point_id]
    _, changes = found_in(calls)
    assert "too few pairs of valid calls" in sentence(changes[SWITCHED])
