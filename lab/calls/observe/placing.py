"""Where measuring points are on a path: machine, interface, filter, and which packets count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address

from lab.calls.measuring_points import MeasuringPoint
from lab.calls.paths.base import LOOPBACK
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import Counted, PointNotes
from lab.measure.call.path import EndNotes, Hop, VoicePath
from lab.render.network import PATHS_DEVICE, TUNNEL_DEVICE
from lab.render.torrc import node_address
from lab.topology.model import Node, Topology
from lab.topology.routes import link_towards
from lab.wire.ports import OR_PORT

NO_PING = "not icmp"
"""The lab's own pings are no part of what a call costs, wherever they can be told apart."""


def access(point: MeasuringPoint, _lab: ReadyLab, path: VoicePath) -> PointNotes:
    """The caller's own link: what it exchanges with the first hop.

    With anyone, where tor chooses that one.
    """
    # A Conflux set has two guards, and so may several circuits have.
    guards = {relays[0] for relays in path.paths}
    firsts = () if path.onion else path.hops[: 2 if path.linked else 1]
    firsts = tuple(hop for hop in path.hops if hop.node in guards) or firsts
    return _own_link(point, path.caller, firsts, near_is_caller=True)


def callee_access(point: MeasuringPoint, _lab: ReadyLab, path: VoicePath) -> PointNotes | None:
    """The same of a callee that has a first hop; None where it has none."""
    if path.callee_leg is None:
        return None
    return _own_link(point, path.callee, path.callee_leg.hops[:1], near_is_caller=False)


def _own_link(
    point: MeasuringPoint, end: EndNotes, firsts: Sequence[Hop], *, near_is_caller: bool
) -> PointNotes:
    return PointNotes(
        name=point.name,
        machine=end.node,
        file=_file(point),
        packet_filter=f"host {end.home} and {NO_PING}",
        address=end.home,
        counted=Counted(
            end.home,
            firsts[0].address if firsts else None,
            near_is_caller,
            levels=point.levels,
            also_far=tuple(hop.address for hop in firsts[1:]),
        ),
    )


def tunnel(point: MeasuringPoint, _lab: ReadyLab, path: VoicePath) -> PointNotes:
    """The caller's tunnel device: the call before it is encrypted."""
    return _tunnel_device(point, path.caller, near_is_caller=True)


def callee_tunnel(point: MeasuringPoint, _lab: ReadyLab, path: VoicePath) -> PointNotes | None:
    """The callee's; None where it has none."""
    if not path.callee.tunnelled:
        return None
    return _tunnel_device(point, path.callee, near_is_caller=False)


def _tunnel_device(point: MeasuringPoint, end: EndNotes, *, near_is_caller: bool) -> PointNotes:
    return PointNotes(
        name=point.name,
        machine=end.node,
        file=_file(point),
        packet_filter=NO_PING,
        interface=TUNNEL_DEVICE,
        counted=Counted(end.address, None, near_is_caller, levels=point.levels),
    )


def last_hop(point: MeasuringPoint, lab: ReadyLab, path: VoicePath) -> PointNotes | None:
    """The last link before the server, in front of whom an exit relay or the caller speaks.

    None where the caller's own link is that one, and where the callee's connection leaves from
    the same relay, so that nothing tells the two apart.

    Competing traffic of other hosts and to other servers goes the same way. A Mumble client
    opens its connection while captures run; its competitors did so before.
    """
    if path.exit_machine is None or path.one_exit:
        return None
    own = f"tcp port {path.server_port}" if path.server_port else f"host {path.caller.home}"
    if path.paths:
        return _at_server(point, lab, path, own)
    notes = _at_exit(point, lab, path, path.exit_machine, own, near_is_caller=False)
    if path.callee_leg is None:
        return notes
    return _from_exit_alone(notes)


def callee_last_hop(point: MeasuringPoint, lab: ReadyLab, path: VoicePath) -> PointNotes | None:
    """The same of an anonymous callee, in front of whose server its own exit relay speaks."""
    if path.callee_leg is None or path.one_exit:
        return None
    exit_machine, own = path.callee_leg.exit_machine, f"tcp port {path.server_port}"
    return _from_exit_alone(_at_exit(point, lab, path, exit_machine, own, near_is_caller=True))


