"""Captures and pings during a call, beside the caller, the callee and the exit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Address
from typing import Any

from lab.calls.paths.base import VoicePath
from lab.calls.workspace import Workspace
from lab.engine.agent import AgentError
from lab.engine.execution import start_probe
from lab.lifecycle.ready import ReadyLab
from lab.render.network import TUNNEL_DEVICE
from lab.topology.routes import link_towards

START_DEADLINE_S = 20.0
STOP_DEADLINE_S = 20.0
NO_PING = "not icmp"
"""The lab's own pings are no part of what a call costs, wherever they can be told apart."""


@dataclass(slots=True)
class Readings:
    """What the probes told when they were stopped."""

    captures: dict[str, dict[str, int | None]] = field(default_factory=dict)
    """Point → packets `captured` and `dropped` by the kernel."""
    ping: dict[str, Any] | None = None
    """`sent`, `received` and every `rtt_ms`."""
    timer: dict[str, float | None] | None = None
    """How late the host woke a process beside the caller, `p99_ms` and `max_ms`, and by how much
    its clock was set meanwhile, `clock_shift_ms`."""


@contextmanager
def probing(lab: ReadyLab, path: VoicePath, workspace: Workspace) -> Iterator[Readings]:
    """Capture at every point while the block runs; the readings are complete after it.

    LabError where a capture does not start.
    """
    readings = Readings()
    orders = _orders(lab, path, workspace)
    with ExitStack() as stack:
        agents = [
            stack.enter_context(
                start_probe(
                    lab.running,
                    machine,
                    lab.net_image,
                    lab.owner,
                    {workspace.host: str(workspace.node)},
                )
            )
            for machine in orders
        ]
        for agent, order in zip(agents, orders.values(), strict=True):
            agent.send(order)
        for agent in agents:
            started = agent.receive(START_DEADLINE_S)
            if "error" in started:
                raise AgentError(f"{agent.name}: {started['error']}")
        try:
            yield readings
        finally:
            for agent in agents:
                agent.send({"op": "stop"})
            for agent in agents:
                stopped = agent.receive(STOP_DEADLINE_S)
                readings.captures |= stopped["captures"]
                readings.ping = readings.ping or stopped["ping"]
                readings.timer = readings.timer or stopped["timer"]
                # They go while the next one is listened to.
                agent.end()
    (workspace.host / "probes.json").write_text(
        json.dumps(asdict(readings), indent=2), encoding="utf-8"
    )


def _orders(lab: ReadyLab, path: VoicePath, workspace: Workspace) -> dict[str, dict[str, Any]]:
    """Machine → what its probe is to do."""
    home = lab.caller.links[0].address
    office = lab.callee.links[0].address
    at_caller = [_capture("access", workspace, f"host {home} and {NO_PING}", address=home)]
    if path.tunnelled:
        at_caller.append(_capture("tunnel", workspace, NO_PING, interface=TUNNEL_DEVICE))
    exit_machine = lab.topology.node(path.exit_machine)
    at_exit = link_towards(lab.topology, exit_machine, path.server_address).address
    # Competing traffic of other hosts and to other servers goes the same way.
    own = f"tcp port {path.server_port}" if path.server_port else f"host {home}"
    what = f"host {path.server_address} and {own} and {NO_PING}"
    return {
        lab.caller.name: {
            "captures": at_caller,
            "ping": {"source": str(path.caller_address), "target": str(lab.pbx_address)}
            if path.pinged
            else None,
            "timer": True,
        },
        lab.callee.name: {
            "captures": [_capture("callee", workspace, f"host {office}", address=office)],
            "ping": None,
        },
        path.exit_machine: {
            "captures": [_capture("exit", workspace, what, address=at_exit)],
            "ping": None,
        },
    }


def _capture(
    point: str,
    workspace: Workspace,
    packet_filter: str,
    address: IPv4Address | None = None,
    interface: str | None = None,
) -> dict[str, Any]:
    return {
        "point": point,
        "file": str(workspace.node / f"{point}.pcap"),
        "filter": packet_filter,
        "address": str(address) if address else None,
        "interface": interface,
    }
