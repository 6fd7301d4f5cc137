"""Giving one machine its place in the lab, and reading it back (`net.network`)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lab.wire.faults import LinkFault
from lab.wire.links import Counters, LinksShown, ShowLinks
from lab.wire.messages import Dialogue, Event, Order
from lab.wire.shape import OPEN_WAY, Shape


@dataclass(frozen=True, slots=True)
class Route:
    """How a node reaches a network it has no link to."""

    destination: IPv4Network
    via: IPv4Address


@dataclass(frozen=True, slots=True)
class MachineLink:
    """An attachment to a network."""

    network: str
    address: IPv4Address
    subnet: IPv4Network
    bridge: IPv4Address
    """The host's address there, which nothing may reach."""
    sends: Shape | None
    """What happens to what the node sends here; None is nothing."""
    receives: Shape | None


@dataclass(frozen=True, slots=True)
class TunnelDevice:
    """The tun device that an OpenVPN without capabilities may open, and its routes."""

    device: str
    address: IPv4Address
    prefix_length: int
    uid: int
    gid: int
    media_ports: tuple[int, int] | None
    """UDP ports, first and last: what leaves from them goes into the tunnel, too."""


@dataclass(frozen=True, slots=True)
class MachineNetwork:
    """All that is set in the network namespace of one machine."""

    node: str
    congestion_control: str
    links: tuple[MachineLink, ...]
    routes: tuple[Route, ...]
    tunnel: TunnelDevice | None
    place: str | None = None
    """The city it stands in, for whoever is told of the machine."""


@dataclass(frozen=True, slots=True)
class SetUpNetwork(Order):
    """Bring the namespace into this state, whatever it is in: `NetworkInForce`."""

    network: MachineNetwork


@dataclass(frozen=True, slots=True)
class ShowNetwork(Order):
    """Tell what is in force of it: `NetworkInForce`."""

    network: MachineNetwork


@dataclass(frozen=True, slots=True)
class LinkRate:
    """What becomes of what a machine sends over one link, as wanted and as the kernel has it."""

    network: str
    address: IPv4Address
    interface: str
    rate_configured_kbps: int | None
    rate_in_force_kbps: int | None
    counters: Counters | None
    """None where nothing is shaped."""
    way_configured: str = OPEN_WAY
    """What lies behind the cap, in words: how long it takes, how much of it gets lost."""
    way_in_force: str = OPEN_WAY
    fault: LinkFault | None = None
    """The one that is in force on the link; None where none is."""


@dataclass(frozen=True, slots=True)
class NetworkInForce(Event):
    """What the kernel has."""

    node: str
    links: tuple[LinkRate, ...]
    tunnel: bool | None
    """Whether the device is there; None where none is wanted."""
    congestion_control: tuple[str, ...]
    """Of every route that names one."""
    closed: bool
    """Whether what has no route is unreachable."""


NETWORK = Dialogue("net.network", orders=(SetUpNetwork,), events=(NetworkInForce,))
"""Its program obeys the order on its command line, a line of JSON."""
READING = Dialogue(
    "net.reading", orders=(ShowNetwork, ShowLinks), events=(NetworkInForce, LinksShown)
)
"""With a program in the node itself, without any capability."""
