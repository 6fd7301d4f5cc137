"""Which relays a circuit crosses: as named, or drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence

from lab.errors import LabError
from lab.topology.model import Topology

HOPS = 3


def choose_path(topology: Topology, seed: int, hops: int = HOPS) -> tuple[str, ...]:
    """`hops` different relays drawn from `seed`, node names from guard to exit.

    The directory authority carries voice only where there are too few others. Every relay can
    be the exit: each has a route to every network of the lab and the same
    exit policy. LabError where there are too few relays.
    """
    nodes = topology.with_role("relay")
    others = [node.name for node in nodes if not node.authority]
    relays = others if len(others) >= hops else [node.name for node in nodes]
    if not 2 <= hops <= len(relays):
        raise LabError(
            f"no path of {hops} hops can be drawn from the {len(relays)} relays "
            f"of topology {topology.name}",
            "A path has at least 2 hops, and crosses no relay twice.",
        )
    return tuple(random.Random(seed).sample(relays, hops))  # noqa: S311 - repeatable on purpose


def named_path(topology: Topology, names: Sequence[str]) -> tuple[str, ...]:
    """`names` as a path; LabError where that is not two or more different relays."""
    relays = {node.name for node in topology.with_role("relay")}
    if unknown := [name for name in names if name not in relays]:
        raise LabError(
            f"not a relay of topology {topology.name}: {', '.join(unknown)}",
            f"Its relays are {', '.join(sorted(relays))}.",
        )
    if len(names) < 2 or len(set(names)) < len(names):
        raise LabError(
            f"not a path: {', '.join(names) or '(empty)'}",
            "Name two or more relays, each once, from guard to exit.",
        )
    return tuple(names)


def path_of_call(topology: Topology, seed: int) -> tuple[str, ...]:
    """The path the topology names, or else one drawn from `seed`."""
    if topology.tor.circuit:
        return named_path(topology, topology.tor.circuit)
    return choose_path(topology, seed)
