"""What networks and recorders do to a clip (8 kHz, full scale 1.0)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PACKET = 160
Samples = NDArray[np.float64]


def later(samples: Samples, seconds: float) -> Samples:
    """Silence first, as when recording starts before the call."""
    return np.concatenate([np.zeros(round(seconds * 8_000)), samples])


def with_losses(samples: Samples, share: float, burst: float, seed: int = 0) -> Samples:
    """Packets of 20 ms lost in bursts of `burst` on average (Gilbert's model), as silence."""
    random = np.random.default_rng(seed)
    leave = 1 / burst
    enter = leave * share / (1 - share)
    heard = samples.copy()
    lost = False
    for start in range(0, len(heard) - PACKET + 1, PACKET):
        lost = random.random() > leave if lost else random.random() < enter
        if lost:
            heard[start : start + PACKET] = 0.0
    return heard


def with_stalls(samples: Samples, stalls: dict[float, float]) -> Samples:
    """Silence inserted at second → for seconds: a jitter buffer that grows."""
    parts, at = [], 0
    for second, length in sorted(stalls.items()):
        parts += [samples[at : round(second * 8_000)], np.zeros(round(length * 8_000))]
        at = round(second * 8_000)
    return np.concatenate([*parts, samples[at:]])
