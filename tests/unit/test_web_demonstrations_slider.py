"""Where on a slider a number stands."""

from __future__ import annotations

import pytest

from lab.demo.cliff import FASTEST_KBPS, SLOWEST_KBPS
from lab.web.demonstrations.slider import POSITIONS, Slider


@pytest.mark.parametrize(("low", "high"), [(100, 100_000), (0, 10), (5, 50), (7, 7)])
def test_both_ends_are_at_the_ends(low: int, high: int) -> None:
    slider = Slider(low, high)
    assert slider.number(0) == low
    assert slider.number(POSITIONS) == high
    assert slider.position(low) == 0
    assert 0 <= slider.position(high) <= POSITIONS


def test_a_wide_range_has_room_at_its_low_end() -> None:
    slider = Slider(SLOWEST_KBPS, FASTEST_KBPS)
    assert slider.by_ratio
    assert slider.number(POSITIONS // 2) == pytest.approx(3162, abs=1)
    near = [slider.number(slider.position(595) + step) for step in (-1, 0, 1)]
    assert near == sorted(set(near))
    assert all(abs(number - 595) < 10 for number in near)


def test_a_narrow_range_has_even_steps() -> None:
    slider = Slider(0, 10)
    assert not slider.by_ratio
    assert [slider.number(position) for position in (0, 100, 500, 1000)] == [0, 1, 5, 10]
    assert slider.position(3) == 300
