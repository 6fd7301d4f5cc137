"""Captures and pings during a call, beside the caller, the callee and the exit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Address

from lab.calls.paths.base import VoicePath
from lab.calls.workspace import Workspace
from lab.engine.execution import start_probe
from lab.lifecycle.ready import ReadyLab
from lab.render.network import TUNNEL_DEVICE
from lab.topology.routes import link_towards
from lab.wire.probe import (
    CaptureCounts,
    CapturePoint,
    EndObservation,
    Observe,
    Observed,
    Observing,
    Ping,
    RoundTrips,
    Scheduling,
)

START_DEADLINE_S = 20.0
STOP_DEADLINE_S = 20.0
NO_PING = "not icmp"
"""The lab's own pings are no part of what a call costs, wherever they can be told apart."""


@dataclass(slots=True)
class Readings:
    """What the probes told when they were stopped."""

    captures: dict[str, CaptureCounts] = field(default_factory=dict)
    """By point."""
    ping: RoundTrips | None = None
    timer: Scheduling | None = None
    """Of the host, beside the caller."""


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
            agent.expect(Observing, START_DEADLINE_S)
        try:
            yield readings
        finally:
            for agent in agents:
                agent.send(EndObservation())
            for agent in agents:
                seen = agent.expect(Observed, STOP_DEADLINE_S)
                readings.captures |= seen.captures
                readings.ping = readings.ping or seen.ping
                readings.timer = readings.timer or seen.timer
                # They go while the next one is listened to.
                agent.end()
    (workspace.host / "probes.json").write_text(
        json.dumps(asdict(readings), indent=2), encoding="utf-8"
    )


def _orders(lab: ReadyLab, path: VoicePath, workspace: Workspace) -> dict[str, Observe]:
    """Machine → what its probe is to do."""
    home = lab.caller.links[0].address
    office = lab.callee.links[0].address
    exit_machine = lab.topology.node(path.exit_machine)
    at_exit = link_towards(lab.topology, exit_machine, path.server_address).address
    # Competing traffic of other hosts and to other servers goes the same way.
    own = f"tcp port {path.server_port}" if path.server_port else f"host {home}"
    what = f"host {path.server_address} and {own} and {NO_PING}"

    def capture(
        point: str, packets: str, address: IPv4Address | None = None, interface: str | None = None
    ) -> CapturePoint:
        return CapturePoint(point, workspace.node / f"{point}.pcap", packets, address, interface)

    at_caller = [capture("access", f"host {home} and {NO_PING}", home)]
    if path.tunnelled:
        at_caller.append(capture("tunnel", NO_PING, interface=TUNNEL_DEVICE))
    ping = Ping(path.caller_address, lab.pbx_address) if path.pinged else None
    return {
        lab.caller.name: Observe(tuple(at_caller), ping, timer=True),
        lab.callee.name: Observe((capture("callee", f"host {office}", office),)),
        path.exit_machine: Observe((capture("exit", what, at_exit),)),
    }
