"""The private Tor network as one of its nodes is told of it, in the file `places.TOR_NETWORK`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from lab.wire.nodelay import Reach

IDLE_VOTING_INTERVAL_S = 1800
"""What the authority's torrc says until the first vote is called. tor's rule: the first voting
interval must divide 30 minutes."""
AUTHORITY_RUNS = "the authority's tor runs"
"""What the authority's log says as soon as it does."""


@dataclass(frozen=True, slots=True)
class BridgePort:
    """Where a bridge takes clients."""

    transport: str
    """`vanilla` or `obfs4`."""
    address: IPv4Address
    port: int


@dataclass(frozen=True, slots=True)
class TorNetwork:
    """Who the others are."""

    node: str
    authority: bool
    """Whether this node is the directory authority."""
    directory: str
    """`address:port` of the authority's directory."""
    voting_interval_s: int
    relays: Mapping[str, str]
    """Node name to fingerprint, of every relay."""
    bridges: Mapping[str, str] = field(default_factory=dict)
    """The same of the bridges by which this node's client enters, or of this bridge itself; none
    of them is one of the `relays`."""
    transports: Mapping[str, BridgePort] = field(default_factory=dict)
    """Bridge → where, and how, it is spoken to."""
    told_options: tuple[str, ...] = ()
    """Relays only: the options of tor that the node's log tells of once it has a consensus."""
    nodelay: Reach | None = None
    """On which of its connections the node's Tor sets TCP_NODELAY; None: on none, as Tor is."""

    def names_of(self, fingerprints: Iterable[str]) -> tuple[str, ...]:
        """Relays by their nodes' names; one that no node has keeps its fingerprint."""
        names = {fingerprint: name for name, fingerprint in self._known.items()}
        return tuple(names.get(fingerprint, fingerprint) for fingerprint in fingerprints)

    def fingerprints_of(self, names: Iterable[str]) -> tuple[str, ...]:
        """The other way round; LookupError names the one that is no relay."""
        wanted = tuple(names)
        known = self._known
        if unknown := [name for name in wanted if name not in known]:
            raise LookupError(f"no relay is called {unknown[0]}")
        return tuple(known[name] for name in wanted)

    @property
    def _known(self) -> dict[str, str]:
        """Of relays and bridges."""
        return {**self.relays, **self.bridges}
