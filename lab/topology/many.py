"""Relays by the number: `relays` of a topology → nodes like those that a user writes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from math import exp
from random import Random
from statistics import NormalDist
from typing import TYPE_CHECKING, TypeVar

from lab.topology.mistakes import Mistake, Path
from lab.topology.raw import RawNode, RawRelays, RawSpread, RawTopology
from lab.topology.units import MAX_RATE_KBPS
from lab.wire.shape import format_rate

if TYPE_CHECKING:
    from lab.topology.draft import Draft

T = TypeVar("T")

KEYS = {"place": "places", "bandwidth_rate": "bandwidth"}
"""What a node is told → the key of `relays` it comes from, where that is called otherwise."""
ANY_NODE = "*"
"""Stands for relays of which nothing is known; no node can be called that."""


def with_relays(raw: RawTopology) -> RawTopology:
    """The topology with its relays by the number among its nodes, behind those that are written."""
    if raw.relays is None:
        return raw
    made = _made(raw.relays, raw.networks)
    return raw.model_copy(update={"nodes": {**raw.nodes, **made, **raw.nodes}})


def _made(relays: RawRelays, networks: Collection[str]) -> dict[str, RawNode]:
    links = relays.links or (dict.fromkeys(networks) if len(networks) == 1 else {})
    common = {"role": "relay", "links": links, "tor_version": relays.tor_version}
    bandwidths = bandwidths_of(relays)
    made: dict[str, RawNode] = {}
    standing: Counter[str | None] = Counter()
    for number, place in enumerate(places_of(relays)):
        standing[place] += 1
        own = common | {"place": place}
        if bandwidths:
            own["bandwidth_rate"] = format_rate(min(bandwidths[number], MAX_RATE_KBPS))
        name = f"{called_after(place)}-{standing[place]}"
        made[name] = RawNode.model_validate(own)
    return made


def called_after(place: str | None) -> str:
    """What a relay's name begins with: `new-york` in New York, `relay` where it stands nowhere."""
    return re.sub(r"[^a-z]+", "-", place.lower()) if place else "relay"


def places_of(relays: RawRelays) -> list[str | None]:
    """Where each of the relays stands; None is nowhere."""
    if not relays.places:
        return [None] * relays.count
    order = _shuffled(relays.places, f"places {relays.seed}")
    return [order[number % len(order)] for number in range(relays.count)]


def bandwidths_of(relays: RawRelays) -> list[int]:
    """The BandwidthRate of each of the relays, kbit/s; empty where the topology limits none."""
    if relays.bandwidth is None:
        return []
    return _shuffled(quantiles_kbps(relays.bandwidth, relays.count), f"bandwidth {relays.seed}")


def quantiles_kbps(spread: RawSpread, count: int) -> list[int]:
    """`count` equally likely values of a lognormal: its quantiles (i - 1/2)/count, ascending."""
    least, most = spread.least_kbps or 1, spread.most_kbps
    rates = []
    for number in range(count):
        deviation = NormalDist().inv_cdf((number + 0.5) / count)
        rate = max(least, round(spread.median_kbps * exp(spread.sigma * deviation)))
        rates.append(rate if most is None else min(most, rate))
    return rates


def _shuffled(values: list[T], seed: str) -> list[T]:
    order = list(values)
    Random(seed).shuffle(order)  # noqa: S311 - repeatable on purpose
    return order


def check_relays(draft: Draft) -> Iterator[Mistake]:
    """What is wrong with relays by the number, but for what is so of each of their nodes.

    Of a topology in which they are not among the nodes yet.
    """
    relays = draft.raw.relays
    if relays is None:
        return
    networks = draft.raw.networks
    if not relays.links and len(networks) > 1 and draft.is_certain("relays", "links"):
        message = f"needs `links`: the topology has {len(networks)} networks"
        yield Mistake(("relays",), message)
    for network, link in relays.links.items():
        if link and link.address is not None:
            message = f"is for one node, and these are {relays.count}; leave it out"
            yield Mistake(("relays", "links", network, "address"), message)
    spread = relays.bandwidth
    if spread and spread.least_kbps and spread.most_kbps and spread.least_kbps > spread.most_kbps:
        message = f"is more than `most`, {format_rate(spread.most_kbps)}"
        yield Mistake(("relays", "bandwidth", "least"), message)
    if max(bandwidths_of(relays), default=0) > MAX_RATE_KBPS:
        message = f"scatters beyond {format_rate(MAX_RATE_KBPS)}: give it a `most`, or less `sigma`"
        yield Mistake(("relays", "bandwidth"), message)
    for name in _made(relays, networks).keys() & draft.raw.nodes.keys():
        yield Mistake(("nodes", name), "is what one of the `relays` is called: name it otherwise")


def left_out_with(made: Iterable[str], left_out: Collection[Path]) -> set[Path]:
    """What is not certain of nodes because something of `relays` was left out.

    `made` are their names, as far as they are known.
    """
    of_relays = [path for path in left_out if path[:1] == ("relays",)]
    of_node: dict[str | int, Path] = {key: (node_key,) for node_key, key in KEYS.items()}
    nodes: list[Path] = [("nodes", name) for name in made]
    found: set[Path] = {("nodes", ANY_NODE)} if of_relays else set()
    for _, *path in of_relays:
        if path:
            found |= {(*node, *of_node.get(path[0], path)) for node in nodes}
    return found


def as_written(mistakes: Iterable[Mistake], made: Collection[str]) -> Iterator[Mistake]:
    """Mistakes of nodes called as in `made` as what they are: each once, of `relays`."""
    told: set[Mistake] = set()
    for mistake in mistakes:
        match mistake.path:
            case ("nodes", str(name), *path) if name in made:
                of_relays = replace(
                    mistake,
                    path=("relays", *(_key(str(key)) for key in path[:1]), *path[1:]),
                    message=re.sub(r"(?<=`)\w+(?=`)", lambda word: _key(word[0]), mistake.message),
                )
                if of_relays not in told:
                    yield of_relays
                told.add(of_relays)
            case _:
                yield mistake


def _key(of_node: str) -> str:
    return KEYS.get(of_node, of_node)
