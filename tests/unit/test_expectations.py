"""Expectations: how they are written, which points they are about, and when they are met."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from report_runs import against, call, text_of

from lab.errors import UsageError
from lab.expectations.measure import measure_named
from lab.expectations.notation import Expectation, parse_expectation
from lab.expectations.outcome import RULE, AtPoint, Outcome, outcomes
from lab.expectations.points import points_meant
from lab.expectations.section import with_expectations
from lab.expectations.statistic import statistic_named
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval
from lab.report.pages import Report
from lab.sweep.point import Point

POINTS = {
    "sip": Point("sip"),
    "sip 40 ms": Point("sip", ptime_ms=40),
    "sip adaptive": Point("sip", playout="adaptive:60"),
    "vpn": Point("vpn", cipher="AES-256-GCM", digest="SHA1"),
    "vpn plain": Point("vpn", cipher="none", digest="none"),
    "mumble": Point("mumble").normalised(),
    "v-tor": Point("v-tor"),
    "v-tor 2 hops": Point("v-tor", hops=2),
    "v-tor nodelay": Point("v-tor", **{"topology.tor.nodelay": "all"}),
    "v-tor both": Point("v-tor", anonymous="both"),
    "alone": against(0),
    "40": against(40),
    "80": against(80),
    "london": Point("sip", profile="/field/calls/london.json"),
}
TOR = ["v-tor", "v-tor 2 hops", "v-tor nodelay", "v-tor both", "alone", "40", "80"]
LOADED = ["40", "80"]


def named(meant: tuple[Point, ...]) -> list[str]:
    return [name for name, point in POINTS.items() if point in meant]


def meant(where: str) -> list[str]:
    return named(points_meant(parse_expectation(f"pesq>=4 at {where}"), [*POINTS.values()]))


def written(text: str) -> tuple[str, str, str, float, tuple[tuple[str, str], ...]]:
    made = parse_expectation(text)
    return made.statistic.name, made.measure.name, made.comparison, made.bound, made.at


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pesq>=4.2", ("mean", "pesq", ">=", 4.2, ())),
        ("  mean   pesq >= 4.2\n", ("mean", "pesq", ">=", 4.2, ())),
        ("pesq>=4.2 at load=0", ("mean", "pesq", ">=", 4.2, (("load", "0"),))),
        ("p95 delay<=400ms", ("p95", "delay", "<=", 400.0, ())),
        ("delay < 0.4 s", ("mean", "delay", "<", 400.0, ())),
        ("max jitter<5", ("max", "jitter", "<", 5.0, ())),
        ("good>80%", ("share", "good", ">", 80.0, ())),
        ("share valid>=90", ("share", "valid", ">=", 90.0, ())),
        ("kbps_access_eth<=0.1mbit", ("mean", "kbps_access_eth", "<=", 100.0, ())),
        ("caller_missing_share<5%", ("mean", "caller_missing_share", "<", 0.05, ())),
        ("min callee_pesq_mos>3", ("min", "callee_pesq_mos", ">", 3.0, ())),
        (
            "loss<=1% at method=v-tor, load=wget:40:tor",
            ("mean", "loss", "<=", 1.0, (("method", "v-tor"), ("load", "wget:40:tor"))),
        ),
        (
            "pesq>3 at topology.tor.circuit=[a,b], hops = 2",
            ("mean", "pesq", ">", 3.0, (("topology.tor.circuit", "[a,b]"), ("hops", "2"))),
        ),
        (
            "pesq>3 at fault=8s down caller home for 2s",
            ("mean", "pesq", ">", 3.0, (("fault", "8s down caller home for 2s"),)),
        ),
    ],
)
def test_an_expectation_is_a_statistic_a_measure_a_bound_and_where(
    text: str, expected: tuple[Any, ...]
) -> None:
    assert written(text) == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not an expectation"),
        ("pesq", "not an expectation"),
        ("pesq=4", "not an expectation"),
        ("pesq>=4.2 or so", "not an expectation"),
        ("pesq>=nan", "not an expectation"),
        ("pesq>=4 pesq>=3", "not an expectation"),
        ("pesk>=4", "did you mean 'pesq'"),
        ("codec>=4", "nothing that is measured"),
        ("artefacts>=4", "nothing that is measured"),
        ("average pesq>=4", "no statistic"),
        ("p0 pesq>=4", "no statistic"),
        ("p100 pesq>=4", "no statistic"),
        ("mean good>=80", "It is a share"),
        ("share pesq>=4", "no share"),
        ("pesq>=4.2ms", "no unit"),
        ("delay<=4kbit", "is not a delay"),
        ("loss<=101%", "at most 100%"),
        ("pesq>=4 at load", "names no points"),
        ("pesq>=4 at load=", "names no points"),
        ("pesq>=4 at =0", "names no points"),
    ],
)
def test_what_is_no_expectation_is_a_mistake_of_the_user(text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_expectation(text)
    assert complaint in str(raised.value)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("method=vpn", ["vpn", "vpn plain"]),
        ("load=0", [name for name in POINTS if name not in LOADED]),
        ("load=none", [name for name in POINTS if name not in LOADED]),
        ("load=wget:0, rate=10mbit", ["alone"]),
        ("load=40", ["40"]),
        ("load=wget", LOADED),
        ("load=tor", LOADED),
        ("load=wget:80:tor", ["80"]),
        ("load=wget-80-tor", ["80"]),
        ("load.count=80", ["80"]),
        ("load.kind=wget", LOADED),
        ("method=v-tor, load=0, rate=uncapped", [n for n in TOR if n.startswith("v-tor")]),
        ("hops=2", ["v-tor 2 hops"]),
        ("hops=usual, rate=10mbit", ["alone", "40", "80"]),
        ("ptime=40ms", ["sip 40 ms"]),
        ("ptime=40", ["sip 40 ms"]),
        ("ptime=20ms, method=sip", ["sip", "sip adaptive", "london"]),
        ("playout=adaptive:60", ["sip adaptive"]),
        ("playout=fixed:200, method=sip", ["sip", "sip 40 ms", "london"]),
        ("codec=OPUS", ["mumble"]),
        ("codec=pcmu, method=mumble", None),
        ("vpn=none:none", ["vpn plain"]),
        ("vpn=AES-256-GCM", ["vpn"]),
        ("vpn.digest=SHA1", ["vpn"]),
        ("topology.tor.nodelay=all", ["v-tor nodelay"]),
        ("tor.nodelay=all", ["v-tor nodelay"]),
        ("anonymous=both", ["v-tor both"]),
        ("profile=london", ["london"]),
        ("profile=/field/calls/london.json", ["london"]),
        ("direction=to-caller", ["alone", "40", "80"]),
    ],
)
def test_points_are_chosen_by_dimensions_and_values_as_experiments_name_them(
    where: str, expected: list[str] | None
) -> None:
    if expected is None:
        with pytest.raises(UsageError, match="no point of the experiment"):
            meant(where)
    else:
        assert meant(where) == expected


def test_without_a_choice_all_points_are_meant() -> None:
    assert named(points_meant(parse_expectation("pesq>=4"), [*POINTS.values()])) == [*POINTS]


@pytest.mark.parametrize(
    ("where", "complaint"),
    [
        ("load=41", "no point of the experiment has load=41"),
        ("load=41", "wget, 40 streams, load through Tor"),
        ("load=wget:wget", "no point of the experiment has load"),
        ("load=0:0:0:0", "no point of the experiment has load"),
        ("hops=5", "no point of the experiment has hops=5"),
        ("hops=999999999999999999999", "no point of the experiment has hops"),
        ("rate=slow", "no point of the experiment has rate=slow"),
        ("queue=100", "no point of the experiment has queue=100"),
        ("codec=MP3", "no point of the experiment has codec=MP3"),
        ("lode=0", "did you mean 'load'"),
        ("tor.circuits=x", "no dimension tor.circuits"),
        ("tor.nodelay=[", "no point of the experiment has tor.nodelay"),
        ("method=sip, load=40", "has all of these"),
        ("load=0, load=40", "has all of these"),
    ],
)
def test_what_matches_no_point_is_a_mistake_of_the_user(where: str, complaint: str) -> None:
    with pytest.raises(UsageError) as raised:
        meant(where)
    assert complaint in str(raised.value)


def test_what_has_no_effect_at_a_point_is_not_asked_of_it() -> None:
    """An experiment's grid has such points once, whatever it lists: they are no proof of it."""
    with pytest.raises(UsageError):
        points_meant(parse_expectation("pesq>=4 at hops=2"), [Point("sip"), Point("vpn")])
    with pytest.raises(UsageError):
        points_meant(parse_expectation("pesq>=4 at load=wget"), [against(0), Point("sip")])


