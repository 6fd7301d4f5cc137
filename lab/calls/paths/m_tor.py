"""M-Tor: a Mumble connection through Tor's SOCKS port, over exactly one circuit per call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

import numpy as np

from lab.calls.paths.base import VoicePath
from lab.calls.paths.circuit import pinned_circuit
from lab.calls.paths.mumble import murmur_of
from lab.calls.workspace import Workspace
from lab.engine.execution import start_network_helper
from lab.lifecycle.ready import ReadyLab
from lab.measure.bandwidth import Between
from lab.measure.capture import Capture, read_capture
from lab.measure.record import CallRecord
from lab.render.torrc import node_address
from lab.wire.barrier import BARRIER, CloseWays, WaysClosed
from lab.wire.ports import MUMBLE_PORT, SOCKS_PORT

BARRIER_DEADLINE_S = 20.0


@contextmanager
def open_path(lab: ReadyLab, record: CallRecord, workspace: Workspace) -> Iterator[VoicePath]:
    """Build the call's circuit; at the end read it back and look for voice that went past Tor.

    The caller's host has routes to the server, which direct calls need: here they are closed for
    the length of the call, so that nothing can go past Tor. Every M-Tor call is checked all the
    same: one packet between the caller and any address of Murmur's machine makes it invalid.
    """
    topology = lab.topology
    server = murmur_of(lab)
    (murmur,) = topology.with_role("mumble-server")
    machine = [link.address for link in topology.machine(murmur.name).links]
    with (
        no_way_past_tor(lab, machine),
        pinned_circuit(lab, record, workspace, f"{server}:{MUMBLE_PORT}") as relays,
    ):
        yield VoicePath(
            caller_address=lab.caller.links[0].address,
            tunnelled=False,
            next_hop=node_address(topology, topology.node(relays[0])),
            server_address=server,
            exit_machine=relays[-1],
            server_port=MUMBLE_PORT,
            client_connects=True,
            socks_port=SOCKS_PORT,
            pinged=False,
        )
    capture = read_capture(workspace.host / "access.pcap")
    if past := packets_between(capture, lab.caller.links[0].address, machine):
        record.invalid_reasons.append(f"{past} packets went to Murmur's machine past Tor")


@contextmanager
def no_way_past_tor(lab: ReadyLab, addresses: list[IPv4Address]) -> Iterator[None]:
    """While the block runs the caller's machine cannot reach these addresses by itself."""
    caller = lab.caller.name
    with start_network_helper(lab.running, caller, lab.net_image, BARRIER) as barrier:
        barrier.ask(CloseWays(tuple(addresses)), WaysClosed, BARRIER_DEADLINE_S)
        yield


def packets_between(capture: Capture, one: IPv4Address, others: list[IPv4Address]) -> int:
    """How many packets went between one address and any of the others, either way."""
    out, back = Between(frozenset({one}), frozenset(others)).directions(capture)
    return int(np.sum(out | back))
