"""Concealment as pjmedia does it: the last pitch periods again, fading out, joined smoothly.

Written anew after reading pjproject 2.15.1 (`wsola.c`, `plc_common.c`): waveform-similarity
overlap-add with a template of 5 ms, which delays what is heard by 5 ms. 16-bit samples, mono.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]

WINDOW_MS = 5
"""Of the template, of the overlap, and of the delay."""
FADE_MS = 80
"""Until what is made up has become silent."""
HISTORY_FRAMES = 1.5
LEAST_DISTANCE_FRAMES = 0.5


class Concealer:
    """Takes frames of one length as they are decoded, and makes up those that are not there."""

    def __init__(self, rate_hz: int, frame_samples: int) -> None:
        self._frame = frame_samples
        self._overlap = min(WINDOW_MS * rate_hz // 1000, frame_samples)
        self._history = int(HISTORY_FRAMES * frame_samples)
        self._nearest = int(LEAST_DISTANCE_FRAMES * frame_samples)
        self._fade = self._fade_left = rate_hz * FADE_MS // 1000
        steps = np.arange(self._overlap)
        self._rising = 0.5 - 0.5 * np.cos(2 * np.pi * steps / (2 * self._overlap - 1))
        self._falling = self._rising[::-1]
        self._straight = 1 - steps / self._overlap
        self._kept: Pcm = np.zeros(self._history + self._overlap, np.int16)
        self._made_up = False

    def heard(self, frame: Pcm) -> Pcm:
        """What is played when a frame was decoded: that frame, 5 ms later."""
        frame = frame.copy()
        if self._made_up:
            kept = self._kept[: self._history + 2 * self._overlap].copy()
            kept[-2 * self._overlap :] = self._faded(kept[-2 * self._overlap :])
            begin = self._fade_left * self._overlap // self._fade
            rise = np.arange(begin, self._overlap)
            frame[: len(rise)] = _whole(frame[: len(rise)] * rise / self._overlap)
            frame[: self._overlap] = _whole(
                kept[-self._overlap :] * self._straight
                + frame[: self._overlap] * (1 - self._straight)
            )
            self._kept = kept[: -self._overlap]
            self._made_up = False
        self._fade_left = self._fade
        self._kept = np.concatenate([self._kept, frame])
        return self._next()

    def concealed(self) -> Pcm:
        """What is played where there is no frame."""
        while len(self._kept) - self._history < self._frame + 2 * self._overlap:
            self._expand()
        self._made_up = True
        return self._faded(self._next())

    def _next(self) -> Pcm:
        played = self._kept[self._history : self._history + self._frame].copy()
        self._kept = self._kept[self._frame :]
        return played

    def _expand(self) -> None:
        """Repeat the stretch that lies between the end and the most similar place before it."""
        kept, overlap = self._kept, self._overlap
        at = len(kept) - overlap
        template = kept[at:].astype(np.float64)
        first, last = at - self._history, at - self._nearest
        before = kept[first : last - 1 + overlap].astype(np.float64)
        likeness = np.lib.stride_tricks.sliding_window_view(before, overlap) @ template
        best = int(np.argmax(likeness))
        start = first + (best if likeness[best] > 0 else 0)
        joined = _whole(template * self._falling + kept[start : start + overlap] * self._rising)
        self._kept = np.concatenate([kept[:at], joined, kept[start + overlap :]])

    def _faded(self, samples: Pcm) -> Pcm:
        """The fade goes on over these samples."""
        left = np.maximum(self._fade_left - np.arange(len(samples)), 0)
        self._fade_left = max(0, self._fade_left - len(samples))
        return _whole(samples * left / self._fade)


def _whole(samples: NDArray[np.float64]) -> Pcm:
    """As C makes 16-bit numbers of others: towards zero."""
    return np.trunc(samples).astype(np.int16)
