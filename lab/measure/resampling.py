"""Audio at another rate, block by block: the same samples as if all of it were resampled at once.

Band-limited (polyphase, Kaiser window); one dimension.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import gcd

import numpy as np
from scipy.signal import resample_poly

from lab.measure.samples import Samples

REACH = 10
"""How far scipy's filter reaches, in samples of the lower of the two rates."""


def resampled(blocks: Iterable[Samples], from_hz: int, to_hz: int) -> Iterator[Samples]:
    """Blocks of one signal → blocks of it at `to_hz`, their joints not to be heard or seen."""
    if from_hz == to_hz:
        yield from blocks
        return
    common = gcd(from_hz, to_hz)
    up, down = to_hz // common, from_hz // common
    # A multiple of `down`, so that every block begins at a whole sample of the result.
    margin = down * (-(-REACH * max(up, down) // (up * down)) + 1)
    waiting = np.zeros(0)
    before = np.zeros(margin)
    for block in blocks:
        waiting = np.concatenate([waiting, block])
        ready = (len(waiting) - margin) // down * down
        if ready > 0:
            yield _middle(before, waiting[: ready + margin], ready, margin, up, down)
            before = np.concatenate([before, waiting[:ready]])[-margin:]
            waiting = waiting[ready:]
    if len(waiting):
        yield _middle(before, waiting, len(waiting), margin, up, down)


def _middle(
    before: Samples, samples: Samples, length: int, margin: int, up: int, down: int
) -> Samples:
    """The first `length` samples at the new rate; what stands around them is context."""
    result = resample_poly(np.concatenate([before, samples]), up, down)
    start = margin * up // down
    return np.asarray(result[start : start + -(-length * up // down)])
