"""Reports of calls as out there: the first study's scenarios, what circuits offered, relays."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from report_runs import call, report_on, text_of

from lab.measure.record import CallRecord
from lab.report.paper import CALLS_BY_PESQ, scenario
from lab.sweep.point import Point

CITIES = [("New York", "Frankfurt"), ("London", "Bangalore")]
RELAYS = ("amsterdam", "paris", "tokyo", "montreal", "stockholm", "singapore")
OUT_THERE = {"load_kind": "background", "load_count": 8, "load_through": "tor"}


def point_at(method: str, pair: tuple[str, str], **others: Any) -> Point:
    places = dict(zip(("caller", "callee"), pair, strict=True)) | {"server": "Toronto"}
    keys = {f"topology.nodes.{node}.place": json.dumps(city) for node, city in places.items()}
    return Point(method, **{**OUT_THERE, **keys, **others})


def points_of(*kinds: tuple[str, int | None]) -> list[Point]:
    return [point_at(method, pair, hops=hops) for method, hops in kinds for pair in CITIES]


def made(point: Point, number: int, mos: float = 3.9, **others: object) -> CallRecord:
    [caller, callee] = next(
        pair
        for pair in CITIES
        if json.dumps(pair[0]) == point.to_dict()["topology.nodes.caller.place"]
    )
    hops = point.to_dict()["hops"]
    over_tor = point.method in ("v-tor", "m-tor")
    figures: dict[str, object] = {
        "caller_place": caller,
        "callee_place": callee,
        "server_place": "Toronto",
        "callee_owd_ms_p50": 260.0,
        "caller_owd_ms_p50": 280.0,
        "hops": hops if over_tor else None,
        "circuit": " ".join(RELAYS[: int(hops or 3)]) if over_tor else None,
        "anonymous": "caller" if over_tor else None,
        "available_kbps_down": 3000.0,
        "available_kbps_up": 2000.0,
    }
    return call(point, number, mos, **{**figures, **others})


POINTS = points_of(("sip", None), ("v-tor", 3), ("v-tor", 2))
CALLS = [made(point, number) for point in POINTS for number in (1, 2)]


def rows_of(calls: Sequence[CallRecord], points: Sequence[Point] = POINTS) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = report_on(points, calls, None).data["scenarios"]
    return rows


def callee(row: dict[str, Any]) -> dict[str, Any]:
    heard: dict[str, Any] = row["heard"][0]
    assert heard["end"] == "callee"
    return heard


def test_places_are_drawn_together_and_methods_hops_and_the_servers_place_are_rows() -> None:
    rows = rows_of(CALLS)
    assert [(row["method"], row["hops"], row["anonymous"], row["server"]) for row in rows] == [
        ("sip", None, "nobody", "apart"),
        ("v-tor", 3, "caller", "apart"),
        ("v-tor", 2, "caller", "apart"),
        ("all through Tor", None, "-", None),
    ]
    assert [row["counts"]["valid"] for row in rows] == [4, 4, 4, 8]
    assert [row["places"] for row in rows] == [2, 2, 2, 2]


def test_the_studys_figure_is_that_of_the_same_scenario() -> None:
    """I where the server stands in the callee's city, II where it does not."""
    apart = rows_of(CALLS)[1]
    assert apart["study"]["pesq"]["text"] == "3.81"
    with_callee = [
        made(p, 1, server_place=pair[1]) for p, pair in zip(POINTS, CITIES * 3, strict=True)
    ]
    row = rows_of(with_callee)[1]
    assert row["server"] == "with the callee"
    assert (row["study"]["pesq"]["text"], row["study"]["delay_ms"]["text"]) == ("3.88", "217")
    assert row["study"]["above_3_pct"]["text"] == "93"
    two = scenario("v-tor", both=False, hops=2, colocated=True)
    assert two is not None
    assert two.delay_ms is not None
    assert two.delay_ms.value == 205
    assert scenario("v-tor", both=True, hops=3, colocated=True) is None


def test_both_ends_anonymous_stand_beside_scenario_three() -> None:
    points = [point_at("m-tor", pair, hops=3, anonymous="both") for pair in CITIES]
    row = rows_of([made(point, 1, anonymous="both") for point in points], points)[0]
    assert (row["anonymous"], row["study"]["pesq"]["text"]) == ("both", "3.8")
    assert row["study"]["above_3_pct"]["text"] == "85"


def test_ways_in_are_rows_and_bridged_calls_stand_beside_the_studys_bridges() -> None:
    bridges = {"": [], "obfs4": ["harbour"], "vanilla": ["harbour"]}
    points = {
        kind: point_at(
            "v-tor",
            CITIES[0],
            **{
                "topology.nodes.caller.bridges": json.dumps(names),
                "topology.nodes.harbour.transport": kind or None,
            },
        )
        for kind, names in bridges.items()
    }
    calls = [
        made(point, 1, bridge="harbour", bridge_transport=kind, bridge_place="Reykjavik", hops=3)
        if kind
        else made(point, 1, hops=3)
        for kind, point in points.items()
    ]
    rows = rows_of(calls, list(points.values()))
    assert [(row["entry"], row["others"], row["study"]["pesq"]["text"]) for row in rows[:3]] == [
        ("no bridge", "", "3.81"),
        ("obfs4, Reykjavik", "", "3.7"),
        ("vanilla, Reykjavik", "", "3.7"),
    ]
    told = " ".join(text_of(report_on(list(points.values()), calls, None)).split())
    assert "V-Tor, by obfs4, Reykjavik, the caller anonymous over 3 hops" in told


