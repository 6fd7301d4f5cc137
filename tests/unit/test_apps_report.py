"""Reports of W-Tor calls: what stands for popular apps, beside the first study's own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from report_runs import call, report_on, text_of

from lab.measure.record import CallRecord
from lab.report.apps import app_calls
from lab.sweep.point import Point

CITIES = ("London", "Toronto")
ALONE = Point("w-tor").normalised()
OTHERS: dict[str, Any] = {"load_kind": "background", "load_count": 8, "load_through": "tor"}


def made(point: Point, number: int = 1, mos: float = 3.8, **columns: Any) -> CallRecord:
    return call(point, number, mos, **{"callee_owd_ms_p50": 200.0 + number, **columns})


def test_calls_that_differ_in_place_alone_are_one_row() -> None:
    key = "topology.nodes.caller.place"
    points = [
        Point("w-tor", **OTHERS, **{key: json.dumps(city)}, hops=hops).normalised()
        for city in CITIES
        for hops in (3, 2)
    ]
    scores = dict(zip(points, (3.8, 2.9, 3.9, 3.1), strict=True))
    three, two = app_calls(points, [made(point, mos=mos) for point, mos in scores.items()])
    assert three.counts.valid == 2
    assert three.pesq_mos.estimate == pytest.approx(3.85)
    assert (three.above_3.estimate, two.above_3.estimate) == (1.0, 0.5)
    assert three.delay_ms.estimate == 201.0
    assert three.others != two.others


def test_only_valid_calls_enter_and_the_others_are_counted() -> None:
    spoilt = made(ALONE, 3, 1.0, valid=False)
    [row] = app_calls([ALONE], [made(ALONE, 1), made(ALONE, 2), spoilt])
    assert (row.counts.valid, row.counts.invalid) == (2, 1)
    assert row.pesq_mos.estimate == pytest.approx(3.8)
    assert row.above_3.estimate == 1.0


@pytest.mark.parametrize(
    "point",
    [
        Point("v-tor"),
        Point("webrtc"),
        Point("w-tor", rate_kbps=10_000),
        Point("w-tor", load_kind="wget", load_count=20, load_through="direct"),
    ],
    ids=str,
)
def test_nothing_else_stands_for_an_app(point: Point) -> None:
    point = point.normalised()
    assert app_calls([point], [made(point)]) == ()
    assert "Telegram" not in text_of(report_on([point], [made(point)], 1))


def test_the_report_says_which_app_it_is_like() -> None:
    report = report_on([ALONE], [made(ALONE, number, 3.79) for number in (1, 2, 3)], 1)
    told = " ".join(text_of(report).split())
    assert (
        "n = 3; beside it Telegram (3.8, 85 %) agrees in both and Skype (3.54, 80 %) differs in "
        "PESQ and agrees in the share."
    ) in told
    [row] = report.data["apps"]
    assert row["pesq_mos"]["estimate"] == pytest.approx(3.79)
