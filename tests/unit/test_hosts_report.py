"""Hosts as a factor: each set beside the others at the points that both called at."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_runs import LINK, report_on
from report_runs import call as report_call
from simulated_calls import simulated

from lab.measure.record import CallRecord
from lab.report.hosts import hosts, hosts_section
from lab.sweep.plan import PlannedCall
from lab.sweep.point import Point

POINTS = tuple(
    Point("v-tor", load_kind="wget", load_count=count, load_through="tor") for count in (20, 40, 80)
)


def call(point: Point, host: str | None, mos: float, valid: bool = True) -> CallRecord:
    record = simulated(PlannedCall(point, 1, 1))
    return replace(
        record,
        host=host,
        status="ok",
        valid=valid,
        caller_pesq_mos=mos,
        callee_pesq_mos=mos,
        call_id=f"{point.point_id}-{host}-{mos}",
    )


def test_a_difference_is_taken_at_the_points_that_others_called_at() -> None:
    calls = [
        *(call(point, "fast", mos) for point, mos in zip(POINTS, (4.0, 3.0, 2.0), strict=True)),
        *(call(point, "slow", mos) for point, mos in zip(POINTS[:2], (3.7, 2.5), strict=True)),
        call(POINTS[2], "slow", 1.0, valid=False),
    ]
    fast, slow = hosts(POINTS, calls)
    assert (fast.host, fast.points, slow.points) == ("fast", 2, 2)
    assert slow.mos.estimate == pytest.approx(-0.4)
    assert fast.mos.estimate == pytest.approx(0.4)
    assert (slow.counts.valid, slow.counts.invalid) == (2, 1)
    [table] = hosts_section([fast, slow]).tables
    assert [row[0] for row in table.rows] == ["fast", "slow"]


def test_one_host_or_calls_that_do_not_name_theirs_are_no_factor() -> None:
    assert hosts(POINTS, [call(POINTS[0], "one", 4.0), call(POINTS[1], None, 3.0)]) == ()


def test_a_report_says_how_exact_delays_between_two_hosts_are() -> None:
    told = "The ends of 2 calls were on two hosts, whose clocks were compared"
    near, far = (report_call(LINK, number, owd_error_ms=ms) for number, ms in ((1, 0.06), (2, 0.2)))
    [remark] = [each for each in report_on([LINK], [near, far], None).remarks if told in each]
    assert "exact to ± 0.2 ms only" in remark
    alone = report_on([LINK], [report_call(LINK)], None).remarks
    assert not any("two hosts" in each for each in alone)
