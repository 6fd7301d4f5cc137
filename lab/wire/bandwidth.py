"""Measuring by iperf3 what one TCP connection carries from machine to machine (`probe.bandwidth`).

The same program is both ends: beside the server it waits, beside the client it measures.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.wire.messages import Dialogue, Event, Order
from lab.wire.proxy import SocksProxy


@dataclass(frozen=True, slots=True)
class ServeBandwidth(Order):
    """Wait at an address for one measurement, and for none that was to come before:
    `BandwidthServed`."""

    address: IPv4Address
    port: int


@dataclass(frozen=True, slots=True)
class BandwidthServed(Event):
    """Whoever connects now is served."""


@dataclass(frozen=True, slots=True)
class MeasureBandwidth(Order):
    """Send as fast as one TCP connection takes it: `BandwidthMeasured`."""

    address: IPv4Address
    """Of the server, ..."""
    port: int
    down: bool
    """From the server to here; else from here to the server."""
    omit_s: int
    """How long it flows before it counts, ..."""
    time_s: int
    """... and then for how long it does."""
    source: IPv4Address | None = None
    """The address to leave from; None is the kernel's choice."""
    proxy: SocksProxy | None = None
    """Through which both of iperf3's connections go; None: straight."""


@dataclass(frozen=True, slots=True)
class BandwidthMeasured(Event):
    """What came."""

    kbps: float
    """Payload at the receiver."""
    program: str
    """As it calls itself: `iperf 3.12`."""


BANDWIDTH = Dialogue(
    "probe.bandwidth",
    orders=(ServeBandwidth, MeasureBandwidth),
    events=(BandwidthServed, BandwidthMeasured),
)
