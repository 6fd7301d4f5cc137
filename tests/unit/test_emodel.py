"""The E-model against what the ITU-T and others have published."""

from __future__ import annotations

import pytest

from lab.errors import LabError
from lab.measure.emodel import delay_impairment, effective_impairment, mos_from_r, rate


def test_defaults_give_the_rating_of_g107() -> None:
    rating = rate("PCMU", one_way_delay_ms=0, loss_pct=0)
    assert rating
    assert round(rating.r, 1) == 93.2
    assert round(rating.mos, 2) == 4.41


@pytest.mark.parametrize(
    ("loss_pct", "published"), [(0, 11), (1, 15), (2, 19), (3, 23), (4, 26), (8, 36), (16, 49)]
)
def test_loss_impairs_g729a_as_published(loss_pct: float, published: float) -> None:
    """G.113 Appendix I (1999), G.729A with VAD under random loss."""
    assert effective_impairment(11, 19, loss_pct, 1) == pytest.approx(published, abs=0.7)


@pytest.mark.parametrize(
    ("loss_pct", "published"), [(0, 0), (1, 5), (2, 7), (3, 10), (5, 15), (10, 25), (20, 45)]
)
def test_loss_impairs_g711_as_published(loss_pct: float, published: float) -> None:
    """G.113 Appendix I (1999), G.711 with concealment; whole fives were published."""
    assert effective_impairment(0, 25.1, loss_pct, 1) == pytest.approx(published, abs=3)


@pytest.mark.parametrize("delay_ms", [25, 50, 100, 150, 200, 250, 300])
def test_delay_impairs_as_published(delay_ms: float) -> None:
    """Cole and Rosenbluth (2001), their straight lines through G.107, below 300 ms."""
    lines = 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - 177.3)
    assert delay_impairment(delay_ms) == pytest.approx(lines, abs=0.6)


@pytest.mark.parametrize(
    ("delay_ms", "loss_pct", "published"),
    [(50, 0, 92), (150, 0, 89.6), (250, 0, 79.2), (50, 2, 85), (150, 2, 82.6), (250, 5, 64.2)],
)
def test_pairs_of_delay_and_loss(delay_ms: float, loss_pct: float, published: float) -> None:
    """R = 93.2 less the published impairments of delay and of loss (G.711 concealed)."""
    rating = rate("PCMU", delay_ms, loss_pct)
    assert rating
    assert rating.r == pytest.approx(published, abs=1.5)


def test_it_sees_what_pesq_does_not() -> None:
    near, far = rate("PCMU", 20, 0), rate("PCMU", 777, 0)
    assert near and far
    assert near.r > 90
    assert far.r < 60


def test_bursts_hurt_more_than_random_loss() -> None:
    assert effective_impairment(0, 25.1, 5, 4) > effective_impairment(0, 25.1, 5, 1)


def test_no_rating_without_published_values() -> None:
    assert rate("OPUS", 50, 0) is None
    assert rate("speex", 50, 0) is None
    assert rate("GSM", 50, 1) is None
    assert rate("gsm", 50, 0) is not None


def test_mos_stays_on_its_scale() -> None:
    scores = [mos_from_r(r) for r in (-5, 0, 3, 10, 50, 80, 93.2, 100, 120)]
    assert scores == sorted(scores)
    assert (scores[0], scores[-1]) == (1.0, 4.5)


@pytest.mark.parametrize("values", [(-1, 0, 1), (0, 101, 1), (0, -1, 1), (0, 1, 0.5)])
def test_impossible_calls_are_refused(values: tuple[float, float, float]) -> None:
    with pytest.raises(LabError, match="cannot rate"):
        rate("PCMU", *values)
