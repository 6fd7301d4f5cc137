"""PESQ's two scales."""

from __future__ import annotations

import numpy as np
import pytest
from talker import speak

from lab.errors import LabError
from lab.measure.pesq_score import mos_from_raw, narrow_band_mos, raw_from_mos


@pytest.mark.parametrize(
    ("raw", "mos"),
    [(3.449, 3.483), (4.405, 4.488), (3.203, 3.124), (2.757, 2.472), (4.5, 4.549), (-0.5, 1.017)],
)
def test_raw_and_mos_are_tied_by_p862_1(raw: float, mos: float) -> None:
    assert mos_from_raw(raw) == pytest.approx(mos, abs=0.0015)
    assert raw_from_mos(mos_from_raw(raw)) == pytest.approx(raw)


@pytest.mark.parametrize("mos", [0.999, 5.0, -1.0])
def test_no_raw_score_outside_the_scale(mos: float) -> None:
    with pytest.raises(ValueError, match="outside"):
        raw_from_mos(mos)


def test_what_pesq_cannot_compare_is_a_sentence() -> None:
    clip = speak(1, 8)
    for other in (np.zeros(0), np.zeros(64_000), clip[:100]):
        with pytest.raises(LabError, match="PESQ could not compare"):
            narrow_band_mos(clip, other)
    with pytest.raises(LabError, match="windows"):
        narrow_band_mos(np.tile(clip, 9), clip)


def test_a_constant_delay_hardly_matters() -> None:
    clip = speak(1, 10)
    assert narrow_band_mos(clip, np.concatenate([np.zeros(1600), clip])) > 4.5


@pytest.mark.parametrize("sound_s", [0.21, 0.25, 0.3])
def test_what_would_crash_the_reference_code_is_refused(sound_s: float) -> None:
    time = np.arange(30 * 8000) / 8000
    noise = np.random.default_rng(0).normal(0, 0.1, len(time))
    bursts = noise * (time % (sound_s + 0.25) < sound_s)
    with pytest.raises(LabError, match="too broken up"):
        narrow_band_mos(bursts, bursts)
