"""An OpenVPN of its own in a node, as long as the program runs (`vpn.openvpn`).

`Failed` where it ends by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.wire.messages import Dialogue, Event, Order

NODELAY = "Socket flags: TCP_NODELAY=1 succeeded"
"""What OpenVPN says of a connection on which it has set the option."""


@dataclass(frozen=True, slots=True)
class OpenTunnel(Order):
    """Connect as the node's own configuration says: `OpenVpnUp`."""

    socks_port: int | None
    """Of Tor, through which it goes; None: straight."""
    onion: bool = False
    """Whether it goes to the server's onion service, in place of its address."""
    files: Mapping[str, str] = field(default_factory=dict)
    """A configuration in place of the node's own: name → text, of which `client.conf` is run in
    their directory. Empty: the node's own."""


@dataclass(frozen=True, slots=True)
class ServeTunnels(Order):
    """Serve clients, by a configuration that comes along: `OpenVpnUp`."""

    files: Mapping[str, str]
    """Name → text; `server.conf` is run in their directory."""


@dataclass(frozen=True, slots=True)
class OpenVpnUp(Event):
    """The tunnel carries packets, or the server listens."""

    after_ms: float
    nodelay: bool = False
    """Whether it said that TCP_NODELAY is set on its connection; a server has none yet."""


OPENVPN = Dialogue("vpn.openvpn", orders=(OpenTunnel, ServeTunnels), events=(OpenVpnUp,))
