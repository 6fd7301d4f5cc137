"""Tun devices that a machine has as long as the program runs (`net.tun_devices`)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lab.wire.messages import Dialogue, Event, Order


@dataclass(frozen=True, slots=True)
class LentDevice:
    """One device with its addresses and routes."""

    device: str
    uid: int
    gid: int
    addresses: tuple[tuple[IPv4Address, int], ...]
    """Each with the length of its prefix."""
    routes: tuple[tuple[IPv4Network, IPv4Address], ...] = ()
    """Destination and source."""


@dataclass(frozen=True, slots=True)
class LendDevices(Order):
    """Make them now, take them away at the end: `DevicesMade`."""

    devices: tuple[LentDevice, ...]


@dataclass(frozen=True, slots=True)
class DevicesMade(Event):
    """They are there."""


TUN_DEVICES = Dialogue("net.tun_devices", orders=(LendDevices,), events=(DevicesMade,))