def test_means_and_shares_are_of_each_end_and_of_both() -> None:
    points = points_of(("v-tor", 3))
    calls = [
        made(points[0], 1, 4.0, callee_owd_ms_p50=140.0, caller_owd_ms_p50=160.0),
        made(points[0], 2, 4.0, caller_pesq_mos=2.0),
        made(points[1], 1, 1.5, callee_owd_ms_p50=350.0),
        made(points[1], 2, 3.5, callee_owd_ms_p50=450.0),
        made(points[1], 3, 1.0, valid=False),
    ]
    row = rows_of(calls, points)[0]
    [callee_heard, caller_heard, both] = row["heard"]
    assert callee_heard["mean_mos"]["estimate"] == pytest.approx((4 + 4 + 1.5 + 3.5) / 4)
    assert caller_heard["mean_mos"]["estimate"] == pytest.approx((4 + 2 + 1.5 + 3.5) / 4)
    assert both["mean_mos"]["estimate"] == pytest.approx((4 + 3 + 1.5 + 3.5) / 4)
    assert callee_heard["above_3"]["estimate"] == 0.75
    assert callee_heard["good"]["estimate"] == 0.5, "one has a delay above 400 ms"
    assert callee_heard["below_2"]["estimate"] == 0.25
    assert both["above_3"]["estimate"] == 0.5
    assert callee_heard["below_ms"][150]["estimate"] == 0.25
    assert both["below_ms"][150]["estimate"] == 0.0, "the way back was longer"
    assert callee_heard["below_ms"][300]["estimate"] == 0.5
    assert callee_heard["above_3"]["low"] == pytest.approx(0.3006, abs=1e-4), "Wilson"
    assert row["counts"] == {"valid": 4, "invalid": 1, "failed": 0}


def test_figures_that_no_call_has_are_dashes_and_enter_no_share() -> None:
    points = points_of(("v-tor", 3))
    calls = [made(points[0], 1), made(points[1], 1, callee_owd_ms_p50=None, callee_pesq_mos=None)]
    heard = callee(rows_of(calls, points)[0])
    assert (heard["mean_mos"]["n"], heard["good"]["n"], heard["below_ms"][150]["n"]) == (1, 1, 1)
    nothing = [made(point, 1, status="failed", valid=False, circuit=None) for point in points]
    for each in nothing:
        each.callee_pesq_mos = each.caller_pesq_mos = each.hops = each.server_place = None
        each.callee_owd_ms_p50 = each.caller_owd_ms_p50 = None
    report = report_on(points, nothing, None)
    assert callee(report.data["scenarios"][0])["good"]["estimate"] is None
    assert report.data["scenarios"][0]["hops"] == 3, "as was asked"
    assert "available" not in report.data
    assert "relays" not in report.data
    assert text_of(report)


def test_a_point_all_of_whose_calls_failed_counts_with_those_alike() -> None:
    points = points_of(("v-tor", 3))
    lost = made(points[1], 1, status="failed", valid=False, circuit=None, server_place=None)
    rows = rows_of([made(points[0], 1), lost], points)
    assert len(rows) == 2
    assert rows[0]["counts"] == {"valid": 1, "invalid": 0, "failed": 1}


def test_it_says_in_what_a_row_agrees_and_differs() -> None:
    told = " ".join(text_of(report_on(POINTS, CALLS, None)).split())
    assert (
        "V-Tor, the caller anonymous over 3 hops, server apart: PESQ 3.90 (3.90-3.90), 260 "
        "(260-260) ms one way, good 100 (51-100) %, n = 4; agrees in PESQ and one-way delay."
        in told
    )
    assert "all through Tor: PESQ" in told
    assert "agrees in good, PESQ < 2, delay < 150 ms and delay < 300 ms." in told, "0 of 8"
    assert "over 2 hops, server apart: PESQ 3.90 (3.90-3.90), 260" in told
    assert "n = 4; agrees in PESQ and differs in one-way delay." in told


def test_it_is_told_of_calls_as_out_there_alone_and_once() -> None:
    """Nor do calls beside background load become curves against a number of streams."""
    report = report_on(POINTS, CALLS, None)
    assert "curves" not in report.data
    assert "distances" not in report.data
    quiet = [Point("v-tor", hops=3), Point("sip")]
    calls = [call(point, 1, circuit="paris tokyo montreal") for point in quiet]
    assert not {"scenarios", "available", "relays"} & set(report_on(quiet, calls, None).data)
    calls[0].available_kbps_down = calls[0].available_kbps_up = 900.0
    data = report_on(quiet, calls, None).data
    assert [row["method"] for row in data["scenarios"]] == ["sip", "v-tor", "all through Tor"]


