"""Where two opinions on the same recording contradict one another.

Each is compared with what it says of the codec alone, its ceiling, so that no one's scale enters.
Two of them disagree in sign where one finds the recording worse than the codec and the other
better, each by more than its own chance; or where one finds it spoiled, by half a MOS or more, and
the other finds hardly any harm, a quarter at most. The E-model hears delay, which no other does: it
is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations
from typing import Any

from lab.ends import EACH_END
from lab.measure.opinion import Opinion
from lab.measure.opinions import OPINIONS

SPOILED_MOS = 0.5
"""Below its ceiling: half the step between two words of the scale, good and fair."""
HARMLESS_MOS = 0.25
"""Half of that."""
DEAF = frozenset({"emodel"})
"""Opinions that do not listen."""


def disagreements(row: Mapping[str, Any]) -> Iterator[str]:
    """What to say of a call with these columns, a sentence per end and pair of opinions."""
    for end in EACH_END:
        known = [
            (opinion, delta)
            for opinion in OPINIONS
            if opinion.name not in DEAF and (delta := opinion.delta(row, end)) is not None
        ]
        for (one, worse), (other, better) in permutations(known, 2):
            if disagree(one, worse, other, better):
                yield (
                    f"{end}: {one.title} is {-worse:.2f} below the codec alone, "
                    f"{other.title} {_beside(better)}"
                )


def disagree(one: Opinion, delta: float, other: Opinion, other_delta: float) -> bool:
    """Whether `one` finds worse than the codec alone what `other` does not; see the module."""
    opposite = delta < -one.tolerance and other_delta > other.tolerance
    return opposite or (delta <= -SPOILED_MOS and other_delta >= -HARMLESS_MOS)


def _beside(delta: float) -> str:
    return f"{delta:.2f} above it" if delta > 0 else f"{-delta:.2f} below it"
