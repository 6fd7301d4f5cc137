"""Long recordings are divided at pauses."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from talker import speak

from lab.measure.speech import pauses
from lab.measure.windows import windows


@pytest.mark.parametrize("seconds", [16.5, 33.0, 61.3, 120.0])
def test_windows_last_8_to_12_s_and_leave_nothing_out(seconds: float) -> None:
    clip = speak(4, seconds)
    parts = windows(clip)
    assert (parts[0].start, parts[-1].end) == (0, len(clip))
    assert all(a.end == b.start for a, b in pairwise(parts))
    assert all(8 <= part.duration_s <= 12 for part in parts)


def test_cuts_fall_into_pauses() -> None:
    clip = speak(4, 61.3)
    silences = pauses(clip)
    for part in windows(clip)[:-1]:
        assert any(pause.start <= part.end <= pause.end for pause in silences)


def test_without_pauses_cuts_fall_anywhere() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 45 * 8000)
    assert all(8 <= part.duration_s <= 12 for part in windows(noise))


def test_what_cannot_be_divided_is_one_window() -> None:
    for seconds in (5, 14):
        assert [part.duration_s for part in windows(speak(4, seconds))] == [seconds]