def test_a_run_that_varies_much_else_is_not_told_of_as_scenarios() -> None:
    points = [point_at("v-tor", CITIES[0], hops=3, queue_packets=100 + n) for n in range(30)]
    report = report_on(points, [made(point, 1) for point in points], None)
    assert "scenarios" not in report.data
    few = rows_of([made(point, 1) for point in points[:2]], points[:2])
    assert [row["others"] for row in few[:2]] == ["queue of 100", "queue of 101"]


def test_what_circuits_offered_is_the_lesser_direction_and_classes_are_of_those_with_enough() -> (
    None
):
    points = points_of(("v-tor", 3))
    scores = [1.5, 2.5, 3.0, 3.9, 4.3, 4.4]
    calls = [made(points[0], n, mos) for n, mos in enumerate(scores, 1)]
    calls.append(made(points[1], 1, 1.1, available_kbps_up=500.0))
    calls.append(made(points[1], 2, 4.4, available_kbps_up=None))
    points.append(POINTS[0])
    calls.append(made(points[-1], 1, 4.4, available_kbps_up=100.0))
    assert calls[-1].method == "sip", "it has no circuit"
    [found] = report_on(points, calls, None).data["available"]
    assert (found["both"]["estimate"], found["both"]["n"]) == (pytest.approx(6 / 7), 7)
    assert (found["down"]["estimate"], found["up"]["estimate"]) == (1.0, pytest.approx(6 / 7))
    assert (found["good"]["estimate"], found["good"]["n"]) == (0.5, 6)
    assert (found["good_with_less"]["estimate"], found["good_with_less"]["n"]) == (0.0, 1)
    assert [(each["low"], each["calls"]) for each in found["classes"]] == [
        (1, 1), (2, 1), (3, 2), (4, 2)
    ]  # fmt: skip
    assert found["classes"][3]["share"]["estimate"] == pytest.approx(1 / 3)
    told = text_of(report_on(points, calls, None))
    assert "57.7 (259 k calls)" in told
    assert sum(CALLS_BY_PESQ.values()) == 449_000


def test_few_calls_over_relays_prove_nothing() -> None:
    told = " ".join(text_of(report_on(POINTS, CALLS[:6], None)).split())
    assert "which relay was the middle: too few calls to say" in told
    assert "how often a relay was used: too few calls to say" in told
    assert "dependence seen (" not in told


def over_relays(bad: str | None) -> dict[str, Any]:
    """Sixty calls over circuits that shift; those with `bad` as their exit are worse."""
    points = points_of(("v-tor", 3))
    calls = []
    for n in range(60):
        path = [RELAYS[(n + step) % len(RELAYS)] for step in (0, 1 + n % 2, 3 + n % 3)]
        mos = 3.9 + 0.01 * ((n * 7) % 13) - (2.0 if path[-1] == bad else 0.0)
        calls.append(made(points[n % 2], n + 1, mos, circuit=" ".join(path)))
    [found] = report_on(points, calls, None).data["relays"]
    return dict(found)


def test_a_relay_that_spoils_calls_is_seen_at_its_position() -> None:
    found = over_relays("tokyo")
    tests = {test["of"]: test for test in found["tests"]}
    assert tests["exit"]["p"] < 0.001
    assert tests["exit"]["groups"] == len(RELAYS)
    [exit_row] = [
        row for row in found["rows"] if (row["relay"], row["position"]) == ("tokyo", "exit")
    ]
    assert exit_row["mos"]["estimate"] < 2.2
    calm = {test["of"]: test for test in over_relays(None)["tests"]}
    assert all(calm[of]["p"] > 0.05 for of in ("guard", "middle", "exit"))


def test_methods_and_lengths_are_not_taken_for_relays() -> None:
    """Two kinds of calls that differ in PESQ, each over relays of its own: nothing is seen."""
    points = points_of(("v-tor", 2), ("m-tor", 2))
    calls = []
    for n in range(40):
        mumble = n % 2
        first, last = (RELAYS[:3], RELAYS[3:])[mumble][n % 3], (RELAYS[:3], RELAYS[3:])[mumble][1]
        mos = (4.4 if mumble else 3.0) + 0.01 * ((n // 2 * 7) % 11)
        calls.append(made(points[2 * mumble], n + 1, mos, circuit=f"{first} {last}"))
    [found] = report_on(points, calls, None).data["relays"]
    tests = {test["of"]: test for test in found["tests"]}
    assert tests["guard"]["p"] > 0.05
    assert tests["middle"]["p"] is None, "circuits of two relays have none"


def test_the_page_has_every_figure() -> None:
    report = report_on(POINTS, CALLS, None)
    names = [drawing.name for section in report.sections for drawing in section.drawings]
    assert names == ["scenarios-pesq", "scenarios-delay", "available-pesq", "relays-pesq"]
