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

from lab.measure.samples import BLOCK, Samples
from lab.measure.speech import RATE_HZ, Segment

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
"""Places remembered per piece: more passes of a clip are never looked for at once."""
PEAK_WIDTH = RATE_HZ // 50
"""Peaks closer than 20 ms are one place: the next pitch period is alike as well."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece of the clip seems to be: its delay in samples at 8 kHz, and how alike."""

    delay: int
    likeness: float


def emphasised(samples: Samples) -> NDArray[np.float64]:
    """The telephone band of 8 kHz audio with its spectrum evened out; not shifted in time."""
    if not len(samples):
        return np.zeros(0)
    taps = np.convolve(firwin(TAPS, BAND_HZ, pass_zero=False, fs=RATE_HZ), [1.0, -PRE_EMPHASIS])
    delay = (len(taps) - 1) // 2
    return np.asarray(oaconvolve(samples, taps)[delay : delay + len(samples)])


def part(samples: Samples, first: int, last: int) -> NDArray[np.float64]:
    """The signal from `first` to `last`; what lies outside it is silence."""
    length = max(last - first, 0)
    inside = samples[max(first, 0) : max(last, 0)]
    before = min(max(-first, 0), length)
    return np.pad(inside.astype(np.float64), (before, length - before - len(inside)))


def emphasised_part(samples: Samples, first: int, last: int) -> NDArray[np.float64]:
    """`emphasised` from `first` to `last` alone; what lies outside the signal is silence."""
    length = max(last - first, 0)
    inner = emphasised(part(samples, first - TAPS, first + length + TAPS))[TAPS : TAPS + length]
    # Nothing was recorded there, and nothing rings there.
    inner[: max(-first, 0)] = 0.0
    inner[max(len(samples) - first, 0) :] = 0.0
    return inner


def _mean_power(samples: Samples) -> float:
    """Of the emphasised signal."""
    energy = sum(
        float(np.sum(emphasised_part(samples, at, min(at + BLOCK, len(samples))) ** 2))
        for at in range(0, len(samples), BLOCK)
    )
    return energy / max(1, len(samples))


class Finder:
    """Looks for pieces of one clip in one recording (both 8 kHz, one dimension)."""

    def __init__(self, clip: Samples, recording: Samples) -> None:
        self._clip = clip
        self._recording = recording
        # Below a thousandth of the mean power a window counts as silent, not as a match.
        self._floor = 1e-3 * _mean_power(recording)

    def anywhere(
        self, pieces: Sequence[Segment], first: int = 0, last: int | None = None
    ) -> list[list[Place]]:
        """For each piece, the places where it surely is, best first; perhaps none.

        All of the recording from `first` to `last` is searched at once: some minutes of it.
        """
        margin = max((piece.end - piece.start for piece in pieces), default=0)
        last = len(self._recording) if last is None else last
        whole = self._stretch(first - margin, last + margin)
        if whole.is_silent(margin * self._floor):
            return [[] for _ in pieces]
        return [self._sure(piece, whole) for piece in pieces]

    def between(self, piece: Segment, earliest: int, latest: int) -> list[Place]:
        """The places where the piece surely is with a delay (samples) from the one to the other.

        Best first; perhaps none.
        """
        length = piece.end - piece.start
        first = max(piece.start + earliest, -length)
        last = min(piece.end + latest, len(self._recording) + length)
        stretch = self._stretch(first, max(first, last))
        return [] if stretch.is_silent(length * self._floor) else self._sure(piece, stretch)

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

    def _stretch(self, first: int, last: int) -> _Stretch:
        """The recording from `first` to `last`; what lies outside it is silence."""
        return _Stretch(first, emphasised_part(self._recording, first, last))

    def _likeness(
        self, piece: Segment, stretch: _Stretch
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """|correlation| for every place in the stretch where the piece could start.

        Second, the same for the piece played backwards.
        """
        template = emphasised_part(self._clip, piece.start, piece.end)
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

    def is_silent(self, least_energy: float) -> bool:
        """Whether all of it together has no more energy."""
        return float(np.sum(self.samples**2)) <= least_energy

    @cached_property
    def spectrum(self) -> NDArray[np.complex64]:
        """Of the samples, padded to `size`."""
        return np.asarray(rfft(self.samples.astype(np.float32), self.size))

    @cached_property
    def power(self) -> NDArray[np.float64]:
        """Energy of all samples before each one, and of all."""
        return np.concatenate([[0.0], np.cumsum(self.samples**2)])
