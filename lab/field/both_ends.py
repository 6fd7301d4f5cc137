"""What only both ends' captures together tell: delay and loss of the whole call each way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lab.ends import EACH_END
from lab.field.direction import Direction
from lab.measure import two_captures
from lab.measure.delay import PacketDelays
from lab.measure.emodel import rate
from lab.measure.rtp import Stream
from lab.measure.two_captures import Comparison

PLAYOUT_MS = (60, 200)
"""Fixed playout buffers: one as phones have it, and the lab's own."""


def comparison_columns(comparison: Comparison, sent: Mapping[str, Direction]) -> dict[str, Any]:
    """Delay and loss each way, by the columns of the end that received.

    `sent` is what each end's own capture shows it sending. Pieces of it that the other capture
    does not show at all were lost.
    """
    columns: dict[str, Any] = {}
    fastest: list[float] = []
    for sender, receiver in (EACH_END, ("callee", "caller")):
        ways = [
            way
            for way in comparison.directions
            if way.from_first == (sender == "caller") and way.sent in sent[sender].pieces
        ]
        if not ways:
            continue
        delays = _together(ways, sent[sender].pieces)
        fastest.append(float(delays.delay_ms.min()))
        columns |= {
            f"{receiver}_delay_spikes": delays.spikes(),
            f"{receiver}_pdv_ms_p95": float(np.percentile(delays.delay_ms, 95)) - fastest[-1],
        }
        for depth_ms in PLAYOUT_MS:
            late = np.mean(delays.delay_ms > fastest[-1] + depth_ms)
            columns[f"{receiver}_late_pct_{depth_ms}"] = 100 * float(late)
        if delays.loss_pct is not None:
            columns[f"{receiver}_loss_pct"] = delays.loss_pct
        # One direction alone leaves the clocks' offset, and with it the delay, unknown.
        if comparison.clock.basis == "round-trip":
            heard = max((way.received for way in ways), key=len)
            columns |= {
                f"{receiver}_owd_ms_p50": delays.p50_ms,
                f"{receiver}_owd_ms_p95": delays.p95_ms,
                f"{receiver}_owd_ms_max": delays.max_ms,
                f"{receiver}_emodel_r": _rating(delays, heard),
            }
    if comparison.clock.basis == "round-trip":
        columns |= {
            "rtt_ms_min": sum(fastest),
            "clock_offset_ms": comparison.clock.offset_ms,
            "clock_skew_ppm": comparison.clock.skew_ppm,
        }
    return columns


def _together(ways: Sequence[two_captures.Direction], pieces: Sequence[Stream]) -> PacketDelays:
    """The delays of all pieces of one direction as one."""
    every = [way.delays for way in ways]
    if len(every) == len(pieces) == 1:
        return every[0]
    shown = [way.sent for way in ways]
    towards = {stream.destination for stream in shown}
    unseen = sum(
        _due(piece, ways) for piece in pieces if piece not in shown and piece.destination in towards
    )
    order = np.argsort(np.concatenate([delays.sent_ns for delays in every]), kind="stable")
    return PacketDelays(
        sent_ns=np.concatenate([delays.sent_ns for delays in every])[order],
        delay_ms=np.concatenate([delays.delay_ms for delays in every])[order],
        sent_packets=sum(delays.sent_packets for delays in every) + unseen,
        received_packets=sum(delays.received_packets for delays in every),
        matched_by="number" if all(d.matched_by == "number" for d in every) else "payload",
        clock=every[0].clock,
    )


def _due(piece: Stream, ways: Sequence[two_captures.Direction]) -> int:
    """How many packets of a piece were due while the other capture still saw voice."""
    delays = ways[0].delays
    reading_ms = delays.clock.correction_ms(piece.time_ns) + float(np.median(delays.delay_ms))
    return int(np.sum(piece.time_ns + reading_ms * 1e6 <= ways[0].received_until_ns))


def _rating(delays: PacketDelays, heard: Stream) -> float | None:
    """R of the E-model; None where nothing is published for the codec or for its losses."""
    delay_ms, loss_pct = delays.p50_ms, delays.loss_pct
    if delay_ms is None or loss_pct is None:
        return None
    rating = rate(heard.codec.name, max(0.0, delay_ms) + heard.ptime_ms, loss_pct)
    return rating.r if rating else None
