"""Clocks of different speeds: the one that played and the one that recorded.

Sound cards are off by up to 0.01 %, bad ones by 0.1 %. The delay then grows evenly, where a
jitter buffer changes it in steps, and soon no sample is where it was in the clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from lab.measure.correlation import Finder, Place, part
from lab.measure.samples import BLOCK, Samples
from lab.measure.speech import RATE_HZ, Segment

LEAST_PPM = 15.0
"""Less changes nothing in a minute."""
LEAST_REST_PPM = 1.0
"""What a drift that is known is made more exact by."""
MOST_PPM = 5_000.0
"""More is no clock but another speed."""
LEAST_PIECES = 6
"""Fewer say nothing of a slope."""
LEAST_SIGMAS = 5.0
COARSE_STEP, FINE_STEP = 16.0, 4.0
"""Samples at 8 kHz: a larger change between two pieces is no drift. Jitter buffers change the
delay by 20 (a pitch period) or more; places are off by up to 10 while a drift blurs them, by one
or two afterwards."""
NO_PPM = 50.0
FINER_PPM = 100.0
TRIED_PPM = (-NO_PPM, NO_PPM, *(sign * ppm for ppm in range(200, 1300, 200) for sign in (-1, 1)))
"""What is tried where the delays show no slope, and how finely around the best."""
CLEAR = 0.9
"""Pieces that are as alike as this on average are not blurred."""
LEAST_GAIN = 1.04
"""Twelve calls over Tor gain 2 % at most by a drift that is not there, 8 % and more by undoing
one of 0.03 %."""
MOST_TRIED = 40
"""Pieces that are tried: a minute of speech."""
FINER = 8
"""Between so many steps to a sample a straight line is near enough."""
MARGIN = 32
"""Samples before and after a block that its resampling reaches."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What the recorder's clock made of time: sample n was recorded as n · (1 + slope) + offset."""

    slope: float = 0.0
    """Positive where the recorder's clock is the faster."""
    offset: float = 0.0
    """Samples at 8 kHz, less than one: what brings the clip to whole samples."""

    @property
    def ppm(self) -> float:
        """The slope in parts per million."""
        return 1e6 * self.slope

    def after(self, rest: Drift) -> Drift:
        """Both at once: `rest` is what was found when this one had been undone."""
        slope = (1 + self.slope) * (1 + rest.slope) - 1
        return Drift(slope, rest.offset * (1 + self.slope) + self.offset)

    def undone(self, recording: Samples, factor: int = 1) -> Samples:
        """The recording as the player's clock had made it; its rate is 8 kHz times `factor`."""
        speed, offset = 1 + self.slope, self.offset * factor
        length = max(0, int((len(recording) - 1 - offset) / speed))
        result = np.zeros(length, np.float32)
        for start in range(0, length, BLOCK // FINER):
            end = min(length, start + BLOCK // FINER)
            places = np.arange(start, end) * speed + offset
            first = int(places[0]) - MARGIN
            nearby = part(recording, first, int(places[-1]) + MARGIN)
            fine = resample_poly(nearby, FINER, 1)
            result[start:end] = np.interp(places - first, np.arange(len(fine)) / FINER, fine)
        return result


NO_DRIFT = Drift()


def clock_drift(
    middles: Sequence[float], delays: Sequence[int], known: Drift = NO_DRIFT
) -> Drift | None:
    """The drift that the delays of a clip's pieces show; None where they show none.

    In samples at 8 kHz, in the clip's order. Where one is `known` and undone, the rest of it.
    """
    step, least = (FINE_STEP, LEAST_REST_PPM) if known.slope else (COARSE_STEP, LEAST_PPM)
    at, found = np.array(middles, np.float64), np.array(delays, np.float64)
    if len(at) < LEAST_PIECES:
        return None
    slope, error = _usual_slope(at, found), np.inf
    runs: list[NDArray[np.int64]] = []
    for _ in range(3):
        runs = _runs(at, found, slope, step)
        slope, error = _slope_within(at, found, runs)
    if not max(least, 1e6 * LEAST_SIGMAS * error) <= abs(1e6 * slope) <= MOST_PPM:
        return None
    longest = max(runs, key=len)
    level = float(np.mean(found[longest] - slope * at[longest]))
    return Drift(slope, level - round(level) * (1 + slope))


def blurred_drift(
    clip: Samples, recording: Samples, found: Sequence[tuple[Segment, Place]]
) -> Drift | None:
    """The drift that makes the pieces found the most alike when it is undone; None without one.

    Where a jitter buffer steps all the time, this is all that shows it: within a piece of a
    second a drift of 0.1 % is eight samples.
    """
    some = found[:MOST_TRIED]
    speech_s = sum(piece.duration_s for piece, _ in some)
    alike_s = sum(piece.duration_s * place.likeness for piece, place in some)
    if len(some) < LEAST_PIECES or alike_s > CLEAR * speech_s:
        return None
    tried = {ppm: _likeness(clip, recording, some, ppm) for ppm in TRIED_PPM}
    # Both are interpolated, as all that is tried is; neither is a drift to speak of.
    usual = (tried.pop(-NO_PPM) + tried.pop(NO_PPM)) / 2
    best = max(tried, key=lambda ppm: tried[ppm])
    if tried[best] <= usual:
        return None
    for step in (FINER_PPM, FINER_PPM / 2):
        tried |= {ppm: _likeness(clip, recording, some, ppm) for ppm in (best - step, best + step)}
        best = max(tried, key=lambda ppm: tried[ppm])
    return Drift(best / 1e6) if tried[best] >= LEAST_GAIN * usual else None


def _likeness(
    clip: Samples, recording: Samples, found: Sequence[tuple[Segment, Place]], ppm: float
) -> float:
    """How alike the pieces are, all in all, with a drift undone."""
    slope = ppm / 1e6
    first = max(0, min(piece.start + place.delay for piece, place in found) - RATE_HZ)
    last = max(piece.end + place.delay for piece, place in found) + RATE_HZ
    finder = Finder(clip, Drift(slope).undone(recording[first:last]))
    total = 0.0
    for piece, place in found:
        delay = round((piece.start + place.delay - first) / (1 + slope)) - piece.start
        there = finder.near(piece, delay, delay)
        total += piece.duration_s * there.likeness if there else 0.0
    return total


def _usual_slope(at: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """The median from piece to piece, the long ways counting more: steps are few."""
    ways = np.diff(at)
    slopes = np.diff(found) / ways
    order = np.argsort(slopes)
    half = np.searchsorted(np.cumsum(ways[order]), ways.sum() / 2)
    return float(slopes[order][half])


def _runs(
    at: NDArray[np.float64], found: NDArray[np.float64], slope: float, step: float
) -> list[NDArray[np.int64]]:
    """The pieces between two steps, as their numbers."""
    level = found - slope * at
    return list(np.split(np.arange(len(at)), np.flatnonzero(np.abs(np.diff(level)) > step) + 1))


def _slope_within(
    at: NDArray[np.float64], found: NDArray[np.float64], runs: Sequence[NDArray[np.int64]]
) -> tuple[float, float]:
    """The one slope that fits all runs best, each at a level of its own, and its error."""
    times = np.concatenate([at[run] - at[run].mean() for run in runs])
    levels = np.concatenate([found[run] - found[run].mean() for run in runs])
    spread = float(times @ times)
    free = len(at) - len(runs) - 1
    if not spread or free < LEAST_PIECES - 2:
        return 0.0, np.inf
    slope = float(times @ levels) / spread
    left = levels - slope * times
    # Places are whole samples: no fit is better than their rounding.
    variance = max(float(left @ left) / free, 1 / 12)
    return slope, float(np.sqrt(variance / spread))
