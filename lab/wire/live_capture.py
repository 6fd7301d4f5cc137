"""A capture at one point whose packets are told as they come (`probe.live_capture`)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.wire.messages import Dialogue, Event, Order
from lab.wire.probe import CaptureCounts


@dataclass(frozen=True, slots=True)
class CaptureLive(Order):
    """Begin, on the interface of that name, or with that address: `CaptureBegan`."""

    point: str
    filter: str
    """In pcap-filter(7)'s words; empty is everything."""
    address: IPv4Address | None = None
    interface: str | None = None


@dataclass(frozen=True, slots=True)
class CaptureBegan(Event):
    """From now on nothing is missed."""

    header: str
    """Of the pcap file to which the packets belong, in base64."""


@dataclass(frozen=True, slots=True)
class PacketsCaptured(Event):
    """What has come since this was told last."""

    records: str
    """Whole records of the pcap file, in base64. Where a link takes time, what it sends and what it
    receives are captured on two devices, and the packets of one may be told before earlier ones of
    the other."""


@dataclass(frozen=True, slots=True)
class EndCapture(Order):
    """End it: what is left of the packets, then `CaptureEnded`."""


@dataclass(frozen=True, slots=True)
class CaptureEnded(Event):
    """All packets have been told."""

    counts: CaptureCounts


LIVE_CAPTURE = Dialogue(
    "probe.live_capture",
    orders=(CaptureLive, EndCapture),
    events=(CaptureBegan, PacketsCaptured, CaptureEnded),
)
