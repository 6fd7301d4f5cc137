"""Where measuring points are on a path: machine, interface, filter, and which packets count."""

from __future__ import annotations

from lab.calls.measuring_points import MeasuringPoint
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import Counted, PointNotes, VoicePath
from lab.render.network import TUNNEL_DEVICE
from lab.topology.routes import link_towards

NO_PING = "not icmp"
"""The lab's own pings are no part of what a call costs, wherever they can be told apart."""


def access(point: MeasuringPoint, _lab: ReadyLab, path: VoicePath) -> PointNotes:
    """The caller's own link: what it exchanges with the first hop."""
    home = path.caller.home
    return PointNotes(
        name=point.name,
        machine=path.caller.node,
        file=_file(point),
        packet_filter=f"host {home} and {NO_PING}",
        address=home,
        counted=Counted(home, path.hops[0].address, near_is_caller=True, levels=point.levels),
    )


def tunnel(point: MeasuringPoint, _lab: ReadyLab, path: VoicePath) -> PointNotes:
    """The caller's tunnel device: the call before it is encrypted."""
    return PointNotes(
        name=point.name,
        machine=path.caller.node,
        file=_file(point),
        packet_filter=NO_PING,
        interface=TUNNEL_DEVICE,
        counted=Counted(path.caller.address, None, near_is_caller=True, levels=point.levels),
    )


def last_hop(point: MeasuringPoint, lab: ReadyLab, path: VoicePath) -> PointNotes | None:
    """The last link before the server, in front of whom an exit relay or the caller speaks.

    None where the caller's own link is that one.

    Competing traffic of other hosts and to other servers goes the same way. A Mumble client
    opens its connection while captures run; its competitors did so before.
    """
    if path.exit_machine is None:
        return None
    server = path.server.address
    machine = lab.topology.node(path.exit_machine)
    own = f"tcp port {path.server_port}" if path.server_port else f"host {path.caller.home}"
    return PointNotes(
        name=point.name,
        machine=machine.name,
        file=_file(point),
        packet_filter=f"host {server} and {own} and {NO_PING}",
        address=link_towards(lab.topology, machine, server).address,
        counted=Counted(
            server,
            None,
            near_is_caller=False,
            levels=point.levels,
            begun_only=path.client_connects,
        ),
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


def _file(point: MeasuringPoint) -> str:
    return f"{point.name}.pcap"
