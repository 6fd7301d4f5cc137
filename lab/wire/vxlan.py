"""Joining the bridges that a network of the lab has on several hosts (`net.vxlan`): RFC 7348."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lab.wire.messages import Dialogue, Event, Order

PORT = 4789
"""The UDP port of VXLAN."""
OVERHEAD_BYTES = 50
"""What it adds to an IPv4 packet of the lab: IPv4, UDP and VXLAN headers, and an Ethernet one."""
USUAL_MTU = 1500
"""That of Docker's bridges."""


def identifier(subnet: IPv4Network) -> int:
    """The VXLAN network identifier (24 bits) of a network: the first three bytes of its subnet."""
    return int(subnet.network_address) >> 8


@dataclass(frozen=True, slots=True)
class Joint:
    """A bridge of this host, and where its network goes on."""

    network: str
    bridge: str
    """The bridge's device."""
    identifier: int
    near: IPv4Address
    """This host's own address."""
    far: tuple[IPv4Address, ...]
    """Those of the other hosts on which the network has a bridge."""
    mtu: int
    """The largest packet of the lab, bytes."""

    @property
    def device(self) -> str:
        """The VXLAN device: of one network, wherever it is."""
        return f"vtlab-{self.identifier:06x}"


@dataclass(frozen=True, slots=True)
class Join(Order):
    """Have every bridge joined so, whatever was before: `Joined`."""

    joints: tuple[Joint, ...]


@dataclass(frozen=True, slots=True)
class Part(Order):
    """Take what joins these bridges to other hosts away: `Parted`."""

    bridges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Joined(Event):
    """What the kernel has now, in their order."""

    joints: tuple[Joint, ...]


@dataclass(frozen=True, slots=True)
class Parted(Event):
    """Nothing joins them any more."""

    devices: tuple[str, ...]
    """What was taken away."""


VXLAN = Dialogue("net.vxlan", orders=(Join, Part), events=(Joined, Parted))
"""Its program runs in a host's own network namespace, with CAP_NET_ADMIN alone."""
