"""Is every Tor of a lab of the version, and does it go by the settings, that were asked for?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from lab.engine.discovery import RunningLab
from lab.engine.execution import start_agent
from lab.errors import LabError
from lab.render.tor_options import tor_options, version_of
from lab.topology.model import Node, Topology
from lab.wire.plain import ShapeError
from lab.wire.tor_settings import (
    SETTINGS_TOLD,
    TOR_SETTINGS,
    ReadSettings,
    SettingsAsked,
    SettingsInForce,
)

CONSENSUS_DEADLINE_S = 30.0
"""A relay fetches the first consensus when it is told that there is one."""
ANSWER_TIMEOUT_S = CONSENSUS_DEADLINE_S + 15.0
MOST_TOLD = 4
"""Faults in one message: what is wrong with a consensus is so at every node."""
LOGGED_DEADLINE_S = 15.0
LOGGED_POLL_S = 0.2
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


def settings_logged(log_text: str) -> SettingsInForce | None:
    """What a relay has told in its log of its Tor, last; None where it has not, or not readably."""
    for line in reversed(log_text.splitlines()):
        _, told, message = line.partition(SETTINGS_TOLD)
        if told:
            with suppress(ShapeError):
                event = TOR_SETTINGS.read_event(message)
                return event if isinstance(event, SettingsInForce) else None
    return None


def await_logged(
    relays: Sequence[str], log_of: Callable[[str], str], deadline_s: float = LOGGED_DEADLINE_S
) -> dict[str, SettingsInForce]:
    """Relay → what it has told in its log, of those that have before the deadline."""
    found: dict[str, SettingsInForce] = {}
    deadline = time.monotonic() + deadline_s
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while True:
            left = [relay for relay in relays if relay not in found]
            for relay, text in zip(left, pool.map(log_of, left), strict=True):
                if (settings := settings_logged(text)) is not None:
                    found[relay] = settings
            if len(found) == len(relays) or time.monotonic() > deadline:
                return found
            time.sleep(LOGGED_POLL_S)


def verify_tors(
    lab: RunningLab, topology: Topology, logged: Mapping[str, SettingsInForce]
) -> dict[str, SettingsInForce]:
    """Node → what its Tor says of itself; LabError with all that is not as asked, of any Tor.

    What is in `logged` is not asked again.
    """
    found: dict[str, SettingsInForce] = {}
    faults: list[str] = []
    names = [node.name for node in tors_of(topology)]
    told = {**logged, **read_tors(lab, topology, [name for name in names if name not in logged])}
    for name in names:
        settings = told[name]
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
