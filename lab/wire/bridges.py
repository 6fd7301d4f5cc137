"""A bridge as its own node sees it (`tor.bridge_status`)."""

from __future__ import annotations

from dataclasses import dataclass

from lab.wire.messages import Dialogue, Event, Order
from lab.wire.tor_network import BridgePort

OBFS4PROXY = "obfs4proxy"
"""As its process is called."""


@dataclass(frozen=True, slots=True)
class ReadBridge(Order):
    """Tell how the bridge is: `BridgeSeen`."""


@dataclass(frozen=True, slots=True)
class BridgeSeen(Event):
    """The bridge at one moment."""

    port: BridgePort
    """Where its clients are to speak to it."""
    version: str | None
    """Of its tor; None as long as that does not run."""
    has_directory: bool
    """Whether it knows the network well enough to extend circuits, tor's `enough_dirinfo`: one
    that builds no circuit of its own never says 100 %."""
    listens: bool
    """Whether anything listens there."""
    obfs4proxies: tuple[int, ...]
    """Process ids of the obfs4proxy that tor has started; one that was started anew has another."""
    in_consensus: bool
    """Whether the consensus that it knows lists it, which makes it a relay."""

    @property
    def lack(self) -> str | None:
        """Why no client can enter by it; None where one can."""
        if self.version is None:
            return "its tor does not run yet"
        if not self.has_directory:
            return "its tor does not know the network yet"
        if self.port.transport == "obfs4" and not self.obfs4proxies:
            return f"its {OBFS4PROXY} does not run"
        if not self.listens:
            return f"nothing listens on its port {self.port.port} ({self.port.transport})"
        return None


BRIDGE = Dialogue("tor.bridge_status", orders=(ReadBridge,), events=(BridgeSeen,))
