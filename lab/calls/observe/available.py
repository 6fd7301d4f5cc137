"""What bandwidth a call's own way has left, measured by iperf3 through it when the call is over."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address

from lab.calls.paths.base import tor_client
from lab.calls.paths.circuit import PinnedCircuit
from lab.engine.agent import Agent
from lab.engine.execution import start_unprivileged_helper
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import VoicePath
from lab.measure.call.watches import AvailableWatch
from lab.wire.bandwidth import (
    BANDWIDTH,
    BandwidthMeasured,
    BandwidthServed,
    MeasureBandwidth,
    ServeBandwidth,
)
from lab.wire.ports import BANDWIDTH_PORT

OMIT_S, TIME_S = 2, 5
SERVE_DEADLINE_S = 30.0
MEASURE_DEADLINE_S = 75.0
"""Longer than the program beside the caller waits for iperf3 itself."""


def note_available(
    lab: ReadyLab, path: VoicePath, circuits: Sequence[PinnedCircuit], notes: CallNotes
) -> None:
    """Measure it, first towards the caller and then from it, or note why that failed.

    The path is still open. What its circuits carried is read back first, so that none of this is
    in what is known of the call; LabError where that fails.
    """
    for circuit in reversed(circuits):
        circuit.read_back()
    try:
        notes.available = _measured(lab, path, circuits, notes.call_id)
    except LabError as error:
        notes.available = AvailableWatch(reason=error.message)


def server_address(lab: ReadyLab, path: VoicePath) -> IPv4Address:
    """The server's, where the call's own way leads: inside the tunnel, for a call that has one."""
    return lab.topology.vpn.server if path.caller.tunnelled else path.server.address


def measurement(lab: ReadyLab, path: VoicePath, call_id: str, *, down: bool) -> MeasureBandwidth:
    """What is measured beside the caller."""
    proxy = tor_client(path.socks_port, call_id)
    return MeasureBandwidth(
        server_address(lab, path),
        BANDWIDTH_PORT,
        down=down,
        omit_s=OMIT_S,
        time_s=TIME_S,
        source=None if proxy else path.caller.address,
        proxy=proxy,
    )


def _beside(lab: ReadyLab, node: str) -> Agent:
    machine = lab.topology.machine(node).name
    return start_unprivileged_helper(lab.running, machine, lab.net_image, lab.owner, BANDWIDTH)


def _measured(
    lab: ReadyLab, path: VoicePath, circuits: Sequence[PinnedCircuit], call_id: str
) -> AvailableWatch:
    with _beside(lab, path.server.node) as at_server, _beside(lab, path.caller.node) as at_caller:
        found: list[BandwidthMeasured] = []
        reason = None
        try:
            for down in (True, False):
                serve = ServeBandwidth(server_address(lab, path), BANDWIDTH_PORT)
                at_server.ask(serve, BandwidthServed, SERVE_DEADLINE_S)
                order = measurement(lab, path, call_id, down=down)
                found.append(at_caller.ask(order, BandwidthMeasured, MEASURE_DEADLINE_S))
        except LabError as error:
            # What was found one way holds, though the circuit was too slow the other way.
            reason = error.message
        for agent in (at_caller, at_server):
            # They end side by side.
            agent.end()
        state = circuits[0].state() if circuits and found else None
    towards, away = [*(each.kbps for each in found), None, None][:2]
    program = found[0].program if found else None
    return AvailableWatch(towards, away, program, reason, state)
