"""Reports of corners, and of the waterfall from one study's share of good calls to the other's."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from designed_runs import (
    CONTROL,
    NODELAY,
    calls_at,
    full_factorial,
    plan_of,
    point,
    report_of,
)
from report_runs import text_of

from lab.measure.record import CallRecord
from lab.measure.statistics import Interval
from lab.report.corners import Corner, corners_of
from lab.report.factorial import factorial
from lab.report.pages import to_html
from lab.report.paper import ALL_GOOD, SECOND_GOOD
from lab.report.waterfall import TOTALS, Bar, Kind, Waterfall, waterfall
from lab.sweep.plan import Plan
from lab.sweep.point import Point

ROAD = point(**{NODELAY: "all", CONTROL: "fixed", "codec": "PCMA"})
CHOPPY = point(**{NODELAY: "none", CONTROL: "vegas", "hops": 2, "codec": "GSM"})
CHOPPY_OPUS = CHOPPY.but(codec="OPUS")
POINTS = full_factorial()
PLAN = plan_of(POINTS, "screening", {"road": [ROAD], "choppy": [CHOPPY, CHOPPY_OPUS]})


def mos_of(at: Point) -> float:
    return 3.2 if at.to_dict()[NODELAY] == "all" else 2.9


def made(plan: Plan = PLAN) -> list[CallRecord]:
    design = calls_at(POINTS, 8, mos_of, noise=0.2)
    corners = calls_at([p for some in plan.corners.values() for p in some], 20, mos_of, noise=0.2)
    return design + corners


def steps_of(plan: Plan, calls: list[CallRecord]) -> Waterfall | None:
    corners = {corner.name: corner for corner in corners_of(plan, calls)}
    return waterfall(plan, corners["road"], corners["choppy"], factorial(plan, calls))


def adds_up(found: Waterfall) -> None:
    assert found.bars[0].points == ALL_GOOD.value
    assert found.bars[-1].points == SECOND_GOOD.value
    changes = [bar.points for bar in found.bars if bar.kind not in TOTALS]
    assert ALL_GOOD.value + sum(changes) == pytest.approx(SECOND_GOOD.value, abs=1e-9)
    level = 0.0
    for bar, start in zip(found.bars, found.starts, strict=True):
        if bar.kind in TOTALS:
            assert start == 0
            assert level == pytest.approx(bar.points, abs=1e-9) or bar is found.bars[0]
            level = bar.points
        else:
            assert start == pytest.approx(level, abs=1e-9)
            level += bar.points


def named(found: Waterfall, words: str) -> Bar:
    return next(bar for bar in found.bars if words in bar.name)


def test_the_waterfall_adds_up_and_each_factor_is_its_effect() -> None:
    calls = made()
    found = steps_of(PLAN, calls)
    assert found
    adds_up(found)
    effects = factorial(PLAN, calls)
    assert effects
    sizes = {effect.name: effect.sizes["good"] for effect in effects.main}
    nodelay = named(found, "tor.nodelay: all → none")
    assert nodelay.points == pytest.approx(-(sizes["tor.nodelay"].estimate or 0))
    assert nodelay.size.low == pytest.approx(-(sizes["tor.nodelay"].high or 0))
    assert nodelay.points < -30
    assert named(found, "hops: 3 hops → 2 hops").points == pytest.approx(sizes["hops"].estimate)
    remainder = named(found, "together")
    assert remainder.kind is Kind.REMAINDER
    assert remainder.size.low is not None and remainder.size.high is not None
    assert remainder.size.low < remainder.points < remainder.size.high
    assert found.not_varied == ("codec",)
    assert named(found, "PESQ alone").points == pytest.approx(0)


def test_calls_without_the_second_studys_scores_have_no_bar_for_scoring() -> None:
    found = steps_of(PLAN, made())
    assert found
    assert not [bar for bar in found.bars if "header" in bar.name]
    adds_up(found)


def test_scoring_is_a_bar_of_the_same_calls() -> None:
    calls = made()
    for each in calls:
        for end in ("caller", "callee"):
            setattr(each, f"{end}_pesq_mos_choppy", getattr(each, f"{end}_pesq_mos") - 1)
    corner = [c for c in calls if c.point_id in (CHOPPY.point_id, CHOPPY_OPUS.point_id)]
    for each, end in zip(corner, ("caller", "callee"), strict=False):
        setattr(each, f"{end}_pesq_mos_choppy", None)
    found = steps_of(PLAN, calls)
    assert found
    adds_up(found)
    scoring = named(found, "header")
    assert scoring.points < -10
    assert scoring.size.n == len(corner) - 2
    (choppy,) = [c for c in corners_of(PLAN, calls) if c.name == "choppy"]
    assert choppy.by_studys_rule is choppy.good_as_scored
    assert choppy.by_studys_rule.n == len(corner) - 2


def test_delay_counts_for_the_first_study_and_not_for_the_second() -> None:
    calls = made()
    for each in calls:
        if each.point_id == CHOPPY.point_id:
            each.caller_pesq_mos = each.callee_pesq_mos = 3.5
            each.caller_owd_ms_p50 = 600.0
    found = steps_of(PLAN, calls)
    assert found
    adds_up(found)
    assert named(found, "PESQ alone").points == pytest.approx(50)


def test_a_factor_that_is_mixed_in_a_corner_counts_by_its_share_of_calls() -> None:
    both = [CHOPPY, CHOPPY.but(**{NODELAY: "all"})]
    plan = plan_of(POINTS, "screening", {"road": [ROAD], "choppy": both})
    calls = made(plan)
    found = steps_of(plan, calls)
    effects = factorial(plan, calls)
    assert found and effects
    adds_up(found)
    size = next(e for e in effects.main if e.name == "tor.nodelay").sizes["good"].estimate or 0
    assert named(found, "tor.nodelay: all → all in 50 %").points == pytest.approx(-size / 2)


def test_a_value_that_the_design_does_not_vary_has_no_bar_and_is_named() -> None:
    plan = plan_of(POINTS, "screening", {"road": [ROAD], "choppy": [CHOPPY.but(hops=4)]})
    found = steps_of(plan, made(plan))
    assert found
    adds_up(found)
    assert found.not_told == ("hops",)
    assert not [bar for bar in found.bars if bar.name.startswith("hops")]


@pytest.mark.parametrize("design", ["full", "screening"])
def test_corners_stand_without_a_design_that_has_effects(design: str) -> None:
    plan = replace(PLAN, design=design)
    calls = [call for call in made() if call.point_id not in {p.point_id for p in POINTS}]
    found = steps_of(plan, calls)
    assert found
    adds_up(found)
    assert [bar.kind for bar in found.bars].count(Kind.MEASURED) == 1


def test_a_corner_that_is_in_the_design_gives_the_remainder_no_interval() -> None:
    plan = plan_of(POINTS, "screening", {"road": [POINTS[4]], "choppy": [CHOPPY]})
    found = steps_of(plan, made(plan))
    assert found
    adds_up(found)
    assert named(found, "together").size.low is None


def test_without_a_valid_call_in_a_corner_there_is_no_waterfall_and_it_says_so() -> None:
    calls = made()
    for each in calls:
        if each.point_id == ROAD.point_id:
            each.valid = False
    assert steps_of(PLAN, calls) is None
    told = " ".join(text_of(report_of(PLAN, calls)).split())
    assert "No waterfall" in told
    assert "road, the settings of The Road Not Taken (2020): no valid call so far." in told


def test_corners_stand_beside_the_studies_figures() -> None:
    calls = made()
    calls[-1].status, calls[-1].valid = "failed", False
    report = report_of(PLAN, calls)
    road, choppy = report.data["corners"]
    assert road["counts"] == {"valid": 20, "invalid": 0, "failed": 0}
    assert choppy["counts"] == {"valid": 39, "invalid": 0, "failed": 1}
    assert road["mos"]["caller"]["estimate"] == pytest.approx(3.4, abs=0.15)
    told = " ".join(text_of(report).split())
    assert "20 calls are good by its own rule (PESQ above 3 and a delay below 400 ms" in told
    assert "does not vary it (within what is left): codec." in told
    assert to_html(report).count("<svg") == 2
    json.dumps(report.data)


@pytest.mark.parametrize(
    ("low", "high", "name", "verdict"),
    [
        (0.7, 0.9, "road", "differs"),
        (0.9, 1.0, "road", "agrees"),
        (0.5, 0.8, "road", "differs"),
        (0.1, 0.2, "choppy", "agrees"),
        (0.2, 0.4, "choppy", "differs"),
        (0.0, 0.1, "choppy", "differs"),
    ],
)
def test_a_share_differs_where_the_studys_is_outside_its_interval(
    low: float, high: float, name: str, verdict: str
) -> None:
    share = Interval((low + high) / 2, low, high, 20, 20, 0.95)
    (found,) = corners_of(plan_of(POINTS, "full", {name: [ROAD]}), [])
    corner: Corner = replace(found, good=share, good_pesq=share)
    assert corner.agreement == verdict
    assert found.agreement == "not measured"


def test_a_corner_of_another_name_is_beside_no_study() -> None:
    plan = plan_of(POINTS, "full", {"mine": [ROAD]})
    report = report_of(plan, calls_at([ROAD], 3, mos_of))
    assert report.data["corners"][0]["study"] is None
    assert report.data["waterfall"] is None


def test_the_parts_of_a_corner_are_together_beside_their_study() -> None:
    parts = {"choppy-pjsua": [CHOPPY], "choppy-opus": [CHOPPY_OPUS], "choppyish": [ROAD]}
    calls = [*calls_at([CHOPPY], 6, lambda _: 2.9), *calls_at([CHOPPY_OPUS], 2, lambda _: 3.4)]
    found = {corner.name: corner for corner in corners_of(plan_of(POINTS, "full", parts), calls)}
    assert list(found) == ["choppy", "choppy-pjsua", "choppy-opus", "choppyish"]
    assert found["choppy"].good_pesq.estimate == 0.25
    assert found["choppy-opus"].good_pesq.estimate == 1
    assert [name for name, corner in found.items() if corner.study] == ["choppy"]
