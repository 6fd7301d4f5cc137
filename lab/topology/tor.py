"""What a topology asks of the private Tor network: which nodes run Tor, and what they agree on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lab.roles import ROLES
from lab.topology.mistakes import Mistake, quoted, some
from lab.tor_versions import TOR_VERSIONS

if TYPE_CHECKING:
    from lab.topology.draft import Draft
    from lab.topology.raw import RawNode, RawTor

PARAMETER_PATTERN = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"
"""What a parameter of the consensus may be called (dir-spec, "Keyword", and no longer)."""
LEAST_BANDWIDTH_KBPS = 615
"""What tor demands of a relay's BandwidthRate: 75 KiB/s (ROUTER_REQUIRED_MIN_BANDWIDTH)."""
CC_ALG = "cc_alg"
ALGORITHMS = {"fixed": 0, "vegas": 2}
"""Values of `cc_alg` (param-spec): without it Tor takes 0."""
CONFLUX_PARAMETERS = {"cfx_enabled": 1, "cfx_max_prebuilt_set": 1}
"""One set at a time, as there is one circuit at a time without Conflux."""
CONFLUX_RELAYS = 5
"""Two guards, two middles and one exit: the circuits of a set share no other relay."""
CONFLUX_HOPS = 3
CONFLUX_SINCE = (0, 4, 8)


def runs_tor(node: RawNode) -> bool:
    """Whether a Tor runs in the node: always, of roles that have no `tor` key to switch it on."""
    keys = ROLES.all[node.role].keys
    return "tor_version" in keys and ("tor" not in keys or node.tor)


def consensus_parameters(tor: RawTor) -> dict[str, int]:
    """The parameters that the authority votes for, in Tor's order: by name."""
    parameters = dict(tor.consensus)
    if tor.congestion_control is not None:
        parameters[CC_ALG] = ALGORITHMS[tor.congestion_control]
    if tor.conflux != "off":
        parameters = CONFLUX_PARAMETERS | parameters
    return dict(sorted(parameters.items()))


def check_tor(draft: Draft) -> Iterator[Mistake]:
    """Every mistake in what is asked of Tor, but for circuits."""
    tor = draft.raw.tor
    if CC_ALG in tor.consensus and tor.congestion_control is not None:
        message = "is what `congestion_control` sets: write one of both"
        yield Mistake(("tor", "consensus", CC_ALG), message)
    for name in tor.consensus:
        if not re.fullmatch(PARAMETER_PATTERN, name, re.ASCII):
            yield Mistake(("tor", "consensus", name), "is no name of a parameter of the consensus")
    for name, node in draft.raw.nodes.items():
        could = "tor_version" in ROLES.all[node.role].keys and not runs_tor(node)
        if node.tor_version is not None and could and draft.is_certain("nodes", name, "tor"):
            yield Mistake(("nodes", name, "tor_version"), "needs `tor: true`")
        rate, burst = node.bandwidth_rate, node.bandwidth_burst
        if rate is not None and rate < LEAST_BANDWIDTH_KBPS:
            message = f"is less than Tor takes for a relay, {LEAST_BANDWIDTH_KBPS}kbit"
            yield Mistake(("nodes", name, "bandwidth_rate"), message)
        if burst is not None and burst < (rate or burst + 1):
            lack = "needs a `bandwidth_rate`" if rate is None else "is less than `bandwidth_rate`"
            yield Mistake(("nodes", name, "bandwidth_burst"), lack)
    if tor.selection == "bandwidth":
        yield from _check_bandwidths(draft)
    if tor.conflux != "off":
        yield from _check_conflux(draft)


def _check_bandwidths(draft: Draft) -> Iterator[Mistake]:
    """Relays of which nothing says how they are to be weighed."""
    lacking = []
    for name in draft.with_role("relay"):
        node = draft.raw.nodes[name]
        capped = any(link and link.rate_kbps is not None for link in node.links.values())
        known = all(draft.is_certain("nodes", name, key) for key in ("bandwidth_rate", "links"))
        if node.bandwidth_rate is None and not capped and known:
            lacking.append(name)
    if lacking:
        who = some([quoted(name) for name in lacking])
        message = f"needs a bandwidth of {who}: give it a `bandwidth_rate`, or a "
        yield Mistake(("tor", "selection"), f"{message}`rate` of a link")


def _check_conflux(draft: Draft) -> Iterator[Mistake]:
    tor, place = draft.raw.tor, ("tor", "conflux")
    algorithm = tor.consensus.get(CC_ALG, ALGORITHMS.get(tor.congestion_control or "fixed"))
    if algorithm == ALGORITHMS["fixed"]:
        yield Mistake(place, "needs `congestion_control: vegas`: Tor has no Conflux without")
    if tor.circuit:
        message = "needs `circuit: []`: Tor builds the circuits of a set itself, over relays "
        yield Mistake(place, f"{message}that the seed has chosen")
    if tor.hops != CONFLUX_HOPS:
        message = f"is {tor.hops}, and Tor gives the circuits of a Conflux set {CONFLUX_HOPS}"
        yield Mistake(("tor", "hops"), message)
    relays = [name for name in draft.with_role("relay") if not draft.raw.nodes[name].authority]
    if len(relays) < CONFLUX_RELAYS and draft.is_certain("nodes", "*", "role"):
        message = f"needs {CONFLUX_RELAYS} relays beside the authority, for two circuits that "
        yield Mistake(place, f"{message}share only their exit, and there are {len(relays)}")
    too_old: dict[str, list[str]] = {}
    for name, node in draft.raw.nodes.items():
        if node.bridges:
            message = f"needs two guards, and {quoted(name)} enters by `bridges`"
            yield Mistake(place, message)
        version = TOR_VERSIONS[node.tor_version or tor.version]
        if runs_tor(node) and version.number < CONFLUX_SINCE:
            too_old.setdefault(version.name, []).append(name)
    for version_name, names in too_old.items():
        who = some([quoted(name) for name in names])
        message = f"is not known to the Tor of {who}, {version_name}"
        yield Mistake(place, message)
