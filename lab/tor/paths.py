"""Which relays a circuit crosses: as named, or drawn from a seed.

By `tor.selection` of the topology every relay is as likely as another, or is drawn as Tor draws it
(path-spec, "Path selection and constraints": the exit first, then the others from the guard on, no
relay twice, each in proportion to its bandwidth). Tor multiplies bandwidths by position weights of
the consensus (Wgd, Wmd, Wed …), which depend on a relay's flags and its position. Every relay of a
lab is guard and exit alike: all have the same weight in a position, which drops out of its shares.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from random import Random

from lab.errors import LabError
from lab.roles.relay import HOPS
from lab.topology.model import Node, Topology
from lab.topology.tor import CONFLUX_HOPS, CONFLUX_RELAYS


def choose_path(
    topology: Topology, seed: int | str, hops: int = HOPS, apart_from: Collection[str] = ()
) -> tuple[str, ...]:
    """`hops` different relays drawn from `seed`, node names from guard to exit.

    None of `apart_from`. The directory authority carries voice only where there are too few others.
    Every relay can be the exit: each has a route to every network of the lab and the same
    exit policy. LabError where there are too few relays.
    """
    nodes = [node for node in topology.with_role("relay") if node.name not in apart_from]
    others = [node.name for node in nodes if not node.authority]
    relays = others if len(others) >= hops else [node.name for node in nodes]
    if not 2 <= hops <= len(relays):
        raise LabError(
            f"no path of {hops} hops can be drawn from the {len(relays)} relays "
            f"of topology {topology.name}",
            "A path has at least 2 hops, and crosses no relay twice.",
        )
    chance = Random(seed)  # noqa: S311 - repeatable on purpose
    drawn = _drawn(topology, relays, hops, chance)
    return tuple(drawn if topology.tor.selection == "uniform" else (*drawn[1:], drawn[0]))


def _drawn(topology: Topology, names: Sequence[str], count: int, chance: Random) -> list[str]:
    """So many different relays of `names` in the order in which they are drawn."""
    if topology.tor.selection == "uniform":
        return chance.sample(names, count)
    bandwidths = {name: topology.node(name).bandwidth_kbps for name in names}
    if unknown := [name for name, kbps in bandwidths.items() if kbps is None]:
        raise LabError(
            f"relay {unknown[0]} of topology {topology.name} has no bandwidth to be chosen by",
            "Give it a `bandwidth_rate`, or a `rate` of a link.",
        )
    weights = {name: kbps for name, kbps in bandwidths.items() if kbps is not None}
    drawn = []
    for _ in range(count):
        drawn += chance.choices([*weights], [*weights.values()])
        del weights[drawn[-1]]
    return drawn


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


def entered(path: tuple[str, ...], client: Node, seed: int) -> tuple[str, ...]:
    """`path` as a client may take it: one that has bridges enters by one, in the guard's place.

    The other relays stay, so that calls of one seed differ in how they enter alone.
    """
    if not client.bridges:
        return path
    return (Random(seed).choice(client.bridges), *path[1:])  # noqa: S311 - repeatable


def path_of_call(topology: Topology, seed: int) -> tuple[str, ...]:
    """The path the topology names, or else one drawn from `seed`.

    With Conflux all relays of its two circuits: two guards, two middles, and last the exit.
    """
    if topology.tor.conflux != "off":
        path = choose_path(topology, seed, CONFLUX_RELAYS)
        # Tor draws one circuit's guard and middle, and then the other's.
        return path if topology.tor.selection == "uniform" else (*path[:4:2], *path[1:4:2], path[4])
    if topology.tor.circuit:
        return named_path(topology, topology.tor.circuit)
    return choose_path(topology, seed, topology.tor.hops)


def path_of_callee(topology: Topology, caller: Sequence[str], seed: int) -> tuple[str, ...]:
    """The callee's own path: the one the topology names, or else one drawn from `seed`.

    Drawn, it is as long as `caller`, the path of the caller, and crosses as few of its relays as
    there are others for; its exit is another one in any case. In a network of thousands of relays
    two clients hardly ever meet; where relays are few, they share some.
    """
    if topology.tor.callee_circuit:
        return named_path(topology, topology.tor.callee_circuit)
    drawn = Random(f"callee {seed}")  # noqa: S311 - repeatable on purpose
    nodes = topology.with_role("relay")
    others = [node.name for node in nodes if node.name not in caller and not node.authority]
    # A Conflux set is the caller's alone: its relays are those of two circuits.
    hops = len(caller) if topology.tor.conflux == "off" else HOPS
    path = _drawn(topology, others, min(hops, len(others)), drawn)
    lacking = hops - len(path)
    shared = [name for name in caller if topology.node(name).role != "bridge"]
    shared += [topology.authority.name] if lacking > len(shared) else []
    path += _drawn(topology, shared, lacking, drawn)
    if topology.tor.selection == "uniform" or lacking:
        drawn.shuffle(path)
    else:
        path = [*path[1:], path[0]]
    if path[-1] == caller[-1]:
        path[0], path[-1] = path[-1], path[0]
    return tuple(path)


def paths_of_user(
    topology: Topology, client: Node, seed: int, user: int, count: int
) -> tuple[tuple[str, ...], ...]:
    """The paths that another user of Tor at `client` takes one after the other, beside a call.

    `seed` is the call's; each user of it has paths of its own.
    """
    hops = topology.tor.hops
    seeds = [f"user {user} {turn} {seed}" for turn in range(count)]
    return tuple(entered(choose_path(topology, each, hops), client, seed) for each in seeds)


def with_hops(topology: Topology, hops: int | None) -> Topology:
    """The topology with circuits of so many relays; None leaves it as it is.

    LabError where it fixes a circuit of another length, or has too few relays.
    """
    if hops is None:
        return topology
    if topology.tor.conflux != "off" and hops != CONFLUX_HOPS:
        raise LabError(
            f"topology {topology.name} has Conflux, whose circuits Tor gives {CONFLUX_HOPS} hops",
            "Write `conflux: off` for circuits of another length.",
        )
    fixed = topology.tor.circuit
    if fixed and len(fixed) != hops:
        raise LabError(
            f"topology {topology.name} fixes a circuit of {len(fixed)} hops, not {hops}",
            "Leave `tor.circuit` out, or name as many relays in it.",
        )
    if hops > (relays := len(topology.with_role("relay"))):
        raise LabError(f"topology {topology.name} has {relays} relays, no circuit of {hops} hops")
    return replace(topology, tor=replace(topology.tor, hops=hops))
