"""Where a clip has speech and where it pauses: the pieces that are looked for in a recording."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt, sosfilt_zi

from lab.measure.samples import BLOCK, Samples

RATE_HZ = 8_000
"""Everything that compares clip and recording works at the telephone rate."""
FRAME = 128
"""Samples per level frame, 16 ms."""
BELOW_ACTIVE_DB = 25.0
"""A frame this far below the loudest tenth of the clip is a pause: between ordinary speech
sounds (down to about -20 dB) and the noise floor of usable clips (below -40 dB)."""
LOWEST_HZ = 30.0
"""Below is no speech, but a converter's offset and its wandering."""
SHORTEST_PAUSE_S = 0.16
"""Shorter silences are closures inside words (a /t/ or /k/ holds 50-150 ms)."""
SHORTEST_SEGMENT_S = 0.30
"""Shorter bursts carry too few syllables to be told from others."""
LONGEST_SEGMENT_S = 1.3
"""Longer stretches are divided, so that a change of delay spoils one piece only."""
SILENT_DB = -60.0
"""What never rises above this level re full scale holds no speech; G.711's own idle noise
lies near -70, speech is sent at about -26."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech, in samples at 8 kHz from the start of the clip."""

    start: int
    end: int

    @property
    def duration_s(self) -> float:
        """Its length."""
        return (self.end - self.start) / RATE_HZ


def levels_db(
    samples: Samples, frame: int = FRAME, rate_hz: int = RATE_HZ, lowest_hz: float = LOWEST_HZ
) -> NDArray[np.float64]:
    """The level of every whole frame in dB re a full-scale square wave; silence is -120.

    Without what is no sound, such as an offset of the converter.
    """
    levels = []
    for block in audible(samples, BLOCK // frame * frame, rate_hz, lowest_hz):
        whole = block[: len(block) // frame * frame].reshape(-1, frame)
        levels.append(10 * np.log10(np.mean(whole**2, axis=1) + 1e-12))
    return np.concatenate([*levels, np.zeros(0)])


def audible(
    samples: Samples, block: int = BLOCK, rate_hz: int = RATE_HZ, lowest_hz: float = LOWEST_HZ
) -> Iterator[NDArray[np.float64]]:
    """The signal above `lowest_hz` in blocks of that many samples."""
    if not len(samples):
        return
    sections = butter(4, lowest_hz, "highpass", fs=rate_hz, output="sos")
    # As if the first sample had always been there: an offset does not begin with a click.
    state = sosfilt_zi(sections) * float(samples[0])
    for start in range(0, len(samples), block):
        filtered, state = sosfilt(sections, samples[start : start + block], zi=state)
        yield filtered


def active_level_db(samples: Samples) -> float:
    """The level of the loudest tenth of the frames, in dB re full scale."""
    levels = levels_db(samples)
    if not len(levels):
        return -120.0
    loudest = np.sort(levels)[-max(1, len(levels) // 10) :]
    return float(10 * np.log10(np.mean(10 ** (loudest / 10))))


def speech_segments(samples: Samples) -> tuple[Segment, ...]:
    """The speech of a clip (8 kHz, one dimension) in pieces of 0.3 to 1.3 s, in order."""
    segments: list[Segment] = []
    for start, end in _stretches(samples):
        pieces = max(1, round((end - start) / (LONGEST_SEGMENT_S * RATE_HZ * 0.75)))
        edges = np.linspace(start, end, pieces + 1).astype(int).tolist()
        segments.extend(Segment(a, b) for a, b in pairwise(edges))
    return tuple(s for s in segments if s.duration_s >= SHORTEST_SEGMENT_S)


def pauses(samples: Samples) -> tuple[Segment, ...]:
    """The silences between stretches of speech (8 kHz, one dimension), in order."""
    stretches = _stretches(samples)
    return tuple(Segment(end, start) for (_, end), (start, _) in pairwise(stretches))


def _stretches(samples: Samples) -> list[tuple[int, int]]:
    """Starts and ends of uninterrupted speech, in samples."""
    level = active_level_db(samples)
    if level < SILENT_DB:
        return []
    active = levels_db(samples) > level - BELOW_ACTIVE_DB
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active.astype(np.int8), [0]])))
    merged: list[tuple[int, int]] = []
    for start, end in (edges.reshape(-1, 2) * FRAME).tolist():
        if merged and start - merged[-1][1] < SHORTEST_PAUSE_S * RATE_HZ:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged
