"""The cliff of a call that shares a link: between which rates it breaks, and where to look next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.measure.good_call import GOOD_MOS

DOWNLOADS = 4
SHARERS = DOWNLOADS + 1
WIDER, NARROWER = 1.4, 0.7
"""How far a rate is from the one before, up and down, until the cliff lies between two."""
SLOWEST_KBPS, FASTEST_KBPS = 100, 100_000


@dataclass(frozen=True, slots=True)
class Tried:
    """One call on the slow link."""

    rate_kbps: int
    mos: float | None
    """None where the call failed, or nothing was heard that could be scored."""

    @property
    def good(self) -> bool:
        """Whether both studies would call it good."""
        return self.mos is not None and self.mos > GOOD_MOS

    @property
    def share_kbps(self) -> float:
        """An even share of the link."""
        return self.rate_kbps / SHARERS


@dataclass(frozen=True, slots=True)
class Cliff:
    """Between which rates the call broke; None where no call was made on that side."""

    good_kbps: int | None
    """The lowest at which it was good, with no broken one above."""
    broken_kbps: int | None
    """The highest at which it was not."""

    @property
    def share_kbps(self) -> float | None:
        """An even share of the rate in the middle; None where one side is not known."""
        if self.good_kbps is None or self.broken_kbps is None:
            return None
        return (self.good_kbps + self.broken_kbps) / 2 / SHARERS


def next_rate(tried: Sequence[Tried], even_kbps: float) -> int:
    """The rate to try next: wider or narrower until the cliff lies between two, then between.

    `even_kbps` is the link of which an even share is what the call takes alone.
    """
    cliff = cliff_of(tried)
    if not tried:
        rate_kbps = even_kbps
    elif cliff.broken_kbps is None:
        rate_kbps = NARROWER * min(each.rate_kbps for each in tried)
        if rate_kbps > WIDER * even_kbps:
            rate_kbps = even_kbps
    elif cliff.good_kbps is None:
        rate_kbps = max(WIDER * cliff.broken_kbps, even_kbps)
    elif cliff.broken_kbps < NARROWER * even_kbps and cliff.good_kbps > WIDER * even_kbps:
        rate_kbps = even_kbps
    else:
        rate_kbps = (cliff.good_kbps + cliff.broken_kbps) / 2
    return max(SLOWEST_KBPS, min(FASTEST_KBPS, round(rate_kbps)))


def cliff_of(tried: Sequence[Tried]) -> Cliff:
    """Where the calls that were tried broke."""
    broken = max((each.rate_kbps for each in tried if not each.good), default=None)
    good = [
        each.rate_kbps
        for each in tried
        if each.good and (broken is None or each.rate_kbps > broken)
    ]
    return Cliff(min(good, default=None), broken)