def _at_server(point: MeasuringPoint, lab: ReadyLab, path: VoicePath, own: str) -> PointNotes:
    """Where several exits send to the server: at its own link, where all of it comes by."""
    server = path.server.address
    return PointNotes(
        name=point.name,
        machine=lab.topology.machine(path.server.node).name,
        file=_file(point),
        packet_filter=f"host {server} and {own} and {NO_PING}",
        address=server,
        counted=Counted(server, None, near_is_caller=False, levels=point.levels),
    )


def _at_exit(
    point: MeasuringPoint,
    lab: ReadyLab,
    path: VoicePath,
    exit_machine: str,
    own: str,
    *,
    near_is_caller: bool,
) -> PointNotes:
    """Where `exit_machine` sends to the server; `own` are the call's packets in tcpdump's words."""
    server = path.server.address
    machine = lab.topology.node(exit_machine)
    return PointNotes(
        name=point.name,
        machine=machine.name,
        file=_file(point),
        packet_filter=f"host {server} and {own} and {NO_PING}",
        address=link_towards(lab.topology, machine, server).address,
        counted=Counted(
            server, None, near_is_caller, levels=point.levels, begun_only=path.client_connects
        ),
    )


def service(point: MeasuringPoint, lab: ReadyLab, path: VoicePath) -> PointNotes | None:
    """The link from which the onion service's tor speaks to relays.

    None where that is not one and the same for all of them.
    """
    assert path.onion
    topology = lab.topology
    machine = topology.machine(path.onion.service)
    relays = (node_address(topology, topology.node(relay)) for relay in path.onion.relays)
    links = {link_towards(topology, machine, relay) for relay in relays}
    if len(links) != 1:
        return None
    (link,) = links
    return PointNotes(
        name=point.name,
        machine=machine.name,
        file=_file(point),
        packet_filter=f"host {link.address} and tcp port {OR_PORT}",
        address=link.address,
        counted=Counted(link.address, None, near_is_caller=False, levels=point.levels),
    )


def _from_exit_alone(notes: PointNotes) -> PointNotes:
    """Without what the other end's exit relay sends to the same server over the same link."""
    assert notes.counted
    return replace(
        notes,
        packet_filter=f"{notes.packet_filter} and host {notes.address}",
        counted=replace(notes.counted, far=notes.address),
    )


def callee(point: MeasuringPoint, _lab: ReadyLab, path: VoicePath) -> PointNotes:
    """The callee's own link, or loopback in its place: what it sent and received."""
    office = path.callee.home
    return PointNotes(
        name=point.name,
        machine=path.callee.node,
        file=_file(point),
        packet_filter=f"host {office}",
        address=office,
    )


def pbx_caller_leg(point: MeasuringPoint, lab: ReadyLab, path: VoicePath) -> PointNotes:
    """What the PBX exchanges with the caller, at its own machine."""
    return _pbx_leg(point, lab, path.caller, PATHS_DEVICE if path.paths else TUNNEL_DEVICE)


def pbx_callee_leg(point: MeasuringPoint, lab: ReadyLab, path: VoicePath) -> PointNotes:
    """What the PBX exchanges with the callee, at its own machine."""
    return _pbx_leg(point, lab, path.callee, TUNNEL_DEVICE)


def _pbx_leg(point: MeasuringPoint, lab: ReadyLab, end: EndNotes, tunnel: str) -> PointNotes:
    """Where one end's voice comes to the PBX's machine and leaves it: tunnel, link or loopback."""
    topology = lab.topology
    (pbx,) = topology.with_role("pbx")
    machine = topology.machine(pbx.name)
    address, interface = None, None
    if not end.tunnelled:
        address = _interface_towards(topology, machine, end.home)
    elif topology.machine(lab.vpn_server.name) == machine:
        interface = tunnel
    else:
        address = _interface_towards(topology, machine, lab.vpn_server.links[0].address)
    return PointNotes(
        name=point.name,
        machine=machine.name,
        file=_file(point),
        packet_filter=f"udp and host {end.address} and host {lab.pbx_address}",
        address=address,
        interface=interface,
    )


def _interface_towards(topology: Topology, machine: Node, address: IPv4Address) -> IPv4Address:
    """The machine's own address on the interface over which it sends there."""
    own = {link.address for link in machine.links}
    if address.is_loopback or address in own:
        return LOOPBACK
    return link_towards(topology, machine, address).address


def _file(point: MeasuringPoint) -> str:
    return f"{point.name}.pcap"