def test_of_very_many_values_the_first_are_named() -> None:
    with pytest.raises(UsageError, match=r"12 streams, load through Tor; and 28 more\."):
        points_meant(parse_expectation("pesq>=4 at load=0"), [against(n) for n in range(1, 41)])


def outcome_of(text: str, calls: list[CallRecord], points: list[Point] | None = None) -> Outcome:
    (found,) = outcomes([parse_expectation(text)], points or [Point("sip")], calls)
    return found


def sips(*values: float, **columns: object) -> list[CallRecord]:
    return [call(Point("sip"), n, mos, **columns) for n, mos in enumerate(values, 1)]


def test_the_mean_of_the_valid_calls_decides_and_not_its_interval() -> None:
    calls = sips(4.0, 4.2, 4.4)
    found = outcome_of("pesq>=4.2", calls)
    (at,) = found.at
    assert found.met
    assert at.measured.estimate == pytest.approx(4.2)
    assert at.measured.low is not None and at.measured.low < 4.2
    assert at.is_close
    assert not outcome_of("pesq>4.2", calls).met
    assert not outcome_of("pesq>=4.21", calls).met
    assert not outcome_of("pesq>=1", calls).at[0].is_close


def test_every_point_has_to_meet_the_bound() -> None:
    calls = [
        *sips(4.4, 4.4),
        *(call(Point("vpn"), n, 4.0) for n in (1, 2)),
    ]
    points = [Point("sip"), Point("vpn")]
    found = outcome_of("pesq>=4.2", calls, points)
    assert [at.met for at in found.at] == [True, False]
    assert not found.met
    assert outcome_of("pesq>=4.2 at method=sip", calls, points).met


