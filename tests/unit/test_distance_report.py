"""Reports of calls between places: delay and jitter per method and pair, beside both studies."""

from __future__ import annotations

import json

import pytest
from report_runs import call, report_on, text_of

from lab.measure.record import CallRecord
from lab.report.distance import distances
from lab.report.distance_figures import draw_delay
from lab.report.pages import to_html
from lab.report.paper import SECOND_JITTER_MS, TOR_DELAY_MS
from lab.sweep.point import Point

PAIRS = {("Frankfurt", "London"): 5.0, ("Bangalore", "New York"): 105.0}
"""With the delay of a direct call."""
TOR_ADDS_MS = 300.0


def point_between(method: str, caller: str, callee: str) -> Point:
    places = {"caller": caller, "callee": callee}
    keys = {f"topology.nodes.{end}.place": json.dumps(city) for end, city in places.items()}
    return Point(method, **keys)


POINTS = [point_between(method, *pair) for pair in PAIRS for method in ("sip", "v-tor")]


def made(point: Point, number: int, pair: tuple[str, str], **others: object) -> CallRecord:
    tor = point.method == "v-tor"
    delay_ms = PAIRS[pair] + (TOR_ADDS_MS if tor else 0.0) + number
    places = dict(zip(("caller_place", "callee_place"), pair, strict=True))
    figures = {
        "callee_owd_ms_p50": delay_ms,
        "caller_owd_ms_p50": delay_ms - 2,
        "callee_owd_ms_p95": delay_ms + 30,
        "callee_jitter_mean": 30.0 + number if tor else 0.1,
        "caller_jitter_mean": 20.0 if tor else 0.1,
        "callee_burst_mean": 5.0 if tor else 1.0,
        "ptime_ms": 20.0,
        "circuit": "frankfurt paris tokyo" if tor else None,
    }
    where = {**places, "server_place": "London"}
    return call(point, number, **{**where, **figures, **others})  # type: ignore[arg-type]


def calls_between_places() -> list[CallRecord]:
    by_place = [(pair, method) for pair in PAIRS for method in ("sip", "v-tor")]
    return [
        made(point, number, pair)
        for point, (pair, _) in zip(POINTS, by_place, strict=True)
        for number in (1, 2, 3)
    ]


def test_every_method_and_pair_stands_at_both_ends_beside_the_studies() -> None:
    report = report_on(POINTS, calls_between_places(), None)
    rows = report.data["distances"]
    assert [(row["caller_place"], row["point"]["method"]) for row in rows] == [
        (pair[0], method) for pair in PAIRS for method in ("sip", "v-tor")
    ]
    far = rows[-1]
    caller, callee = far["arrivals"]
    assert (caller["end"], callee["end"], far["server_place"]) == ("caller", "callee", "London")
    assert callee["delays_ms"] == (406.0, 407.0, 408.0)
    assert callee["delay_ms_p50"]["estimate"] == pytest.approx(407)
    assert callee["jitter_ms"]["estimate"] == pytest.approx(32)
    assert callee["jitter_ms"]["n"] == 3
    assert callee["burst_mean"]["estimate"] == pytest.approx(5.0)
    assert callee["burst_jitter_ms"]["estimate"] == pytest.approx(32.0), "2 * 20 ms * 4 / 5"
    assert caller["burst_jitter_ms"]["n"] == 0, "not measured there"
    told = " ".join(text_of(report).split())
    assert "Bangalore - New York" in told
    assert f"{TOR_DELAY_MS.text} ms one way" in told
    assert "32.0 ms of jitter (predicted 32.0), n = 3" in told
    assert f"{SECOND_JITTER_MS['callee'].text} ms at the callee" in told


def test_only_calls_over_tor_stand_beside_figures_of_calls_over_tor() -> None:
    lines = text_of(report_on(POINTS, calls_between_places(), None)).splitlines()
    delays = [line for line in lines if "Bangalore - New York" in line and " callee " in line]
    direct, tor = delays[:2]
    assert TOR_DELAY_MS.text not in direct
    assert TOR_DELAY_MS.text in tor


def test_calls_that_are_invalid_or_know_no_place_enter_nothing() -> None:
    calls = calls_between_places()
    pair = ("Bangalore", "New York")
    last = POINTS[-1]
    calls.append(made(last, 4, pair, callee_owd_ms_p50=9000.0, valid=False))
    rows = report_on(POINTS, calls, None).data["distances"]
    assert rows[-1]["arrivals"][1]["delays_ms"] == (406.0, 407.0, 408.0)
    assert rows[-1]["counts"] == {"valid": 3, "invalid": 1, "failed": 0}
    for each in calls:
        each.caller_place = None
    assert "distances" not in report_on(POINTS, calls, None).data


def test_places_that_do_not_vary_are_told_too() -> None:
    """A topology has places even where a run varies something else."""
    points = [Point("sip"), Point("v-tor")]
    calls = [made(point, 1, ("Bangalore", "New York")) for point in points]
    told = text_of(report_on(points, calls, None))
    assert "Bangalore - New York" in told


def test_the_page_draws_the_distributions() -> None:
    page = to_html(report_on(POINTS, calls_between_places(), None))
    assert page.count("<figure>") == 2
    assert "Share of valid calls whose median one-way delay" in page


def test_panels_reach_as_far_as_any_call() -> None:
    figure = draw_delay(distances(POINTS, calls_between_places()))
    assert len(figure.axes) == len(PAIRS)
    assert all(axes.get_xlim()[0] == 0 and axes.get_xlim()[1] > 408 for axes in figure.axes)


def test_circuits_are_read_as_ways_and_counted_where_they_are_many() -> None:
    calls = calls_between_places()
    facts = dict(report_on(POINTS, calls, None).facts)
    assert facts["circuits"] == "frankfurt → paris → tokyo"
    pair = ("Bangalore", "New York")
    calls += [made(POINTS[-1], n, pair, circuit=f"frankfurt paris relay{n}") for n in range(20)]
    assert dict(report_on(POINTS, calls, None).facts)["circuits"] == "21 different ones"
