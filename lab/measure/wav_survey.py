"""What has to be known of all of a recording before any of it is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.measure.samples import Samples

WHOLE_SCALES = (2.0**15, 2.0**23, 2.0**31)
"""Full scale of whole numbers that were written as floating-point ones."""
LARGEST_EXPONENT = 1023
"""Of a power of two in double precision; every number is less than twice that. Numbers as large
as in a damaged file have no fraction left, and are no whole ones that anybody wrote."""
SAME = 0.999
"""Channels whose squared correlation is above this are one signal, but for noise 30 dB below
it: a recorder that has two channels and one voice."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What was seen."""

    peaks: tuple[float, ...]
    """The largest magnitude in each channel."""
    are_whole: bool
    """Every sample is a whole number."""
    broken: int
    """Samples that are no numbers."""
    distinct: tuple[int, ...]
    """The channels, from 0, without those that sound like the first."""

    @property
    def scale(self) -> float:
        """What samples are divided by so that full scale is 1.0.

        Floating-point files may hold anything; what is beyond 1.0 was not meant to be cut off.
        """
        peak = max(self.peaks, default=0.0)
        if peak <= 1.0:
            return 1.0
        if self.are_whole and peak <= WHOLE_SCALES[-1]:
            return next(scale for scale in WHOLE_SCALES if peak <= scale)
        return float(2.0 ** min(np.ceil(np.log2(peak)), LARGEST_EXPONENT))

    @property
    def remarks(self) -> tuple[str, ...]:
        """The same in words, where something had to be put right."""
        said = []
        if self.broken:
            said.append(f"{self.broken} samples are no numbers and are taken for silence")
        if self.scale != 1.0:
            said.append(
                f"the samples reach {max(self.peaks):.4g} times full scale and are divided by "
                f"{self.scale:.0f}"
            )
        return tuple(said)


def survey(blocks: Iterator[Samples], channels: int) -> Survey:
    """Look at every sample, (frames, channels), once."""
    peaks = np.zeros(channels)
    sums, products = np.zeros(channels), np.zeros((channels, channels))
    are_whole, broken, frames = True, 0, 0
    for block in blocks:
        finite = np.isfinite(block)
        if not finite.all():
            broken += int(np.sum(~finite))
            block = np.where(finite, block, 0.0)  # noqa: PLW2901 - the same, mended
        peaks = np.maximum(peaks, np.max(np.abs(block), axis=0, initial=0.0))
        are_whole = are_whole and bool(np.all(block == np.rint(block)))
        if channels > 1:
            # Squares of what a damaged file holds must not overflow.
            limited = np.clip(block, -1e100, 1e100)
            products += limited.T @ limited
            sums += limited.sum(axis=0)
            frames += len(block)
    # An offset that channels share is no signal that they share.
    covariances = products - np.outer(sums, sums) / max(1, frames)
    distinct = (0, *(n for n in range(1, channels) if not _is_same(covariances, n)))
    return Survey(tuple(peaks.tolist()), are_whole, broken, distinct)


def _is_same(covariances: NDArray[np.float64], channel: int) -> bool:
    """Whether a channel sounds like the first: as loud or not, upside down or not.

    Two silent ones do; a silent one does not sound like another.
    """
    energy = covariances[0, 0] * covariances[channel, channel]
    if energy <= 0:
        return bool(covariances[0, 0] == covariances[channel, channel])
    return bool(covariances[0, channel] ** 2 >= SAME * energy)
