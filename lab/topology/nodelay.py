"""Which Tor processes of a topology set TCP_NODELAY, and on which connections."""

from __future__ import annotations

from lab.topology.model import Node, Topology
from lab.wire.nodelay import Place, Reach

_RELAYS = ("relay", "bridge")
_AT_RELAYS = {Place.EXIT: Reach.EXITS, Place.RELAYS: Reach.ALL, Place.ALL: Reach.ALL}
_AT_OTHERS = {Place.CLIENT: Reach.ALL, Place.ALL: Reach.ALL}


def nodelay_at(topology: Topology, node: Node) -> Reach | None:
    """On which of its connections the Tor of `node` is to set it; None for Tor as it is."""
    return (_AT_RELAYS if node.role in _RELAYS else _AT_OTHERS).get(topology.tor.nodelay)
