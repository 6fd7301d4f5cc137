"""Audio as numbers, full scale 1.0: what filters, levels and limits are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.floating[Any]]
BLOCK = 1 << 18
"""Samples worked on at once where a signal may last for hours: half a minute at 8 kHz."""


def to_pcm16(samples: Samples) -> NDArray[np.int16]:
    """Full scale 1.0 → 16-bit samples, limited, exact for what came from 16 bits."""
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)


def clipped_share(blocks: Iterable[Samples], peak: float) -> float:
    """The share of samples in runs of three or more at the signal's own limit, its `peak`.

    A limit below a tenth of full scale is no limit but a quiet recording.
    """
    if peak < 0.1:
        return 0.0
    clipped = total = 0
    for at_limit in _joined_runs(np.abs(block) >= 0.999 * peak for block in blocks):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], at_limit.astype(np.int8), [0]])))
        lengths = np.diff(edges.reshape(-1, 2), axis=1)
        clipped += int(lengths[lengths >= 3].sum())
        total += len(at_limit)
    return clipped / total if total else 0.0


def _joined_runs(blocks: Iterable[NDArray[np.bool_]]) -> Iterator[NDArray[np.bool_]]:
    """The same values in blocks that end with False, so that no run of True is divided."""
    waiting = np.zeros(0, bool)
    for block in blocks:
        waiting = np.concatenate([waiting, block])
        quiet = np.flatnonzero(~waiting)
        if len(quiet):
            yield waiting[: quiet[-1] + 1]
            waiting = waiting[quiet[-1] + 1 :]
    yield waiting
