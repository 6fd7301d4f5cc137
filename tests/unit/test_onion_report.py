"""Reports of calls to onion services: what six hops add, beside the prior work with as many."""

from __future__ import annotations

import pytest
from report_runs import call, report_on, text_of

from lab.measure.record import CallRecord
from lab.report.onion import onion_calls
from lab.sweep.point import Point

DELAYS_MS = {"v-tor": 150.0, "v-onion": 330.0, "m-tor": 140.0, "m-onion": 420.0}
POINTS = [Point(method).normalised() for method in DELAYS_MS]


def made(point: Point, number: int, **columns: object) -> CallRecord:
    delay_ms = DELAYS_MS[point.method] + number
    onion = point.method.endswith("onion")
    record = call(point, number, circuit="g m r", hops=6 if onion else None)
    record.caller_owd_ms_p50, record.callee_owd_ms_p50 = delay_ms, delay_ms + 10
    for name, value in columns.items():
        setattr(record, name, value)
    return record


CALLS = [made(point, number) for point in POINTS for number in (1, 2, 3)]


def test_each_service_is_compared_with_the_same_server_over_a_circuit() -> None:
    rows = {row.point.method: row for row in onion_calls(POINTS, CALLS)}
    assert rows["v-onion"].added_ms == {"caller": 180.0, "callee": 180.0}
    assert rows["m-onion"].added_ms == {"caller": 280.0, "callee": 280.0}
    assert rows["v-tor"].added_ms == {"caller": None, "callee": None}
    assert (rows["v-tor"].hops, rows["v-onion"].hops) == ((3,), (6,))


def test_a_call_is_good_where_both_ends_hear_it_well_and_in_time() -> None:
    shares = {row.point.method: row.good.estimate for row in onion_calls(POINTS, CALLS)}
    assert shares == {"v-tor": 1.0, "v-onion": 1.0, "m-tor": 1.0, "m-onion": 0.0}


def test_only_valid_calls_enter_and_the_others_are_counted() -> None:
    spoilt = made(POINTS[1], 4, valid=False, caller_owd_ms_p50=9999.0)
    row = next(r for r in onion_calls(POINTS, [*CALLS, spoilt]) if r.point.method == "v-onion")
    assert (row.counts.valid, row.counts.invalid) == (3, 1)
    assert row.delay_ms["caller"].estimate == pytest.approx(332.0)


def test_without_its_counterpart_nothing_is_said_to_be_added() -> None:
    [row] = onion_calls(POINTS[1:2], [each for each in CALLS if each.method == "v-onion"])
    assert row.added_ms == {"caller": None, "callee": None}


def test_a_run_without_onion_services_has_no_such_section() -> None:
    assert onion_calls(POINTS[:1], CALLS[:3]) == ()
    assert "Onion services" not in text_of(report_on(POINTS[:1], CALLS[:3], None))


def test_the_report_sets_the_prior_work_beside_it() -> None:
    told = text_of(report_on(POINTS, CALLS, None))
    assert "Phonion, cited by The Road Not Taken (2020)" in told
    said = " ".join(told.split())
    assert (
        "V-Onion, 6 hops: at the caller PESQ 4.39 and 332 ms one way (+180.0 ms to V-Tor)" in said
    )
    assert "Phonion had 2.4 and 777 ms with six" in said