def test_invalid_and_failed_calls_are_counted_and_enter_no_mean() -> None:
    good, invalid, failed = sips(4.4, 1.0, 1.0)
    invalid.valid = False
    failed.status = "failed"
    (at,) = outcome_of("pesq>=4.2", [good, invalid, failed]).at
    assert at.met
    assert at.measured.n == 1
    assert at.counts == Counts(valid=1, invalid=1, failed=1)


@pytest.mark.parametrize("text", ["pesq>=1", "pesq<=5", "valid>=0", "valid<=50", "good<=100"])
def test_a_point_without_a_valid_call_meets_nothing(text: str) -> None:
    for status, valid in (("failed", False), ("ok", False)):
        calls = [replace(one, status=status, valid=valid) for one in sips(4.4, 4.4)]
        assert not outcome_of(text, calls).met
    assert not outcome_of(text, []).met


def test_what_was_not_measured_meets_nothing() -> None:
    calls = sips(4.4, 4.4, callee_owd_ms_p50=None)
    (at,) = outcome_of("delay<=400", calls).at
    assert not at.met
    assert at.figure == "not measured"
    calls[0].callee_owd_ms_p50 = 60.0
    (at,) = outcome_of("delay<=400", calls).at
    assert at.met
    assert at.measured.n == 1
    assert at.counts.valid == 2


def test_without_an_end_it_is_the_end_that_is_scored() -> None:
    point = Point("sip")
    back = Point("sip", direction="to-caller")
    one = call(point, callee_pesq_mos=4.0, caller_pesq_mos=2.0, callee_loss_pct=1.0)
    assert measure_named("pesq").of(one, point) == 4.0
    assert measure_named("pesq").of(one, back) == 2.0
    assert measure_named("caller_pesq_mos").of(one, point) == 2.0
    assert measure_named("loss").of(one, point) == 1.0
    assert measure_named("loss_pct").of(one, point) == 1.0
    assert measure_named("loss").of(one, back) is None
    one.stalls, one.callee_stalls = 5, 3
    assert measure_named("stalls").of(one, point) == 5


