"""Captures, pings and watches during a call, beside both ends, the exit and the server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Self

from lab.calls.measuring_points import MeasuringPoint
from lab.calls.workspace import Workspace
from lab.engine.agent import Agent
from lab.engine.execution import start_probe
from lab.engine.host import clock_name
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes, PointNotes
from lab.measure.call.path import VoicePath
from lab.wire.probe import CapturePoint, EndObservation, Observe, Observed, Observing, Ping

START_DEADLINE_S = 20.0
STOP_DEADLINE_S = 20.0


class Probes:
    """A probe beside every machine on the path: both ends, the server, whoever has a point."""

    def __init__(
        self,
        lab: ReadyLab,
        points: Sequence[MeasuringPoint],
        path: VoicePath,
        workspace: Workspace,
    ) -> None:
        """Those of `points` that the path has."""
        self._lab = lab
        self._workspace = workspace
        self._callee = path.callee.node
        placed = (point.placing.load()(point, lab, path) for point in points)
        self._points = tuple(point for point in placed if point is not None)
        self._orders = _orders(lab, path, workspace, self._points)
        self._running = ExitStack()
        self._agents: list[Agent] = []
        self._observing: dict[str, Agent] = {}

    def __enter__(self) -> Self:
        """Start them all; they capture nothing yet."""
        lab, mounts = self._lab, {self._workspace.host: str(self._workspace.node)}
        with ExitStack() as starting:
            for node in self._orders:
                machine = lab.topology.machine(node).name
                probe = start_probe(lab.running, machine, lab.net_image, lab.owner, mounts)
                self._agents.append(starting.enter_context(probe))
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    @contextmanager
    def observing(self, notes: CallNotes) -> Iterator[None]:
        """Capture, ping and watch while the block runs; what was seen is in the notes after it.

        From when on nothing is missed, `await_start` tells.
        """
        notes.points = self._points
        # All nodes of a host run on one kernel, whose clock stamps every packet. Those on other
        # hosts than this one have another: who compares the hosts' clocks says so.
        notes.clocks = dict.fromkeys(self._orders, clock_name())
        for agent, order in zip(self._agents, self._orders.values(), strict=True):
            agent.send(order)
        try:
            yield
        finally:
            for agent in self._observing.values():
                agent.send(EndObservation())
            for machine, agent in self._observing.items():
                seen = agent.expect(Observed, STOP_DEADLINE_S)
                notes.captures = {**notes.captures, **seen.captures}
                if machine == self._callee:
                    notes.callee_ping = seen.ping
                else:
                    notes.ping = notes.ping or seen.ping
                notes.scheduling = notes.scheduling or seen.timer
                if seen.shapes is not None:
                    notes.shapes = {**notes.shapes, machine: seen.shapes}
                # They go while the next one is listened to.
                agent.end()

    def await_start(self) -> None:
        """Return when all that is captured from now on is kept; LabError where a capture fails."""
        for machine, agent in zip(self._orders, self._agents, strict=True):
            agent.expect(Observing, START_DEADLINE_S)
            self._observing[machine] = agent


def _orders(
    lab: ReadyLab, path: VoicePath, workspace: Workspace, points: Sequence[PointNotes]
) -> Mapping[str, Observe]:
    """Machine → what its probe is to do.

    The one beside the caller pings, and watches the host; beside a callee that is far from the
    server, on a way of its own, another pings.
    """
    ends = (path.caller, path.callee) if path.callee_leg else (path.caller,)
    pings = {end.node: Ping(end.address, lab.pbx_address) for end in ends if path.pinged}
    server = lab.topology.machine(path.server.node).name
    captures: dict[str, list[CapturePoint]] = {
        machine: [] for machine in (path.caller.node, path.callee.node, server)
    }
    for point in points:
        captures.setdefault(point.machine, []).append(
            CapturePoint(
                point.name,
                workspace.node / point.file,
                point.packet_filter,
                point.address,
                point.interface,
            )
        )
    orders = {}
    for machine, own in captures.items():
        links = {link.network: link.address for link in lab.topology.machine(machine).links}
        at_caller = machine == path.caller.node
        orders[machine] = Observe(tuple(own), pings.get(machine), at_caller, links)
    return orders
