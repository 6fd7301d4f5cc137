"""What a telephone exchange did to voice on its way through: two captures of one machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from lab.measure.bursts import bursts
from lab.measure.matching import Match, match
from lab.measure.pcap import Ints
from lab.measure.rtp import Stream


@dataclass(frozen=True, slots=True)
class Passage:
    """One direction of a call through the exchange; None is what cannot be known."""

    packets_in: int
    packets_out: int
    delay_ms_p50: float | None
    """How long packets were inside, by one clock."""
    delay_ms_p95: float | None
    dropped: int | None
    """Packets that came and did not leave, between two that did."""
    made_up: int | None
    """Packets that left and had not come, between two that had."""
    burst_in: float | None
    """Packets per burst, see `lab.measure.bursts`."""
    burst_out: float | None
    matched_by: str
    """`number` or `payload`; where nothing could be matched, why."""

    def to_dict(self) -> dict[str, float | int | None]:
        """The figures by name."""
        figures = asdict(self)
        del figures["matched_by"]
        return figures


def passage(came: Stream, left: Stream) -> Passage:
    """Compare what came to the exchange with what left it, both captured on its machine.

    An exchange that ends both legs numbers packets anew: then only their payload tells which is
    which, and nothing does where it turns one codec into another.
    """
    pairs, matched_by = _matched(came, left)
    known = len(pairs) > 0
    delay_ms = (left.time_ns[pairs.received] - came.time_ns[pairs.sent]) / 1e6
    dropped, made_up = _differences(came, left, pairs)
    return Passage(
        packets_in=len(came),
        packets_out=len(left),
        delay_ms_p50=float(np.percentile(delay_ms, 50)) if known else None,
        delay_ms_p95=float(np.percentile(delay_ms, 95)) if known else None,
        dropped=dropped if known else None,
        made_up=made_up if known else None,
        burst_in=_burst_mean(came),
        burst_out=_burst_mean(left),
        matched_by=matched_by,
    )


def _matched(came: Stream, left: Stream) -> tuple[Match, str]:
    if came.codec.name != left.codec.name:
        nothing = np.zeros(0, np.int64)
        words = f"not matched: {came.codec.name} came, {left.codec.name} left"
        return Match(nothing, nothing, "payload"), words
    pairs = match(came, left)
    return pairs, pairs.by if len(pairs) else "not matched: no packet left as it came"


def _differences(came: Stream, left: Stream, pairs: Match) -> tuple[int, int]:
    """Packets dropped and made up, by how many of either stream lie between matched ones.

    In the order of their numbers, whatever these are: so what was lost before the exchange, and
    what it numbers anew, counts as neither.
    """
    place_in = _places(came)[pairs.sent]
    place_out = _places(left)[pairs.received]
    order = np.argsort(place_in)
    between_in = np.diff(place_in[order]) - 1
    between_out = np.maximum(np.diff(place_out[order]) - 1, 0)
    more_in = between_in - between_out
    return int(more_in[more_in > 0].sum()), int(-more_in[more_in < 0].sum())


def _places(stream: Stream) -> Ints:
    """Each packet's place in the order of the numbers."""
    places: Ints = np.empty(len(stream), np.int64)
    places[np.argsort(stream.sequence)] = np.arange(len(stream))
    return places


def _burst_mean(stream: Stream) -> float | None:
    found = bursts(np.sort(stream.time_ns))
    return found.mean if found else None
