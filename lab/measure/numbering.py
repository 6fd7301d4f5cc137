"""Sequence numbers and timestamps beyond the fields that carry them (RFC 3550, A.1)."""

from __future__ import annotations

import numpy as np

from lab.measure.octets import Flags
from lab.measure.pcap import Ints

MAX_DROPOUT, MAX_MISORDER = 3000, 100
"""RFC 3550 A.1: a larger step in sequence number is a restart of the stream."""


def extended_sequence(sequence: Ints) -> tuple[Ints, Ints, Flags]:
    """Which packets to keep, their numbers without wrap-around, and where numbering restarts.

    A step that RFC 3550 A.1 does not allow is a restart if the packet after goes on from the
    new number, and a stray packet if it goes back to the old one.
    """
    kept = np.arange(len(sequence))
    while True:
        step = _step(sequence[kept], 16)
        jump = (step > MAX_DROPOUT) | (step < -MAX_MISORDER)
        back = _difference(sequence[kept][2:], sequence[kept][:-2], 16)
        returns = (back <= MAX_DROPOUT) & (back >= -MAX_MISORDER)
        strays = np.flatnonzero(jump[:-1] & jump[1:] & returns) + 1
        if not len(strays):
            break
        # Of two that follow one another the second may be sound once the first is gone.
        alone = strays[np.diff(strays, prepend=-2) > 1]
        kept = np.delete(kept, alone)
    restart = np.concatenate([[False], jump])
    step = np.where(jump, 1, step)
    extended = sequence[kept][:1].sum() + np.concatenate([[0], np.cumsum(step)])
    return kept, extended.astype(np.int64), restart


def unwrapped(numbers: Ints, bits: int) -> Ints:
    """Numbers that count on where the field of that many bits wraps around."""
    unwrapped: Ints = numbers[0] + np.concatenate([[0], np.cumsum(_step(numbers, bits))])
    return unwrapped


def _step(numbers: Ints, bits: int) -> Ints:
    return _difference(numbers[1:], numbers[:-1], bits)


def _difference(later: Ints, earlier: Ints, bits: int) -> Ints:
    """Signed difference modulo 2**bits."""
    half = 1 << (bits - 1)
    signed: Ints = (later - earlier + half) % (2 * half) - half
    return signed
