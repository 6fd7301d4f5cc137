"""Is every Tor of a lab of the version, and does it go by the settings, that were asked for?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from lab.engine.discovery import RunningLab
from lab.engine.execution import start_agent
from lab.errors import LabError
from lab.render.tor_options import tor_options, version_of
from lab.topology.model import Node, Topology
from lab.wire.tor_settings import TOR_SETTINGS, ReadSettings, SettingsAsked, SettingsInForce

CONSENSUS_DEADLINE_S = 30.0
"""A relay fetches the first consensus when it is told that there is one."""
ANSWER_TIMEOUT_S = CONSENSUS_DEADLINE_S + 15.0
MOST_TOLD = 4
"""Faults in one message: what is wrong with a consensus is so at every node."""
_AT_ONCE = 8


def tors_of(topology: Topology) -> tuple[Node, ...]:
    """The nodes that run a Tor."""
    return tuple(node for node in topology.nodes if node.tor_version is not None)


def asked_of(topology: Topology, node: Node) -> SettingsAsked:
    """What the topology wants of the node's Tor."""
    return SettingsAsked(
        version_of(node).series, tor_options(topology, node), topology.tor.consensus
    )


def read_tors(
    lab: RunningLab, topology: Topology, names: Iterable[str]
) -> Mapping[str, SettingsInForce | LabError]:
    """Node → what its Tor says of itself, or why it did not."""

    def read(name: str) -> SettingsInForce | LabError:
        options = tuple(tor_options(topology, topology.node(name)))
        try:
            with start_agent(lab, name, TOR_SETTINGS) as agent:
                order = ReadSettings(options, CONSENSUS_DEADLINE_S)
                return agent.ask(order, SettingsInForce, ANSWER_TIMEOUT_S)
        except LabError as error:
            return error

    wanted = tuple(names)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(read, wanted), strict=True))


def verify_tors(lab: RunningLab, topology: Topology) -> dict[str, SettingsInForce]:
    """Node → what its Tor says of itself; LabError with all that is not as asked, of any Tor."""
    found: dict[str, SettingsInForce] = {}
    faults: list[str] = []
    told = read_tors(lab, topology, (node.name for node in tors_of(topology)))
    for name, settings in told.items():
        if isinstance(settings, LabError):
            raise settings
        found[name] = settings
        faults += asked_of(topology, topology.node(name)).faults(name, settings)
    if faults:
        more = f"; and {len(faults) - MOST_TOLD} more" if len(faults) > MOST_TOLD else ""
        raise LabError(
            f"the Tor network is not what topology {topology.name} asks for: "
            f"{'; '.join(faults[:MOST_TOLD])}{more}",
            "`lab logs NODE` shows what a Tor says of its options.",
        )
    return found
