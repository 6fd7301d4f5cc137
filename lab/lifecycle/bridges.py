"""Waiting for the bridges of a lab to take clients, before any client is looked at."""

from __future__ import annotations

import time

from docker import DockerClient

from lab.engine.discovery import RunningLab
from lab.engine.execution import start_agent
from lab.engine.waiting import WaitError, last_lines, refuse_ended_nodes
from lab.events import Began
from lab.lifecycle.stages import Stages
from lab.topology.model import Topology
from lab.wire.bridges import BRIDGE, BridgeSeen, ReadBridge

DEADLINE_S = 45.0
DEADLINE_PER_RELAY_S = 2.0
"""As for clients: a bridge waits for the same consensus."""
ANSWER_TIMEOUT_S = 10.0
POLL_S = 0.1
WATCH_EVERY_S = 1.0


def await_bridges(
    client: DockerClient, lab: RunningLab, topology: Topology, stages: Stages
) -> None:
    """Wait until every bridge takes clients by its transport; WaitError names what one lacks."""
    for bridge in topology.with_role("bridge"):
        began = time.monotonic()
        stages.tell(Began(f"bridge {bridge.name}"))
        deadline_s = DEADLINE_S + DEADLINE_PER_RELAY_S * len(topology.with_role("relay"))
        _await(client, lab, bridge.name, deadline_s)
        stages.note(
            f"Tor: bridge {bridge.name} takes clients ({bridge.transport})",
            began,
            time.monotonic(),
        )


def _await(client: DockerClient, lab: RunningLab, name: str, deadline_s: float) -> None:
    deadline = time.monotonic() + deadline_s
    next_watch = time.monotonic() + WATCH_EVERY_S
    with start_agent(lab, name, BRIDGE) as agent:
        while lack := agent.ask(ReadBridge(), BridgeSeen, ANSWER_TIMEOUT_S).lack:
            if time.monotonic() > deadline:
                lines = last_lines(client, lab.node(name))
                raise WaitError(
                    f"bridge {name} takes no clients after {deadline_s:.0f} s: {lack}",
                    "Its last lines:\n  " + "\n  ".join(lines),
                )
            if time.monotonic() > next_watch:
                refuse_ended_nodes(client, lab.name)
                next_watch = time.monotonic() + WATCH_EVERY_S
            time.sleep(POLL_S)
