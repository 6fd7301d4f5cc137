"""Addresses that a machine cannot reach as long as the program runs (`net.barrier`)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.wire.messages import Dialogue, Event, Order


@dataclass(frozen=True, slots=True)
class CloseWays(Order):
    """Make them unreachable now, reachable again at the end: `WaysClosed`."""

    addresses: tuple[IPv4Address, ...]


@dataclass(frozen=True, slots=True)
class WaysClosed(Event):
    """No packet goes there."""


BARRIER = Dialogue("net.barrier", orders=(CloseWays,), events=(WaysClosed,))
