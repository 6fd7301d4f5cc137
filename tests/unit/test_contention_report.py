"""Reports on calls against competing traffic: curves, cliffs, and the paper's Tables 2 and 3."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from report_runs import LINK, MOS, against, call, contention_calls, report_on, text_of

from lab.measure.record import CallRecord
from lab.report.contention import Curve, curves
from lab.report.paper import TABLE_2, TABLE_3


@pytest.mark.parametrize(
    ("count", "rate_kbps", "streams"),
    [
        (74, 10_000, "< 75"),
        (77, 10_000, None),
        (80, 10_000, "80"),
        (85, 10_000, None),
        (86, 10_000, "> 85"),
        (16, 2_000, "80"),
        (14, 2_000, "< 75"),
        (40, 5_000, "80"),
    ],
)
def test_a_row_of_table2_speaks_of_the_same_share_on_another_link(
    count: int, rate_kbps: int, streams: str | None
) -> None:
    row = TABLE_2.row(count, rate_kbps)
    assert (row and row.streams) == streams


def test_table3_has_its_cliff_at_43_calls_on_5_mbit() -> None:
    rows = {
        count: row and row.streams
        for count in (34, 36, 40, 43, 44)
        for row in [TABLE_3.row(count, 5_000)]
    }
    assert rows == {34: "< 35", 36: None, 40: "40-43", 43: "40-43", 44: "> 43"}


def curve(mos_by_count: dict[int, float]) -> Curve:
    points = [against(count) for count in mos_by_count]
    (found,) = curves(points, contention_calls(mos_by_count), TABLE_2)
    return found


def test_a_curve_begins_with_the_call_alone_and_goes_by_count() -> None:
    found = curve(dict(reversed(MOS.items())))
    assert [step.count for step in found.steps] == list(MOS)
    assert found.steps[3].share_kbps == 125.0
    assert found.steps[3].goodput_kbps.estimate == pytest.approx(112.5)
    assert found.steps[0].share_kbps is None


def test_the_cliff_is_predicted_from_what_the_call_takes_alone_in_the_scored_direction() -> None:
    cliff = curve(MOS).cliff
    assert (cliff.last_good, cliff.first_bad) == (80, 86)
    assert cliff.predicted == pytest.approx(10_000 / 118 - 1)


def test_a_call_is_good_when_neither_quality_nor_delay_spoils_it() -> None:
    """From count 80 on the median delay here is above 400 ms."""
    shares = {step.count: step.good.estimate for step in curve(MOS).steps}
    assert shares == {0: 1.0, 40: 1.0, 74: 1.0, 80: 0.0, 86: 0.0, 95: 0.0}


def test_a_dip_before_good_counts_is_no_cliff() -> None:
    cliff = curve({0: 4.39, 40: 2.9, 80: 4.3}).cliff
    assert (cliff.last_good, cliff.first_bad) == (80, None)


def calls_failing_against_95(artefacts: str | None) -> list[CallRecord]:
    failed: dict[str, Any] = {"status": "failed", "valid": False, "artefacts": artefacts}
    return [
        replace(record, **failed) if record.load_count == 95 else record
        for record in contention_calls({0: 4.39, 80: 4.2, 95: 1.0})
    ]


def test_counts_at_which_every_call_breaks_are_beyond_the_cliff() -> None:
    points = [against(count) for count in (0, 80, 95)]
    (found,) = curves(points, calls_failing_against_95("/results/calls/1"), TABLE_2)
    assert (found.cliff.last_good, found.cliff.first_bad) == (80, 95)
    told = text_of(report_on(points, calls_failing_against_95("/results/calls/1"), None))
    assert "PESQ is good up to 80 streams, calls against 95 break" in " ".join(told.split())


def test_competitors_that_never_ran_make_no_cliff() -> None:
    points = [against(count) for count in (0, 80, 95)]
    (found,) = curves(points, calls_failing_against_95(None), TABLE_2)
    assert (found.cliff.last_good, found.cliff.first_bad) == (80, None)


def test_counts_without_a_valid_call_are_said_and_prove_nothing() -> None:
    calls = [
        replace(record, valid=False) if record.load_count == 95 else record
        for record in contention_calls({0: 4.39, 80: 4.2, 95: 1.0})
    ]
    told = text_of(report_on([against(count) for count in (0, 80, 95)], calls, None))
    words = " ".join(told.split())
    assert "PESQ does not fall below 3 up to 80 streams" in words
    assert "against 95 there was no valid call." in words


def test_every_row_of_the_paper_is_answered_in_words() -> None:
    points = [against(count) for count in MOS]
    told = " ".join(text_of(report_on(points, contention_calls(MOS), 2)).split())
    assert "< 75 streams: the paper has PESQ > 4.2; here" in told
    assert "against 74 (n = 2), which agrees." in told
    assert "80 streams: the paper has PESQ ≈ 3.4; here 3.40" in told
    assert "> 85 streams: the paper has PESQ < 2.3; here 1.80" in told
    assert "falls below 3 between 80 and 86 streams; link ÷ cost of a call alone" in told


def test_placements_are_curves_of_their_own_and_set_side_by_side() -> None:
    points = [
        against(count).but(placement=placement)
        for placement in ("server", "access")
        for count in (0, 40)
    ]
    told = text_of(report_on(points, [call(point) for point in points], None))
    assert "Where the mean PESQ falls below 3" in told
    assert "cap at server" in told
    assert "cap at access" in told


def test_v_tor_and_m_tor_stand_side_by_side_against_the_same_traffic() -> None:
    points = [
        against(count).but(method=method, load_through=None if not count else "direct")
        for method in ("v-tor", "m-tor")
        for count in (0, 40, 60)
        if (method, count) != ("v-tor", 60)
    ]
    points = [point.normalised() for point in points]
    calls = [call(point, mos=4.4 if point.method == "v-tor" else 4.2) for point in points]
    report = report_on(points, calls, None)
    (table,) = [
        table
        for section in report.sections
        for table in section.tables
        if table.title == "v-tor beside m-tor"
    ]
    assert table.columns[1:5] == (
        "v-tor: MOS-LQO",
        "v-tor: delay ms",
        "v-tor: valid",
        "m-tor: MOS-LQO",
    )
    assert [row[0] for row in table.rows] == ["0", "40", "60"]
    assert [row[1][:4] for row in table.rows] == ["4.40", "4.40", "-"]
    assert [row[4][:4] for row in table.rows] == ["4.20", "4.20", "4.20"]


def test_against_calls_of_its_own_kind_a_call_takes_its_part_of_the_link() -> None:
    def cost(method: str, through: str) -> float | None:
        point = LINK.but(
            method=method, load_kind="mumble", load_count=9, load_through=through
        ).normalised()
        made = call(point, rate_achieved_kbps=1000.0, kbps_exit_eth_back=118.0)
        (found,) = curves([point], [made], None)
        return found.steps[0].cost_kbps.estimate

    assert cost("m-tor", "tor") == 100.0
    assert cost("m-tor", "direct") == cost("v-tor", "tor") == 118.0


def test_a_cliff_is_predicted_only_against_what_takes_an_even_share() -> None:
    def predicted(method: str) -> float | None:
        alone = LINK.but(method=method).normalised()
        loaded = alone.but(load_kind="mumble", load_count=9, load_through="tor")
        calls = [call(point, kbps_exit_eth_back=100.0) for point in (alone, loaded)]
        (found,) = curves([alone, loaded], calls, None)
        return found.cliff.predicted

    assert predicted("m-tor") == 99.0
    assert predicted("v-tor") is None
