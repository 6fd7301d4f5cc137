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
from functools import cached_property

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

    @property
    def searches_all(self) -> bool:
        """Whether the recording is so short that every piece is looked for in all of it."""
        return len(self._recording) <= self._within

    def sure_places(self, pieces: Sequence[Segment], around: int) -> list[list[Place]]:
        """For each piece, the places where it surely is, best first; perhaps none.

        The search covers the recording within half of `within_s` of the expected delay
        `around` (samples), which is all of it where it is no longer than that.
        """
        if not self.searches_all:
            return [self._sure(piece, self._around(piece, around)) for piece in pieces]
        margin = max((piece.end - piece.start for piece in pieces), default=0)
        whole = self._stretch(-margin, len(self._recording) + margin)
        return [self._sure(piece, whole) for piece in pieces]

    def near(self, piece: Segment, earliest: int, latest: int) -> Place | None:
        """The piece, where it is likely within `NEAR_MS` of the delays given (samples)."""
        margin = NEAR_MS * RATE_HZ // 1000
        first = piece.start + earliest - margin
        found, chance = self._likeness(piece, self._stretch(first, piece.end + latest + margin))
        if not len(found):
            return None
        at = int(np.argmax(found))
        if found[at] < max(LIKELY, ABOVE_CHANCE * float(chance.max())):
            return None
        return Place(first + at - piece.start, float(found[at]))

    def _sure(self, piece: Segment, stretch: _Stretch) -> list[Place]:
        found, chance = self._likeness(piece, stretch)
        places: list[Place] = []
        if not len(found):
            return places
        least = max(SURE, ABOVE_CHANCE * float(chance.max()))
        while len(places) < PEAKS:
            at = int(np.argmax(found))
            if found[at] < least:
                break
            places.append(Place(stretch.first + at - piece.start, float(found[at])))
            found[max(0, at - PEAK_WIDTH) : at + PEAK_WIDTH] = 0.0
        return places

    def _around(self, piece: Segment, delay: int) -> _Stretch:
        """Where the piece is looked for in a recording that is too long to be searched whole."""
        length = piece.end - piece.start
        earliest, latest = -length, len(self._recording) + length
        middle = piece.start + delay
        first = min(max(earliest, middle - self._within // 2), latest)
        return self._stretch(first, max(first, min(latest, middle + self._within // 2)))

    def _stretch(self, first: int, last: int) -> _Stretch:
        """The recording from `first` to `last`; what lies outside it is silence."""
        inside = self._recording[max(first, 0) : max(last, 0)]
        before = min(max(-first, 0), max(last - first, 0))
        after = max(last - first, 0) - before - len(inside)
        return _Stretch(first, np.pad(inside, (before, max(after, 0))))

    def _likeness(
        self, piece: Segment, stretch: _Stretch
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """|correlation| for every place in the stretch where the piece could start.

        Second, the same for the piece played backwards.
        """
        template = self._clip[piece.start : piece.end]
        length = len(template)
        lags = len(stretch.samples) - length + 1
        if lags < 1 or not template.any():
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        shape = rfft(template.astype(np.float32), stretch.size)
        backwards = irfft(stretch.spectrum * shape, stretch.size)[length - 1 : length - 1 + lags]
        forwards = irfft(stretch.spectrum * np.conj(shape), stretch.size)[:lags]
        energy = stretch.power[length:] - stretch.power[:-length]
        np.maximum(energy, length * self._floor + 1e-12, out=energy)
        energy *= float(np.sum(template**2))
        scale = (1.0 / np.sqrt(energy)).astype(np.float32)
        return np.abs(forwards) * scale, np.abs(backwards) * scale


class _Stretch:
    """A part of the recording, made ready for many pieces to be looked for in it.

    Spectra have single precision, which halves their cost and moves a likeness by less than
    0.0002 where the recording is silent, by nothing that shows elsewhere.
    """

    def __init__(self, first: int, samples: Samples) -> None:
        self.first = first
        """Sample of the recording at which it starts; may be negative."""
        self.samples = samples
        self.size = next_fast_len(max(1, len(samples)), real=True)

    @cached_property
    def spectrum(self) -> NDArray[np.complex64]:
        """Of the samples, padded to `size`."""
        return np.asarray(rfft(self.samples.astype(np.float32), self.size))

    @cached_property
    def power(self) -> NDArray[np.float64]:
        """Energy of all samples before each one, and of all."""
        return np.concatenate([[0.0], np.cumsum(self.samples**2)])
