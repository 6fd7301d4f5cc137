"""Reports of two-level designs: effects that are known are found again."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from designed_runs import (
    NODELAY,
    calls_at,
    full_factorial,
    plan_of,
    point,
    report_of,
)
from report_runs import text_of

from lab.measure.differences import paired_interval, paired_share_interval
from lab.measure.intervals import excludes_zero, negated, summed
from lab.measure.least_squares import least_squares
from lab.measure.statistics import share_interval
from lab.report.factorial import factorial
from lab.report.pages import to_html
from lab.sweep.point import Point

POINTS = full_factorial()


def mos_of(at: Point) -> float:
    """Nodelay + 0.6, two hops - 0.2, and + 0.4 more of nodelay where there are two."""
    values = at.to_dict()
    nodelay, two = values[NODELAY] == "all", values["hops"] == 2
    return 3.0 + 0.6 * nodelay - 0.2 * two + 0.4 * (nodelay and two)


def delay_of(at: Point) -> float:
    return 250.0 - 100 * (at.to_dict()[NODELAY] == "all")


def test_main_effects_and_interactions_are_those_of_which_the_calls_were_made() -> None:
    found = factorial(plan_of(POINTS, "interactions"), calls_at(POINTS, 6, mos_of, delay_of))
    assert found
    sizes = {effect.name: effect.sizes for effect in found.effects}
    nodelay = sizes["tor.nodelay"]["pesq_mos"]
    assert nodelay.estimate == pytest.approx(0.8, abs=0.05)  # 0.6, and 0.4 at one half of points
    assert nodelay.low is not None and nodelay.high is not None
    assert nodelay.low < 0.8 < nodelay.high
    assert sizes["hops with tor.nodelay"]["pesq_mos"].estimate == pytest.approx(0.2, abs=0.05)
    assert sizes["hops"]["pesq_mos"].estimate == pytest.approx(0.0, abs=0.05)
    assert not excludes_zero(sizes["tor.congestion_control"]["pesq_mos"])
    assert sizes["tor.nodelay"]["owd_ms_p50"].estimate == pytest.approx(-100, abs=4)
    assert sizes["tor.nodelay"]["caller_pesq_mos"].estimate == pytest.approx(0.8, abs=0.05)
    assert found.residual_freedom["pesq_mos"] == 48 - 7


def test_intervals_cover_in_95_of_100_runs() -> None:
    truth, covered, tries = 0.8, 0, 200
    for seed in range(tries):
        calls = calls_at(POINTS, 2, mos_of, delay_of, noise=0.3, seed=seed)
        found = factorial(plan_of(POINTS, "interactions"), calls)
        assert found
        size = next(e for e in found.main if e.name == "tor.nodelay").sizes["pesq_mos"]
        assert size.low is not None and size.high is not None
        covered += size.low < truth < size.high
    assert 0.9 < covered / tries < 0.99


def test_a_design_that_lost_calls_is_weighed_as_it_is() -> None:
    """Without interactions in it the loss of one corner would show as an effect of another."""

    def additive(at: Point) -> float:
        values = at.to_dict()
        return 2.5 + 0.6 * (values[NODELAY] == "all") + 0.5 * (values["hops"] == 2)

    calls = calls_at(POINTS, 6, additive)
    for lost in calls:
        values = lost.point_id == point(**{NODELAY: "all", "hops": 2}).point_id
        if values and (lost.point_call or 0) > 1:
            lost.valid = False
    calls[0].status, calls[0].valid = "failed", False
    found = factorial(plan_of(POINTS, "screening"), calls)
    assert found
    sizes = {effect.name: effect.sizes["pesq_mos"].estimate for effect in found.main}
    assert sizes["tor.nodelay"] == pytest.approx(0.6, abs=0.04)
    assert sizes["hops"] == pytest.approx(0.5, abs=0.04)
    first, second = found.counts_at["tor.nodelay"]
    assert (first.valid, first.failed) == (23, 1)
    assert (second.valid, second.invalid) == (19, 5)


def test_without_a_degree_of_freedom_there_is_no_interval_and_it_says_so() -> None:
    points = [POINTS[0], POINTS[3], POINTS[5], POINTS[6]]
    report = report_of(plan_of(points, "screening"), calls_at(points, 1, mos_of))
    for effect in report.data["effects"]["effects"]:
        assert effect["sizes"]["pesq_mos"]["estimate"] is not None
        assert effect["sizes"]["pesq_mos"]["low"] is None
    told = " ".join(text_of(report).split())
    assert "no degree of freedom is left" in told
    assert "two-way interactions are mixed into the main effects" in told


def test_what_the_calls_so_far_cannot_tell_apart_has_no_effect() -> None:
    calls = calls_at([POINTS[0], POINTS[-1]], 4, mos_of)
    report = report_of(plan_of(POINTS, "screening"), calls)
    for effect in report.data["effects"]["effects"]:
        assert effect["sizes"]["pesq_mos"]["estimate"] is None
    assert "cannot tell from others: " in " ".join(text_of(report).split())


def test_shares_count_valid_calls_and_calls_that_are_all_alike_have_no_interval() -> None:
    calls = calls_at(POINTS, 4, lambda _: 4.0)
    for lost in calls[:4]:
        lost.status, lost.valid = "failed", False
    found = factorial(plan_of(POINTS, "screening"), calls)
    assert found
    good = found.main[0].sizes["good"]
    assert good.n == 28
    assert good.estimate == pytest.approx(0)
    assert good.low is None


def test_a_long_delay_is_no_good_call_for_the_first_study_alone() -> None:
    def slow(at: Point) -> float:
        return 500.0 if at.to_dict()["hops"] == 3 else 200.0

    found = factorial(plan_of(POINTS, "screening"), calls_at(POINTS, 4, lambda _: 3.9, slow))
    assert found
    hops = next(effect for effect in found.main if effect.name == "hops")
    assert hops.sizes["good"].estimate == pytest.approx(100)
    assert hops.sizes["good_pesq"].estimate == pytest.approx(0)


def test_coordinates_that_change_together_are_one_factor_and_more_values_are_left_out() -> None:
    loads = {0: {}, 1: {"load_kind": "wget", "load_count": 5, "load_through": "tor"}}
    points = [
        Point("v-tor", **{NODELAY: place, "topology.tor.version": version, **load})  # type: ignore[arg-type]
        for place in ("none", "all")
        for load in loads.values()
        for version in ("0.4.5", "0.4.8", "0.4.9")
    ]
    found = factorial(plan_of(points, "screening"), calls_at(points, 1, mos_none))
    assert found
    assert [factor.name for factor in found.factors] == ["load", "tor.nodelay"]
    assert found.factors[0].first == "none"
    assert "5 streams" in found.factors[0].second
    assert found.left_out == ("topology.tor.version",)


def mos_none(_: Point) -> float:
    return 3.5


def test_the_report_names_both_values_marks_effects_and_draws_them() -> None:
    calls = calls_at(POINTS, 6, mos_of, delay_of)
    for each in calls:
        each.valid = each.point_call != 6
    report = report_of(plan_of(POINTS, "interactions"), calls)
    told = " ".join(text_of(report).split())
    assert "tor.nodelay, none → all: PESQ +0.8" in told
    assert re.search(r"PESQ \+0\.8\d \(\+.* ms \(-1.*Act together", told)
    assert "Act together: hops with tor.nodelay." in told
    assert "20 / 20" in told
    assert "20 / 4 / 0" in told
    assert "baseline" not in report.data
    page = to_html(report)
    assert "What each factor does by itself, and two of them together" in page
    assert page.count("<svg") == 1
    json.dumps(report.data)


def test_plans_of_other_designs_have_no_effects() -> None:
    calls = calls_at(POINTS, 2, mos_of)
    assert factorial(plan_of(POINTS, "full"), calls) is None
    data = report_of(plan_of(POINTS, "full"), calls).data
    assert "effects" not in data
    assert "nodelay" in data
    assert factorial(plan_of(POINTS, "screening"), []) is None


def test_scoring_as_the_second_study_did_is_compared_call_by_call() -> None:
    calls = calls_at(POINTS, 3, lambda _: 3.3, noise=0.001)
    for number, each in enumerate(calls):
        for end, loss in (("caller", 0.1), ("callee", 0.5 if number % 2 else 0.1)):
            setattr(each, f"{end}_pesq_mos_choppy", getattr(each, f"{end}_pesq_mos") - loss)
    report = report_of(plan_of(POINTS, "screening"), calls)
    found = report.data["scoring"]
    assert found["mos"]["caller"]["estimate"] == pytest.approx(-0.1)
    assert found["mos"]["callee"]["estimate"] == pytest.approx(-0.3)
    assert found["good_pesq"]["estimate"] == pytest.approx(-50)
    assert found["good_pesq"]["high"] < 0
    assert "header of the reference as audio" in text_of(report)


def test_least_squares_has_the_textbook_interval() -> None:
    values = np.array([1.0, 2.0, 3.0, 5.0, 6.0, 7.0])
    matrix = np.column_stack([np.ones(6), [-1, -1, -1, 1, 1, 1]])
    fit = least_squares(matrix, values)
    effect = fit.coefficients[1]
    assert effect.estimate == pytest.approx(2.0)
    # The pooled two-sample t interval of a difference of 4 (SE 0.8165, t = 2.776), halved.
    assert effect.low == pytest.approx(2 - 0.5 * 2.776 * 0.8165, abs=1e-3)
    assert fit.residual_freedom == 4


def test_pairs_sums_and_judgements_have_the_intervals_of_their_authors() -> None:
    found = paired_interval([5.0, 6.0, 8.0], [1.0, 2.0, 3.0])
    assert found.estimate == pytest.approx(13 / 3)
    assert found.low == pytest.approx(13 / 3 - 4.3027 / 3, abs=1e-3)
    assert paired_interval([1.0], [2.0]).low is None
    assert paired_interval([3.0, 2.0], [2.0, 1.0]).low is None
    assert paired_interval([], []).estimate is None
    # Newcombe (1998), table II, column (a): 56/70 - 48/80, method 10.
    shares = summed([share_interval(56, 70), negated(share_interval(48, 80))])
    assert shares.estimate == pytest.approx(0.2)
    assert shares.low == pytest.approx(0.0524, abs=1e-4)
    assert shares.high == pytest.approx(0.3339, abs=1e-4)
    alike = paired_share_interval([True] * 20, [True] * 20)
    assert alike.estimate == 0
    assert alike.low is not None and alike.high is not None
    assert alike.low < 0 < alike.high
    assert paired_share_interval([], []).estimate is None
