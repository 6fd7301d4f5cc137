"""Where in a running lab is captured: at a measuring point of calls, or at any node's interface."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from lab.calls.measuring_points import MeasuringPoint
from lab.calls.methods import METHODS, every_measuring_point
from lab.capturing.running_call import RunningCall
from lab.ends import BOTH, CALLEE, CALLER
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import PointNotes
from lab.measure.call.path import VoicePath
from lab.render.network import TUNNEL_DEVICE
from lab.roles import ROLES
from lab.topology.model import Node, Topology

LOOPBACK_DEVICE = "lo"
LIST = "`lab capture --list` tells where each is."


@dataclass(frozen=True, slots=True)
class Place:
    """One interface of one machine."""

    point: str
    """As it was asked for: `exit`, `relay2:hosting`."""
    machine: str
    """The node to whose network namespace it belongs."""
    network: str
    """The network that it is attached to; `tun0` and `lo` are attached to none."""
    address: IPv4Address | None
    """By which it is found; None where `network` is the interface's own name."""

    @property
    def interface(self) -> str | None:
        """Its name, where it is known beforehand."""
        return self.network if self.address is None else None

    def __str__(self) -> str:
        where = f"{self.machine}:{self.network}"
        return where if self.point == where else f"{self.point} ({where})"


def find_place(lab: ReadyLab, asked: str, call: RunningCall | None) -> Place:
    """What `asked` means: a measuring point while that `call` is under way, or NODE[:NETWORK].

    LabError where there is no such place, or none at this moment.
    """
    for point in every_measuring_point():
        if point.name == asked:
            return place_of(lab, point, call)
    name, _, network = asked.partition(":")
    nodes = {node.name: node for node in lab.topology.nodes}
    if name not in nodes:
        points = ", ".join(point.name for point in every_measuring_point())
        raise LabError(
            f"lab {lab.running.name} has neither a point nor a node called {name}",
            f"Its nodes: {', '.join(sorted(nodes))}. Points: {points}. {LIST}",
        )
    there = places_of(lab.topology, nodes[name])
    if network:
        for place in there:
            if place.network == network:
                return place
        raise LabError(
            f"{name} is not on a network called {network}",
            f"It has {_either(there)}.",
        )
    links = [place for place in there if place.address is not None]
    if len(links) == 1:
        return links[0]
    raise LabError(f"{name} has several interfaces", f"Say which one: {_either(there)}.")


def places_of(topology: Topology, node: Node) -> list[Place]:
    """Every interface of the machine on which a node runs; its loopback is the last."""
    machine = topology.machine(node.name)
    found = [
        Place(f"{node.name}:{link.network}", machine.name, link.network, link.address)
        for link in machine.links
    ]
    devices = [TUNNEL_DEVICE] if ROLES.all[machine.role].tunnel(topology, machine) else []
    found += [
        Place(f"{node.name}:{device}", machine.name, device, None)
        for device in (*devices, LOOPBACK_DEVICE)
    ]
    return found


def place_of(lab: ReadyLab, point: MeasuringPoint, call: RunningCall | None) -> Place:
    """Where a measuring point is: always the same place, or that of the `call` under way.

    LabError where this topology has no such place, or the call has not, or not yet.
    """
    paths = _path_of_call(lab, point, call) if point.follows_call else _paths_with(lab, point)
    for path in paths:
        notes = point.placing.load()(point, lab, path)
        if notes is not None:
            return _place(lab.topology, notes)
    what = f"call {call.call_id}" if call and point.follows_call else f"lab {lab.running.name}"
    raise LabError(f"{what} has no point {point.name}, {point.where}", LIST)


def _paths_with(lab: ReadyLab, point: MeasuringPoint) -> Iterator[VoicePath]:
    """A path of each method that the topology can carry and that has the point."""
    for method in METHODS:
        for variant in method.variants:
            if point in variant.points and all(need.met(lab.topology) for need in variant.needs):
                # A topology may have too few relays for it.
                with suppress(LabError):
                    yield variant.way.load().plan(lab, 0)


def _path_of_call(
    lab: ReadyLab, point: MeasuringPoint, call: RunningCall | None
) -> Iterator[VoicePath]:
    """The path of the call under way; LabError where none is, or its circuit is not open yet."""
    if call is None:
        raise LabError(
            f"where {point.name} is depends on the call, "
            f"and none is under way in lab {lab.running.name}",
            f"Make one, or name a node and a network, such as {_last_link(lab.topology)}.",
        )
    method = METHODS.named(call.method)
    if CALLEE in call.circuits:
        method = method.hiding(BOTH)
    if point not in method.points:
        # Whom it hides is seen when its circuits are open.
        if method.both_hidden and point in method.both_hidden.points and not call.circuits:
            raise _no_circuit_yet(call)
        return
    path = method.way.load().plan(lab, 0)
    # The call's own relays, in the place of those that this seed would have.
    if path.circuit:
        path = replace(path, exit_machine=_exit(call, CALLER))
    if path.callee_leg:
        leg = replace(path.callee_leg, exit_machine=_exit(call, CALLEE))
        path = replace(path, callee_leg=leg)
    yield path


def _exit(call: RunningCall, end: str) -> str:
    if end not in call.circuits:
        raise _no_circuit_yet(call)
    return call.circuits[end][-1]


def _no_circuit_yet(call: RunningCall) -> LabError:
    return LabError(f"call {call.call_id} has not opened its circuit yet", "Try again in a moment.")


def _place(topology: Topology, notes: PointNotes) -> Place:
    """The interface at which a call's own capture would run."""
    machine = topology.machine(notes.machine)
    for place in places_of(topology, machine):
        if place.address is not None and place.address == notes.address:
            return replace(place, point=notes.name)
    return Place(notes.name, machine.name, notes.interface or LOOPBACK_DEVICE, None)


def _last_link(topology: Topology) -> str:
    relay = topology.circuit_relays[-1].name
    return f"{relay}:{topology.machine(relay).links[-1].network}"


def _either(places: list[Place]) -> str:
    return ", ".join(place.point for place in places)
