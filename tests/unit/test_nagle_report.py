"""Reports of runs that vary where Nagle's algorithm is off, or the length of circuits."""

from __future__ import annotations

import json

import pytest
from report_runs import call, report_on, text_of

from lab.measure.nagle import Sender, burst_of, segment_of_cells
from lab.measure.record import CallRecord
from lab.measure.statistics import difference_interval
from lab.report.nagle import predicted_burst
from lab.report.pages import to_html
from lab.sweep.point import Point

LEGS = {"caller-paris": 40.0, "paris-tokyo": 15.0, "tokyo-oslo": 15.0, "oslo-server": 50.0}
"""The prototype's round trips of 80, 30, 30 and 100 ms (docs/measured.md)."""
PLACES = ("none", "client", "exit", "relays", "all")


def point_at(place: str, method: str = "v-tor") -> Point:
    return Point(method, **{"topology.tor.nodelay": json.dumps(place).strip('"')})


def made(place: str, number: int, **others: object) -> CallRecord:
    jitter = {"none": 34.0, "client": 32.0, "exit": 20.0, "relays": 22.0, "all": 1.6}[place]
    figures = {
        "nodelay": place,
        "vpn_nodelay": True,
        "legs_ms": LEGS,
        "ptime_ms": 20.0,
        "kbps_tunnel_ip": 80.0,
        "kbps_access_eth": 240.0 + (16 if place == "all" else 0) + number,
        "kbps_access_eth_back": 240.0 + (16 if place == "all" else 0) + number,
        "callee_owd_ms_p50": 224.0 + number if place == "none" else 122.0 + number,
        "callee_jitter_mean": jitter + number / 10,
        "callee_burst_mean": 4.8 if place == "none" else 1.0,
        "callee_burst_gap_ms_p50": 112.0,
        "circuit": "paris tokyo oslo",
    }
    return call(point_at(place), number, **{**figures, **others})  # type: ignore[arg-type]


def test_a_burst_is_what_a_round_trip_takes_and_at_most_a_segment() -> None:
    assert burst_of([], 20) == 1
    assert burst_of([Sender(100, 6.4, True)], 20) == 5
    assert burst_of([Sender(300, 6.4, True)], 20) == 6.4
    assert burst_of([Sender(300, 6.4, False), Sender(5, 2.7, True)], 20) == 1
    assert segment_of_cells(226) == pytest.approx(2.67, abs=0.01)
    assert segment_of_cells(2 * 498) == pytest.approx(1.33, abs=0.01)


@pytest.mark.parametrize(
    ("place", "caller", "callee"),
    [
        ("none", 2.67, 5.0),
        ("client", 2.67, 5.0),
        ("exit", 2.67, 2.67),
        ("relays", 1.0, 2.67),
        ("all", 1.0, 1.0),
    ],
)
def test_what_is_predicted_of_each_place(place: str, caller: float, callee: float) -> None:
    found = made(place, 1)
    assert predicted_burst(found, "caller") == pytest.approx(caller, abs=0.01)
    assert predicted_burst(found, "callee") == pytest.approx(callee, abs=0.01)


def test_the_tunnel_itself_holds_back_where_openvpn_is_as_it_comes() -> None:
    found = made("all", 1, vpn_nodelay=False)
    assert predicted_burst(found, "caller") == 5.0
    assert predicted_burst(found, "callee") == 1.0


@pytest.mark.parametrize("gone", ["legs_ms", "ptime_ms", "kbps_tunnel_ip", "nodelay"])
def test_nothing_is_predicted_of_a_call_of_which_too_little_is_known(gone: str) -> None:
    assert predicted_burst(made("none", 1, **{gone: None}), "callee") is None


def run(places: tuple[str, ...] = PLACES) -> list[CallRecord]:
    return [made(place, number) for place in places for number in (1, 2, 3)]


def test_every_place_stands_beside_tor_as_it_is_with_what_it_buys() -> None:
    report = report_on([point_at(place) for place in PLACES], run(), None)
    rows = {row["place"]: row for row in report.data["nodelay"]}
    assert list(rows) == list(PLACES)
    callee = rows["all"]["heard"][1]
    assert callee["against_none"]["owd_ms_p50"]["estimate"] == pytest.approx(-102)
    assert callee["against_none"]["jitter_mean"]["estimate"] == pytest.approx(-32.4)
    assert callee["against_none"]["jitter_mean"]["high"] < -32
    assert callee["burst_predicted"]["estimate"] == 1.0
    assert rows["all"]["kbps_against_none"]["access"]["estimate"] == pytest.approx(16)
    none = rows["none"]["heard"][1]
    assert none["against_none"] == {}
    assert none["burst_predicted"]["estimate"] == pytest.approx(5.0)
    assert none["jitter_predicted"]["estimate"] == pytest.approx(32.0)
    told = " ".join(text_of(report).split())
    assert "V-Tor, set at all" in told
    assert "-102 (-10" in told
    assert none["measured"]["waited_ms"]["estimate"] == pytest.approx(226 - 120)
    assert "distances" not in report.data
    assert "nodelay-by-place" not in told
    assert "arriving at the callee" not in told
    assert "One-way delay and jitter by the place of the switch" in to_html(report)


def test_what_the_processes_were_found_to_do_is_told_and_not_what_was_asked() -> None:
    calls = run(("none", "all"))
    for each in calls[3:]:
        each.nodelay = "mixed"
    rows = report_on([point_at("none"), point_at("all")], calls, None).data["nodelay"]
    assert [row["place"] for row in rows] == ["none", "mixed"]


@pytest.mark.parametrize("places", [("all",), ("none",), ("client", "all")])
def test_without_something_to_compare_with_there_is_no_section(places: tuple[str, ...]) -> None:
    points = [point_at(place) for place in places]
    assert "nodelay" not in report_on(points, run(places), None).data


def test_circuits_of_two_lengths_stand_beside_the_studys() -> None:
    points = [Point("v-tor", hops=2), Point("v-tor", hops=3)]
    calls = [
        call(point, number, callee_owd_ms_p50=200.0 + 60 * more + number, callee_pesq_mos=3.9)
        for more, point in enumerate(points)
        for number in (1, 2, 3)
    ]
    report = report_on(points, calls, None)
    two, three = report.data["hops"]
    assert two["heard"][1]["against_longest"]["owd_ms_p50"]["estimate"] == pytest.approx(-60)
    assert three["heard"][1]["against_longest"] == {}
    told = " ".join(text_of(report).split())
    for figure in ("210", "270", "3.91", "3.81"):
        assert figure in told


def test_a_difference_has_the_interval_of_two_independent_means() -> None:
    found = difference_interval([5.0, 6.0, 7.0], [1.0, 2.0, 3.0])
    assert found.estimate == pytest.approx(4.0)
    assert found.low is not None and found.high is not None
    assert 2 < found.low < 4 < found.high < 6
    assert difference_interval([5.0], [1.0, 2.0]).low is None
    assert difference_interval([], [1.0]).estimate is None
