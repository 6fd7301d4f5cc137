"""Intervals over calls: they cover the truth as often as they say, and circuits count once."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from lab.measure.statistics import Counts, count_calls, mean_interval, share_interval


def test_the_same_seed_gives_the_same_interval() -> None:
    values = [4.4, 4.5, 3.9, 4.2, 4.3]
    assert mean_interval(values, seed=1) == mean_interval(values, seed=1)
    assert mean_interval(values, seed=1) != mean_interval(values, seed=2)


def test_an_interval_of_95_percent_covers_the_truth_about_that_often() -> None:
    generator = np.random.default_rng(3)
    covered = 0
    for seed in range(100):
        interval = mean_interval(generator.exponential(1.0, 40).tolist(), seed=seed)
        assert interval.low is not None
        assert interval.high is not None
        covered += interval.low <= 1.0 <= interval.high
    # Binomial(100, 0.95) lies outside once in a thousand; bootstrap is a little too narrow.
    assert 84 <= covered <= 100


def test_calls_over_one_circuit_are_no_independent_calls() -> None:
    """Ten circuits, each repeated ten times, say no more than ten calls."""
    ten = np.random.default_rng(1).normal(4, 0.5, 10)
    alone = mean_interval(ten.tolist())
    repeated = mean_interval(np.repeat(ten, 10).tolist(), np.repeat(np.arange(10), 10).tolist())
    ignored = mean_interval(np.repeat(ten, 10).tolist())
    assert (repeated.n, repeated.groups) == (100, 10)
    assert (repeated.low, repeated.high) == pytest.approx((alone.low, alone.high), abs=1e-9)
    width = [interval.high - interval.low for interval in (repeated, ignored)]  # type: ignore[operator]
    assert width[0] > 2 * width[1]


def test_the_mean_is_over_calls_not_over_circuits() -> None:
    interval = mean_interval([1.0, 4.0, 4.0, 4.0], ["a", "b", "b", "b"])
    assert interval.estimate == pytest.approx(3.25)


@pytest.mark.parametrize("values", [[], [4.2]])
def test_too_few_calls_have_no_interval(values: list[float]) -> None:
    interval = mean_interval(values)
    assert interval.estimate == (values[0] if values else None)
    assert (interval.low, interval.high) == (None, None)


def test_calls_that_are_all_alike() -> None:
    interval = mean_interval([4.5, 4.5, 4.5])
    assert (interval.low, interval.high) == (4.5, 4.5)


def test_a_value_that_was_not_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="measured"):
        mean_interval([4.5, float("nan")])


def test_wilson() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I: 81/263 is 0.2553 to 0.3662."""
    interval = share_interval(81, 263)
    assert interval.estimate == pytest.approx(81 / 263)
    assert (interval.low, interval.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    none = share_interval(0, 20)
    assert (none.low, none.high) == pytest.approx((0, 0.1611), abs=5e-5)
    assert share_interval(0, 0).estimate is None


def test_counts() -> None:
    outcomes = [("ok", True), ("ok", True), ("ok", False), ("failed", None), ("failed", False)]
    calls = [SimpleNamespace(status=status, valid=valid) for status, valid in outcomes]
    assert count_calls(calls) == Counts(valid=2, invalid=1, failed=2)
    assert count_calls(calls).total == 5
