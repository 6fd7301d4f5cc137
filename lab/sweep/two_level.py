"""Two-level designs: which of its two values each factor has in each row.

0 is the first value and 1 the other; row 0 of every design has all factors at the first. Sources:
Plackett and Burman (1946), "The design of optimum multifactorial experiments", Biometrika 33, 305;
Box, Hunter and Hunter, "Statistics for Experimenters"; NIST/SEMATECH e-Handbook of Statistical
Methods, 5.3.3.4.7 (fractions) and 5.3.3.5 (Plackett-Burman).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import hadamard

Levels = NDArray[np.int_]
"""A row of the design per row, a factor per column, of 0 and 1."""

_CYCLIC: Mapping[int, str] = {
    12: "++-+++---+-",
    20: "++--++++-+-+----++-",
    24: "+++++-+-++--++--+-+----",
}
"""Rows of a design → the row that makes the others by moving on, but for the last, which is all
minus (Plackett and Burman 1946)."""
_LETTERS = "ABCDEFGHJKL"
"""What factors are called in a word; as is usual, I is none of them."""
GENERATORS: Mapping[int, tuple[str, ...]] = {
    5: ("ABCD",),
    6: ("ABCDE",),
    7: ("ABCDEF",),
    8: ("ABCD", "ABEF"),
    9: ("ACDFG", "BCEFG"),
    10: ("ABCG", "BCDE", "ACDF"),
    11: ("ABCG", "BCDE", "ACDF", "ABCDEFG"),
}
"""Factors → what each of the last of them is the product of, in the smallest regular fraction of
resolution V or more; a number that is not here has none but the full factorial."""


def plackett_burman(factors: int) -> Levels:
    """The fewest rows in which every main effect is told from every other.

    The rows are the next number above that of factors for which a design is known here: 12, 20, 24
    or a power of two from 4 on.
    """
    power = max(4, 2 ** factors.bit_length())
    rows = min((size for size in _CYCLIC if factors < size < power), default=power)
    if rows not in _CYCLIC:
        signs = hadamard(rows)[:, 1:]
        return np.asarray((1 - signs) // 2, dtype=np.int_)[:, :factors]
    first = np.array([sign == "+" for sign in _CYCLIC[rows]], dtype=np.int_)
    turned = [np.roll(first, places) for places in range(rows - 1)]
    return np.vstack([np.zeros_like(first), *turned])[:, :factors]


def folded(factors: int) -> Levels:
    """Those rows and their mirror images, in which no interaction of two is in a main effect.

    Resolution IV (Box and Wilson 1951, "On the experimental attainment of optimum conditions").
    """
    rows = plackett_burman(factors)
    both = np.vstack([rows, 1 - rows])
    _, first = np.unique(both, axis=0, return_index=True)
    return np.asarray(both[np.sort(first)])


def fraction(factors: int) -> Levels:
    """A design in which no main effect and no interaction of two is mistaken for another such.

    Of at most 11 factors.
    """
    generators = GENERATORS.get(factors, ())
    free = factors - len(generators)
    chosen = (np.arange(2**free)[:, np.newaxis] >> np.arange(free)) & 1
    made = [chosen[:, _factors_in(word)].sum(axis=1) % 2 for word in generators]
    return np.column_stack([chosen, *made])


def _factors_in(word: str) -> list[int]:
    return [_LETTERS.index(letter) for letter in word]
