"""M-Tor: a Mumble connection through Tor's SOCKS port, over exactly one circuit per call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address

from lab.calls.paths.base import Way, callee_end, caller_end, relay_hops
from lab.calls.paths.circuit import PinnedCircuit, pinned_circuit
from lab.calls.paths.mumble import murmur_hop
from lab.calls.workspace import Workspace
from lab.ends import CALLER
from lab.engine.execution import start_network_helper
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import Hop, VoicePath
from lab.tor.paths import entered, path_of_call
from lab.wire.barrier import BARRIER, CloseWays, WaysClosed
from lab.wire.ports import MUMBLE_PORT, SOCKS_PORT

BARRIER_DEADLINE_S = 20.0


def plan_path(lab: ReadyLab, seed: int) -> VoicePath:
    """Over the call's circuit to Murmur, and by no other way."""
    return through_tor(lab, seed, murmur_hop(lab), MUMBLE_PORT)


def through_tor(lab: ReadyLab, seed: int, server: Hop, port: int) -> VoicePath:
    """Over the call's circuit to a TCP port of `server`, and by no other way.

    The caller's host has routes to the server, which direct calls need. Every such call is
    checked: one packet between the caller and any address of the server's machine makes it
    invalid.
    """
    relays = entered(path_of_call(lab.topology, seed), lab.caller, seed)
    machine = lab.topology.machine(server.node)
    return VoicePath(
        caller=caller_end(lab),
        callee=callee_end(lab),
        hops=(*relay_hops(lab, relays), server),
        server=server,
        exit_machine=relays[-1],
        server_port=port,
        client_connects=True,
        socks_port=SOCKS_PORT,
        pinged=False,
        circuit=relays,
        linked=lab.topology.tor.conflux != "off",
        closed=tuple(link.address for link in machine.links),
    )


@contextmanager
def open_path(
    lab: ReadyLab, path: VoicePath, notes: CallNotes, _workspace: Workspace
) -> Iterator[Sequence[PinnedCircuit]]:
    """Close the ways past Tor and build the call's circuit; at the end read it back.

    LabError where it cannot be built.
    """
    with no_way_past_tor(lab, path.closed), pinned_circuit(lab, path, notes) as circuit:
        yield (circuit,)


@contextmanager
def no_way_past_tor(
    lab: ReadyLab, addresses: Sequence[IPv4Address], end: str = CALLER
) -> Iterator[None]:
    """While the block runs the machine of that end cannot reach these addresses by itself."""
    with start_network_helper(lab.running, end, lab.net_image, BARRIER) as barrier:
        barrier.ask(CloseWays(tuple(addresses)), WaysClosed, BARRIER_DEADLINE_S)
        yield


WAY = Way(plan_path, open_path)
