"""Reports of calls in which both ends are anonymous: beside the paper's scenarios II and III."""

from __future__ import annotations

import pytest
from report_runs import call, report_on, text_of

from lab.ends import BOTH
from lab.measure.record import CallRecord
from lab.sweep.point import Point

POINTS = [
    Point("sip"),
    Point("v-tor"),
    Point("v-tor", anonymous=BOTH),
    Point("m-tor", anonymous=BOTH),
]
ONE, OTHER = "paris tokyo montreal", "frankfurt singapore stockholm"


def made(point: Point, number: int, mos: float = 3.3, **others: object) -> CallRecord:
    figures: dict[str, object] = {"callee_owd_ms_p50": 400.0 + 10 * number}
    figures["circuit"] = None if point.method == "sip" else ONE
    if "both-ends" in point.point_id:
        figures |= {"callee_relays": OTHER, "relays_in_both": 0, "kbps_callee_access_eth": 250.0}
    return call(point, number, mos, **{**figures, **others})


def lines(calls: list[CallRecord], *words: str) -> list[list[str]]:
    told = text_of(report_on(POINTS, calls, None)).splitlines()
    return [line.split() for line in told if all(word in line for word in words)]


CALLS = [made(point, number) for point in POINTS for number in (1, 2, 3)]


def test_both_ends_stand_beside_the_papers_scenarios() -> None:
    rows = report_on(POINTS, CALLS, None).data["anonymity"]
    assert [(row["hops"], row["relays_in_both"]) for row in rows] == [
        (None, None), (3, None), (3, 0), (3, 0)
    ]  # fmt: skip
    callee = rows[2]["heard"][1]
    assert callee["delay_ms_p50"]["estimate"] == pytest.approx(420)
    assert (callee["above_3"]["estimate"], callee["above_3"]["n"]) == (1.0, 3)
    [tor, both, mumble] = (
        next(line for line in lines(CALLS, *words) if "callee" in line)
        for words in (["V-Tor ", " caller ", " 3.81 "], ["V-Tor ", " both "], ["M-Tor ", " both "])
    )
    assert {"3.81", "270"} <= set(tor)
    assert {"3.2", "81", "458"} <= set(both)
    assert {"3.8", "85"} <= set(mumble)


def test_it_says_what_differs_and_that_circuits_have_no_relay_in_common() -> None:
    told = text_of(report_on(POINTS, CALLS, None))
    assert "(3.2 there: agrees)" in told
    assert "(458 there: differs)" in told
    assert "the two circuits of a call share no relay" in told
    assert "on the anonymous callee's own link" in told


def test_invalid_calls_enter_nothing_and_runs_that_hide_one_end_have_no_such_section() -> None:
    calls = [*CALLS, made(POINTS[2], 4, mos=1.0, valid=False)]
    row = report_on(POINTS, calls, None).data["anonymity"][2]
    assert row["counts"] == {"valid": 3, "invalid": 1, "failed": 0}
    assert row["heard"][1]["mos"]["estimate"] == pytest.approx(3.3)
    assert "anonymity" not in report_on(POINTS[:2], CALLS[:6], None).data
