"""Where a piece of a clip occurs in a recording: normalised cross-correlation of waveforms.

Waveforms, not only envelopes: every codec of the lab (G.711, GSM, Speex, iLBC, Opus, G.722)
follows the waveform, so a piece of about a second correlates at 0.35 to 1.0 where it truly is,
through loss and noise. Where it is not, 1 of 1614 pieces of speech reached 0.41 and none more
(99 pairs of 30 s from five talkers, forwards and reversed); envelopes reach 0.8 by chance,
because every spoken syllable rises and falls alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import firwin, oaconvolve

from lab.measure.speech import RATE_HZ, Segment
from lab.measure.wav import Samples

BAND_HZ = (300, 3300)
"""What every narrow-band codec passes."""
TAPS = 129
PRE_EMPHASIS = 0.8
"""Evens out the spectrum of speech, so that a shared pitch alone correlates weakly: the
largest chance value falls from 0.57 (without) to 0.37."""
SURE = 0.40
"""A piece at least this alike is that piece: chance got there once in 1614 pieces."""
ABOVE_CHANCE = 1.25
"""Monotonous sound is alike everywhere. The same piece played backwards has the same spectrum
and pitch but is never there: what it reaches is chance, and must be exceeded by this factor."""
LIKELY = 0.25
"""Enough within `NEAR_MS` of where the neighbours were found: chance reaches 0.37 over the
240,000 lags of a whole recording, but 0.2 over the 1,000 of so narrow a range."""
NEAR_MS = 60
"""How far a piece may lie from its neighbours' delays: a jitter buffer's usual step is one to
three packets of 20 ms."""
PEAKS = 12
"""Places remembered per piece: enough for a clip that is played twelve times."""
PEAK_WIDTH = RATE_HZ // 50
"""Peaks closer than 20 ms are one place: the next pitch period is alike as well."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece of the clip seems to be: its delay in samples at 8 kHz, and how alike."""

    delay: int
    likeness: float


def emphasised(samples: Samples) -> Samples:
    """The telephone band of 8 kHz audio with its spectrum evened out; not shifted in time."""
    if not len(samples):
        return samples
    taps = np.convolve(firwin(TAPS, BAND_HZ, pass_zero=False, fs=RATE_HZ), [1.0, -PRE_EMPHASIS])
    delay = (len(taps) - 1) // 2
    return np.asarray(oaconvolve(samples, taps)[delay : delay + len(samples)])


class Finder:
    """Looks for pieces of one clip in one recording (both 8 kHz, one dimension)."""

    def __init__(self, clip: Samples, recording: Samples, within_s: float) -> None:
        """`within_s` bounds the part of the recording searched at once around a piece."""
        self._clip = emphasised(clip)
        self._recording = emphasised(recording)
        self._within = round(within_s * RATE_HZ)
        # Below a thousandth of the mean power a window counts as silent, not as a match.
        self._floor = 1e-3 * float(np.mean(self._recording**2)) if len(recording) else 0.0

    def sure_places(self, pieces: Sequence[Segment], around: int) -> list[list[Place]]:
        """For each piece, the places where it surely is, best first; perhaps none.

        The search covers the recording within half of `within_s` of the expected delay
        `around` (samples), which is all of it where it is no longer than that.
        """
        return [self._sure(piece, around) for piece in pieces]

    def near(self, piece: Segment, earliest: int, latest: int) -> Place | None:
        """The piece, where it is likely within `NEAR_MS` of the delays given (samples)."""
        margin = NEAR_MS * RATE_HZ // 1000
        first = piece.start + earliest - margin
        found, chance = self._likeness(piece, first, piece.end + latest + margin)
        if not len(found):
            return None
        at = int(np.argmax(found))
        if found[at] < max(LIKELY, ABOVE_CHANCE * float(chance.max())):
            return None
        return Place(first + at - piece.start, float(found[at]))

    def _sure(self, piece: Segment, around: int) -> list[Place]:
        length = piece.end - piece.start
        first, last = -length, len(self._recording) + length
        if last - first > self._within + 2 * length:
            middle = piece.start + around
            first = min(max(first, middle - self._within // 2), last)
            last = max(first, min(last, middle + self._within // 2))
        found, chance = self._likeness(piece, first, last)
        places: list[Place] = []
        if not len(found):
            return places
        least = max(SURE, ABOVE_CHANCE * float(chance.max()))
        while len(places) < PEAKS:
            at = int(np.argmax(found))
            if found[at] < least:
                break
            places.append(Place(first + at - piece.start, float(found[at])))
            found[max(0, at - PEAK_WIDTH) : at + PEAK_WIDTH] = 0.0
        return places

    def _likeness(
        self, piece: Segment, first: int, last: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """|correlation| for every start from `first` while the piece ends before `last`.

        Second, the same for the piece played backwards. What lies outside the recording is
        silence.
        """
        template = self._clip[piece.start : piece.end]
        length = len(template)
        window = self._window(first, last)
        lags = len(window) - length + 1
        if lags < 1 or not template.any():
            return np.zeros(0), np.zeros(0)
        size = next_fast_len(len(window), real=True)
        spectrum = rfft(window, size)
        shape = rfft(template, size)
        forwards = irfft(spectrum * np.conj(shape), size)[:lags]
        backwards = irfft(spectrum * shape, size)[length - 1 : length - 1 + lags]
        power = np.concatenate([[0.0], np.cumsum(window**2)])
        energy = np.maximum(power[length:] - power[:-length], length * self._floor + 1e-12)
        scale = 1.0 / np.sqrt(energy * float(np.sum(template**2)))
        return np.abs(forwards) * scale, np.abs(backwards) * scale

    def _window(self, first: int, last: int) -> Samples:
        inside = self._recording[max(first, 0) : max(last, 0)]
        before = min(max(-first, 0), max(last - first, 0))
        after = max(last - first, 0) - before - len(inside)
        return np.pad(inside, (before, max(after, 0)))
