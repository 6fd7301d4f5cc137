"""What a phone tells of a call: its steps, what was negotiated, and what it counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

Report = TypeVar("Report", "Media", "PacketCounts")


@dataclass(frozen=True, slots=True)
class Media:
    """What was negotiated, as the phone's own stream reports it."""

    codec: str
    clock_hz: int
    payload_type_tx: int
    payload_type_rx: int | None
    ptime_ms: int
    vad: bool
    remote_rtp: str
    """`address:port` the voice is sent to."""
    playout_depth_ms: int
    playout_max_ms: int
    playout_adaptive: bool


@dataclass(frozen=True, slots=True)
class PacketCounts:
    """One phone's own counters at the end of a call; None is what its engine does not count.

    Frames are those of the codec.
    """

    tx_packets: int
    rx_packets: int
    rx_lost: int
    rx_reordered: int | None
    rx_duplicates: int | None
    rx_discarded: int
    playout_frames_lost: int | None
    """Frames for which nothing came and concealment was played."""
    playout_frames_discarded: int
    playout_frames_empty: int
    """Times the playout found nothing at all, the first filling included."""
    playout_delay_ms_mean: int | None
    playout_delay_ms_max: int | None


@dataclass(frozen=True, slots=True)
class Leg:
    """One phone's view of a call; None is what it did not come to. Times are Unix seconds."""

    ringing_ms: float | None = None
    setup_ms: float | None = None
    """Caller: from INVITE to 200; callee: from the INVITE's arrival to the ACK's."""
    sip_call_id: str | None = None
    media: Media | None = None
    playing_at: float | None = None
    received_at: float | None = None
    """When everything that came had been played out."""
    complete: bool | None = None
    """Whether all packets that the other end should send arrived or are known to be lost."""
    recording_s: float | None = None
    counts: PacketCounts | None = None


def leg_of(events: Mapping[str, Mapping[str, Any]]) -> Leg:
    """The leg that a phone's events, by their names, have told of so far."""

    def told(event: str, field: str) -> Any:
        return events.get(event, {}).get(field)

    return Leg(
        ringing_ms=told("ringing", "after_ms"),
        setup_ms=told("confirmed", "setup_ms"),
        sip_call_id=told("confirmed", "sip_call_id"),
        media=_fields(Media, events["media"]) if "media" in events else None,
        playing_at=told("playing", "at"),
        received_at=told("received", "at"),
        complete=told("received", "complete"),
        recording_s=told("done", "recording_s"),
        counts=_fields(PacketCounts, events["done"]) if "done" in events else None,
    )


def _fields(kind: type[Report], event: Mapping[str, Any]) -> Report:
    return kind(**{field.name: event[field.name] for field in fields(kind)})
