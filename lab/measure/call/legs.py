"""How long packets take between the hosts of a call's circuit, as the links on the way were set."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from itertools import pairwise

from lab.measure.call.path import VoicePath
from lab.measure.call.watches import DelayWatch


def legs_ms(path: VoicePath | None, delays: Sequence[DelayWatch]) -> dict[str, float]:
    """One-way delay of each leg of the caller's circuit, `node-node` from client to server, ms.

    Towards the server; empty for calls without a circuit.
    """
    if path is None or not path.circuit:
        return {}
    stops = [(path.caller.node, path.caller.home)]
    stops += [(hop.node, hop.address) for hop in path.hops if hop.node in path.circuit]
    stops += [(path.server.node, path.server.address)]
    return {
        f"{near}-{far}": _leg_ms(near, far, address, delays)
        for (near, _), (far, address) in pairwise(stops)
    }


def _leg_ms(near: str, far: str, address: IPv4Address, delays: Sequence[DelayWatch]) -> float:
    """What the near end sends takes, and what the far end receives, on the link between them."""
    sides = {tuple(watch.point.split("/")): watch.shape for watch in delays}
    sent = {
        network: shape
        for (node, network, way), shape in sides.items()
        if node == near and way == "out"
    }
    for network, shape in sent.items():
        fitting = [way for way in shape.ways if address in way.to]
        if shape.ways and not fitting:
            continue
        narrowest = max(fitting, key=lambda way: way.to.prefixlen, default=None)
        received = sides.get((far, network, "in"))
        return (
            shape.delay_ms
            + (narrowest.delay_ms if narrowest else 0.0)
            + (received.delay_ms if received else 0.0)
        )
    return 0.0
