"""The clock of another host against this one's, from questions and answers between them.

As in NTP (RFC 5905, 8): the exchange with the shortest round trip tells most, and what it tells
is wrong by half of that round trip at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.wire.clock import Exchange


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The other clock at one moment."""

    at_ns: int
    """By this host's clock."""
    ahead_ns: float
    """What the other clock reads less what this one does."""
    round_trip_ns: int

    @property
    def error_ns(self) -> float:
        """By how much `ahead_ns` may be wrong."""
        return self.round_trip_ns / 2


@dataclass(frozen=True, slots=True)
class OtherClock:
    """A host's clock during a call, from a reading before it and one after it."""

    before: ClockReading
    after: ClockReading

    @property
    def error_ms(self) -> float:
        """By how much what it is said to have read may be wrong, if it ran evenly between."""
        return max(self.before.error_ns, self.after.error_ns) / 1e6

    @property
    def moved_ms(self) -> float:
        """How much further ahead it was afterwards."""
        return (self.after.ahead_ns - self.before.ahead_ns) / 1e6

    @property
    def skew_ppm(self) -> float:
        """How much faster it ran; 0 where what it moved may be what the readings are wrong by."""
        between_ns = self.after.at_ns - self.before.at_ns
        doubt_ns = self.before.error_ns + self.after.error_ns
        moved_ns = self.after.ahead_ns - self.before.ahead_ns
        return 1e6 * moved_ns / between_ns if between_ns > 0 and abs(moved_ns) > doubt_ns else 0.0


def read_clock(exchanges: Sequence[Exchange]) -> ClockReading | None:
    """The other clock as the quickest exchange tells; None where none was answered."""
    if not exchanges:
        return None
    best = min(exchanges, key=_round_trip_ns)
    ahead_ns = ((best.came - best.asked) + (best.answered - best.back)) / 2
    return ClockReading((best.asked + best.back) // 2, ahead_ns, max(0, _round_trip_ns(best)))


def _round_trip_ns(exchange: Exchange) -> int:
    return (exchange.back - exchange.asked) - (exchange.answered - exchange.came)
