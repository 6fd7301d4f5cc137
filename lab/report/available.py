"""What the circuits of calls offered beside them, and what PESQ their calls had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.ends import CALLEE
from lab.measure.record import CallRecord
from lab.measure.statistics import Interval, mean_interval, share_interval
from lab.report.good_calls import good_share
from lab.report.paper import CALLS_BY_PESQ
from lab.report.selection import valid_ones
from lab.sweep.point import Point

ENOUGH_KBPS = 1000.0
"""Of the first study's statement on what circuits offered."""


@dataclass(frozen=True, slots=True)
class Offered:
    """One valid call through Tor whose circuit was measured after it."""

    method: str
    kbps: float
    """Of the two directions the lesser: voice needs both."""
    mos: float | None
    """At the callee."""


@dataclass(frozen=True, slots=True)
class PesqClass:
    """Calls over circuits with enough, whose PESQ lies between two values."""

    low: int
    high: int
    """Left out."""
    share: Interval
    calls: int


@dataclass(frozen=True, slots=True)
class Available:
    """What the circuits of the valid calls of a run offered; a direct call has none."""

    calls: tuple[Offered, ...]
    not_measured: int
    """Valid calls through Tor of which a direction could not be measured."""
    kbps: Interval
    down: Interval
    """Share of circuits with more than `ENOUGH_KBPS`, from the server to the caller ..."""
    up: Interval
    """... back ..."""
    both: Interval
    """... and both ways."""
    good: Interval
    """Share of good calls at the callee, of those over circuits with enough both ways ..."""
    good_with_less: Interval
    """... and of the others."""
    classes: tuple[PesqClass, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def available(points: Sequence[Point], calls: Sequence[CallRecord]) -> tuple[Available, ...]:
    """What is known of all circuits together; nothing where none was measured."""
    known = {point.point_id for point in points}
    over_tor = [call for call in valid_ones(calls) if call.point_id in known and call.circuit]
    measured = [(call, kbps) for call in over_tor if (kbps := offered_kbps(call)) is not None]
    if not measured:
        return ()
    enough = [call for call, kbps in measured if kbps > ENOUGH_KBPS]
    less = [call for call, kbps in measured if kbps <= ENOUGH_KBPS]
    found = Available(
        not_measured=sum(call.available_reason is not None for call in over_tor),
        calls=tuple(Offered(call.method, kbps, call.callee_pesq_mos) for call, kbps in measured),
        kbps=mean_interval([kbps for _, kbps in measured]),
        down=_with_enough([call.available_kbps_down for call, _ in measured]),
        up=_with_enough([call.available_kbps_up for call, _ in measured]),
        both=_with_enough([kbps for _, kbps in measured]),
        good=good_share(enough, [CALLEE]),
        good_with_less=good_share(less, [CALLEE]),
        classes=_classes([mos for call in enough if (mos := call.callee_pesq_mos) is not None]),
    )
    return (found,)


def offered_kbps(call: CallRecord) -> float | None:
    """The lesser of what the call's circuit offered either way; None where one is not known."""
    down, up = call.available_kbps_down, call.available_kbps_up
    return None if down is None or up is None else min(down, up)


def _with_enough(kbps: Sequence[float | None]) -> Interval:
    known = [value for value in kbps if value is not None]
    return share_interval(sum(value > ENOUGH_KBPS for value in known), len(known))


def _classes(mos: Sequence[float]) -> tuple[PesqClass, ...]:
    counts = {
        bounds: sum(bounds[0] <= value < bounds[1] for value in mos) for bounds in CALLS_BY_PESQ
    }
    return tuple(
        PesqClass(low, high, share_interval(count, len(mos)), count)
        for (low, high), count in counts.items()
    )
