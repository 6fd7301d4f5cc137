"""Reports of calls over several circuits, beside one and beside Tor's own two."""

from __future__ import annotations

import pytest
from report_runs import call, report_on, text_of

from lab.measure.record import CallRecord
from lab.report.paths import paths_calls
from lab.report.paths_figures import draw_delays
from lab.sweep.point import Point

CONFLUX = {"topology.tor.conflux": '"latency"'}
SINGLE = Point("v-tor").normalised()
SPLIT = Point("v-tor", **CONFLUX).normalised()
BOTH = Point("v-tor", policy="duplicate", paths=2).normalised()
POINTS = [SINGLE, SPLIT, BOTH]


def made(point: Point, number: int, late: bool = False, **columns: object) -> CallRecord:
    told: dict[str, object] = {
        "policy": "duplicate" if point is BOTH else "single",
        "paths": 2 if point is BOTH else 1,
        "conflux": "latency" if point is SPLIT else "off",
        "caller_owd_ms_p50": 150.0 + number, "callee_owd_ms_p50": 160.0 + number,
        "caller_owd_ms_p99": 300.0, "callee_owd_ms_p99": 500.0 if late else 310.0,
        "caller_in_time_pct": 100.0, "callee_in_time_pct": 95.0 if late else 99.5,
        "kbps_access_eth": 240.0, "kbps_access_eth_back": 250.0,
        "circuit": "a b c",
    }  # fmt: skip
    return call(point, number, 4.39, **{**told, **columns})


CALLS = [
    *(made(SINGLE, number, late=number < 3) for number in (1, 2, 3)),
    *(made(SPLIT, number, late=number < 2) for number in (1, 2, 3)),
    *(
        made(
            BOTH, number, kbps_access_eth=480.0, path_frames={"caller 1": 100.0, "callee 1": 100.0},
            caller_repaired_packets=1, callee_repaired_packets=3,
            path_ended={"2": "gone"} if number == 3 else {},
        )
        for number in (1, 2, 3)
    ),
]  # fmt: skip


def test_each_way_stands_beside_the_others() -> None:
    single, split, both = paths_calls(POINTS, CALLS)
    assert [row.way for row in (single, split, both)] == [
        *("single", "Conflux for latency", "2 paths, duplicate")
    ]
    assert [row.in_time.estimate for row in (single, split, both)] == [
        *(pytest.approx(1 / 3), pytest.approx(2 / 3), 1.0)
    ]
    assert both.access_kbps.estimate == 730.0
    assert single.access_kbps.estimate == 490.0
    assert both.repaired_pct.estimate == 2.0
    assert single.repaired_pct.n == 0
    assert (single.ended, both.ended) == (0, 1)
    assert single.worst_p99_ms == (310.0, 500.0, 500.0)
    assert single.delay_p99_ms["caller"].estimate == 300.0


def test_what_the_way_says_is_not_said_again_beside_it() -> None:
    apart = Point("v-tor", policy="duplicate", paths=2, disjoint="on").normalised()
    calls = [*CALLS, made(apart, 1, policy="duplicate", paths=2, disjoint=True)]
    *_, row = paths_calls([*POINTS, apart], calls)
    assert (row.way, row.others) == ("2 paths, duplicate, disjoint", "")


def test_only_valid_calls_enter() -> None:
    spoilt = made(BOTH, 4, late=True, valid=False)
    *_, both = paths_calls(POINTS, [*CALLS, spoilt])
    assert (both.counts.valid, both.counts.invalid, both.in_time.estimate) == (3, 1, 1.0)


def test_calls_measured_before_there_was_a_percentile_are_in_no_share() -> None:
    old = made(SINGLE, 4, caller_in_time_pct=None, caller_owd_ms_p99=None)
    single, *_ = paths_calls(POINTS, [*CALLS, old])
    assert (single.in_time.n, len(single.worst_p99_ms), single.counts.valid) == (3, 3, 4)


def test_a_run_over_one_circuit_has_no_such_section() -> None:
    assert paths_calls(POINTS[:2], CALLS[:6]) == ()


def test_the_report_says_what_was_asked_and_what_it_cost() -> None:
    report = report_on(POINTS, CALLS, None)
    assert [row["way"] for row in report.data["paths"]][2] == "2 paths, duplicate"
    told = " ".join(text_of(report).split())
    assert "What was heard, and what it cost" in told
    assert "99 % of the packets that were sent came in less than 360 ms" in told
    assert "V-Tor, 2 paths, duplicate: 100" in told
    lines = draw_delays(paths_calls(POINTS, CALLS)).axes[0].lines
    assert len(lines) == 4, "a step each, and the limit"
