"""The circuits of a call over several: its seed's own, and others drawn beside it."""

from __future__ import annotations

from lab.errors import LabError, UsageError
from lab.topology.model import Topology
from lab.tor.paths import choose_path, path_of_call, with_hops

MOST_DRAWS = 100
"""So often a circuit is drawn anew that another path of the call has already."""


def paths_of_call(
    topology: Topology, seed: int, count: int, *, disjoint: bool
) -> tuple[tuple[str, ...], ...]:
    """`count` different paths: first the one that a call of that seed has by itself.

    `disjoint`: none crosses a relay of another, nor the directory authority but for the first one
    where the topology names it; else each is drawn as the first is, whatever the others cross.
    LabError where the topology has Conflux, whose circuits are Tor's own, or has not so many.
    """
    if topology.tor.conflux != "off":
        raise LabError(
            f"topology {topology.name} has Conflux, whose circuits Tor builds by itself",
            "Write `conflux: off`, or call with `--policy single`.",
        )
    paths = [path_of_call(topology, seed)]
    hops = len(paths[0])
    for number in range(1, count):
        crossed = {relay for path in paths for relay in path}
        if disjoint:
            paths.append(_apart(topology, f"path {number} {seed}", hops, crossed, number))
        else:
            paths.append(_other(topology, f"path {number} {seed}", hops, paths))
    return tuple(paths)


def _apart(
    topology: Topology, seed: str, hops: int, crossed: set[str], found: int
) -> tuple[str, ...]:
    left = {node.name for node in topology.with_role("relay") if not node.authority} - crossed
    if len(left) < hops:
        raise LabError(
            f"topology {topology.name} has room for {found} circuits of {hops} hops that share no "
            f"relay, not for more: {len(left)} relays are left beside the authority",
            f"Take at most {found} paths, circuits of fewer hops, or `--disjoint off`.",
        )
    return choose_path(topology, seed, hops, crossed | {topology.authority.name})


def _other(
    topology: Topology, seed: str, hops: int, others: list[tuple[str, ...]]
) -> tuple[str, ...]:
    for draw in range(MOST_DRAWS):
        path = choose_path(topology, f"{seed} {draw}", hops)
        if path not in others:
            return path
    raise LabError(
        f"topology {topology.name} has no {len(others) + 1} different circuits of {hops} hops",
        f"Take at most {len(others)} paths, or a topology with more relays.",
    )


def check_paths(topology: Topology, hops: int | None, count: int, *, disjoint: bool) -> None:
    """UsageError where the topology has not so many circuits, of its own length or of `hops`.

    How many there are does not depend on which a seed draws.
    """
    try:
        paths_of_call(with_hops(topology, hops), 0, count, disjoint=disjoint)
    except LabError as error:
        raise UsageError(error.message, error.hint) from error