def test_an_opinion_that_was_asked_is_a_measure() -> None:
    (one,) = sips(4.4)
    one.opinions = {"callee_visqol": 4.1}
    assert measure_named("visqol").of(one, Point("sip")) == 4.1
    assert measure_named("caller_visqol").of(one, Point("sip")) is None


def test_good_is_of_the_valid_calls_and_valid_of_all() -> None:
    calls = sips(4.4, 4.4, 2.0, 4.4, callee_owd_ms_p50=60.0)
    calls[3].valid = False
    (good,) = outcome_of("good>=66%", calls).at
    assert good.measured.estimate == pytest.approx(200 / 3)
    assert good.measured.n == 3
    assert good.met
    (valid,) = outcome_of("valid>=75%", calls).at
    assert valid.measured.estimate == 75.0
    assert valid.measured.n == 4
    assert valid.met
    assert valid.measured.low is not None and valid.measured.low < 50


@pytest.mark.parametrize(
    ("name", "estimate", "low", "high"),
    [("min", 1.0, None, None), ("max", 9.0, None, None), ("p50", 5.0, 2.0, 8.0)],
)
def test_other_statistics_of_nine_values(
    name: str, estimate: float, low: float | None, high: float | None
) -> None:
    found = statistic_named(name).of([9.0, 1.0, 2.0, 3.0, 5.0, 4.0, 6.0, 7.0, 8.0])
    assert (found.estimate, found.low, found.high, found.n) == (estimate, low, high, 9)


@pytest.mark.parametrize(("name", "fewest"), [("p50", 6), ("p95", 72)])
def test_a_percentile_of_few_calls_has_no_interval(name: str, fewest: int) -> None:
    of = statistic_named(name).of
    assert of([]).estimate is None
    assert of([float(n) for n in range(fewest - 1)]).low is None
    assert of([float(n) for n in range(fewest)]).low is not None


def at_point(expectation: Expectation, estimate: float) -> AtPoint:
    measured = Interval(estimate, estimate - 0.1, estimate + 0.1, 9, 9, 0.95)
    return AtPoint(expectation, "sip", measured, Counts(9, 0, 0))


def test_a_figure_is_shown_on_the_side_of_the_bound_on_which_it_is() -> None:
    expectation = parse_expectation("pesq>=4.2")
    assert at_point(expectation, 4.25).figure == "4.25 (4.15-4.35)"
    assert at_point(expectation, 4.1996).figure == "4.1996 (4.0996-4.2996)"
    assert at_point(expectation, 4.2).figure == "4.20 (4.10-4.30)"
    assert at_point(parse_expectation("jitter<=5ms"), 5.01).figure == "5.01 ms (4.91-5.11)"


def test_a_report_begins_with_them_and_its_data_has_them() -> None:
    points = [Point("sip"), Point("vpn")]
    calls = [*sips(4.4, 4.4), *(call(Point("vpn"), n, 4.0) for n in (1, 2, 3))]
    calls[-1].valid = False
    found = outcomes(
        [parse_expectation("pesq>=4.2"), parse_expectation("pesq>=4.2 at method=sip")],
        points,
        calls,
    )
    report = with_expectations(Report("test", (), (), data={"seed": 1}), found)
    told = " ".join(text_of(report).split())
    assert "pesq>=4.2: not met at 1 of 2 points: vpn.PCMU.to-callee." in told
    assert "pesq>=4.2 at method=sip: met at its one point." in told
    assert RULE in told
    data = json.loads(json.dumps(report.data, allow_nan=False))
    assert data["seed"] == 1
    first, second = data["expectations"]
    assert (first["met"], second["met"]) == (False, True)
    vpn = first["points"][1]
    assert (vpn["point_id"], vpn["met"]) == ("vpn.PCMU.to-callee", False)
    assert (vpn["valid"], vpn["invalid"], vpn["failed"]) == (2, 1, 0)
    assert (vpn["measured"]["estimate"], vpn["measured"]["n"]) == (4.0, 2)
