"""The figure of a run: what is on its axis, which points make a curve, what is drawn."""

from __future__ import annotations

from typing import Any

from web_runs import SIP, TOR, made, run_of

from lab.measure.record import CallRecord
from lab.sweep.ledger import Ledger
from lab.sweep.plan import plan_from_json
from lab.sweep.point import Point
from lab.topology.variant import value_text
from lab.web.runs.chart import INVALID, chart_of
from lab.web.runs.figure import RunFigure, axis_of, figure_of
from lab.web.runs.made_call import MadeCall
from lab.web.runs.progress import point_rows

LINK = Point("v-tor", direction="to-caller", rate_kbps=10_000, placement="server")


def against(count: int, through: str = "tor") -> Point:
    return LINK.but(load_kind="wget", load_count=count, load_through=through).normalised()


def figure(points: list[Point], records: list[CallRecord]) -> RunFigure:
    plan = plan_from_json(run_of(points).plan)
    calls = [
        MadeCall(**{name: getattr(record, name) for name in MadeCall.__dataclass_fields__})
        for record in records
    ]
    return figure_of(point_rows(plan, Ledger(plan, records), calls))


def test_competing_streams_are_on_the_axis_and_a_call_alone_begins_every_curve() -> None:
    points = [LINK, against(40), against(80), against(40, "direct")]
    calls = [
        made(LINK, 1, caller_pesq_mos=4.4),
        made(against(40), 1, caller_pesq_mos=4.0),
        made(against(40), 2, caller_pesq_mos=3.0),
        made(against(80), 1, "invalid", caller_pesq_mos=1.2),
        made(against(80), 2, "failed"),
    ]
    drawn = figure(points, calls)
    assert (drawn.axis.title, drawn.axis.labels) == ("competing streams", None)
    tor, direct = drawn.curves
    assert [(place, mos.estimate) for place, mos in tor.means] == [(0, 4.4), (40, 3.5)]
    assert [(place, mos.estimate) for place, mos in direct.means] == [(0, 4.4)]
    assert [dot[:2] for dot in tor.calls] == [(0, 4.4), (40, 4.0), (40, 3.0)]
    assert tor.invalid == ((80.0, 1.2, made(against(80), 1).call_id),)
    assert (tor.name, direct.name) == ("load through Tor", "load direct")


def test_a_link_without_load_beside_others_is_a_curve_by_itself() -> None:
    slow = LINK.but(rate_kbps=2_000)
    drawn = figure([slow, against(40)], [])
    assert len(drawn.curves) == 2


def test_rates_are_numbers_unless_one_is_uncapped() -> None:
    rates = [LINK.but(rate_kbps=rate) for rate in (10_000, 2_000)]
    numbers = axis_of(rates)
    assert (numbers.title, numbers.labels) == ("shared link, kbit/s", None)
    assert [numbers.place(point) for point in rates] == [10_000, 2_000]
    names = axis_of([LINK.but(rate_kbps=None), *rates])
    assert names.labels is not None
    assert names.labels[-1] == "uncapped"
    assert [names.place(point) for point in reversed(rates)] == [0, 1]


def between(caller: str, callee: str, method: str = "v-tor") -> Point:
    places = {
        "topology.nodes.caller.place": value_text(caller),
        "topology.nodes.callee.place": value_text(callee),
    }
    return Point(method, **places)


def test_pairs_of_places_are_one_thing_and_methods_are_curves() -> None:
    points = [
        between(caller, callee, method)
        for method in ("sip", "v-tor")
        for caller, callee in (("Berlin", "Berlin"), ("Berlin", "New York"))
    ]
    drawn = figure(points, [made(points[1], 1, callee_pesq_mos=4.1)])
    assert drawn.axis.labels == ("Berlin - Berlin", "Berlin - New York")
    assert [curve.name for curve in drawn.curves] == ["sip", "v-tor"]
    assert [(place, mos.estimate) for place, mos in drawn.curves[0].means] == [(1, 4.1)]


def test_a_place_of_two_cities_has_two_lines_and_room_for_them_above_the_title() -> None:
    chart = chart_of(figure([between("Berlin", "New York"), between("Oslo", "Lima")], []))
    assert chart["xAxis"]["data"] == ["Berlin -\nNew York", "Oslo -\nLima"]
    numbers = chart_of(figure([LINK, against(40)], []))
    assert chart["xAxis"]["nameGap"] > numbers["xAxis"]["nameGap"]


def test_another_number_is_taken_where_it_varies() -> None:
    hops = axis_of([TOR.but(hops=number) for number in (2, 3, 5)])
    assert (hops.title, hops.labels) == ("hops", None)


def test_methods_alone_stand_side_by_side() -> None:
    drawn = figure([SIP, TOR], [made(TOR, 1)])
    assert drawn.axis.labels == ("sip", "v-tor")
    assert len(drawn.curves) == 1


def named(chart: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [series for series in chart["series"] if series["name"] == name]


def test_a_curve_is_drawn_as_means_with_intervals_and_its_calls() -> None:
    calls = [
        made(against(40), 1, caller_pesq_mos=4.0),
        made(against(40), 2, caller_pesq_mos=3.0),
        made(against(80), 1, caller_pesq_mos=2.0),
        made(against(80), 2, "invalid", caller_pesq_mos=1.5),
    ]
    drawn = figure([against(40), against(80)], calls)
    chart = chart_of(drawn)
    line, whiskers, dots = named(chart, drawn.curves[0].name)
    assert [each["value"] for each in line["data"]] == [[40, 3.5], [80, 2.0]]
    assert line["data"][0]["name"].endswith("n = 2")
    low, high = drawn.curves[0].means[0][1].low, drawn.curves[0].means[0][1].high
    # One call has no interval.
    assert whiskers["data"] == [[40, low, high]]
    assert [dot[:2] for dot in dots["data"]] == [[40, 4.0], [40, 3.0], [80, 2.0]]
    (crosses,) = named(chart, INVALID)
    assert [dot[:2] for dot in crosses["data"]] == [[80, 1.5]]
    assert chart["xAxis"]["type"] == "value"
