"""The waveform of a WAV file, as few points as a chart can show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lab.errors import LabError
from lab.measure.capture import Floats
from lab.measure.wav import open_wav

COLUMNS = 1500
"""Of a waveform: each is the lowest and the highest sample of its time."""

QUIET = 0.05
"""Below this nothing is drawn large."""


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """The outline of audio, full scale 1.0; arrays have one entry per column."""

    low: Floats
    high: Floats
    column_s: float
    """How long a column is."""
    duration_s: float

    @property
    def peak(self) -> float:
        """The highest level, either way; of next to nothing, so much that it looks like it."""
        levels = np.concatenate([np.abs(self.low), np.abs(self.high), [QUIET]])
        return round(float(levels.max()), 3)

    @property
    def points(self) -> list[list[float]]:
        """[s, level], lowest and highest in turn."""
        at = np.round(np.repeat(np.arange(len(self.low)) * self.column_s, 2), 3)
        level = np.round(np.column_stack([self.low, self.high]).ravel(), 3)
        return [[a, b] for a, b in zip(at.tolist(), level.tolist(), strict=True)]

    def played_for(self, seconds: float) -> Waveform:
        """As a player gives it that repeats it, or stops it, after so many seconds.

        Of what is repeated often, columns are joined, so that there are not many more.
        """
        times = int(np.ceil(seconds / self.duration_s)) if self.duration_s else 1
        joined = self._joined(times)
        count = int(np.ceil(seconds / joined.column_s))
        low, high = (np.tile(each, times)[:count] for each in (joined.low, joined.high))
        return Waveform(low, high, joined.column_s, seconds)

    def _joined(self, every: int) -> Waveform:
        if every <= 1:
            return self
        begins = np.arange(0, len(self.low), every)
        # The clip's length is to stay what it is, so that its repetitions begin in time.
        return replace(
            self,
            low=np.minimum.reduceat(self.low, begins),
            high=np.maximum.reduceat(self.high, begins),
            column_s=self.duration_s / len(begins),
        )


def waveform(file: Path, columns: int = COLUMNS) -> Waveform:
    """The outline of a file, all channels together; LabError where it cannot be read."""
    audio = open_wav(file)
    frames = max(1, -(-audio.frames // columns))
    lows, highs = [], []
    rest = np.zeros((0, audio.channels))
    for block in audio.blocks():
        joined = np.concatenate([rest, block])
        whole = len(joined) // frames * frames
        parts = joined[:whole].reshape(-1, frames * audio.channels)
        lows.append(parts.min(axis=1))
        highs.append(parts.max(axis=1))
        rest = joined[whole:]
    if len(rest):
        lows.append(np.array([rest.min()]))
        highs.append(np.array([rest.max()]))
    none = np.zeros(0)
    return Waveform(
        np.concatenate([none, *lows]),
        np.concatenate([none, *highs]),
        frames / audio.rate_hz,
        audio.duration_s,
    )


def outline(file: Path) -> Waveform | None:
    """The waveform of a file; None where it cannot be read, as one that is not there."""
    try:
        return waveform(file)
    except LabError:
        return None
