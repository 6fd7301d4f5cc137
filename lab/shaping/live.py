"""Show and change what links do while the lab runs; every change is read back."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from lab.engine.agent import AgentError
from lab.engine.client import connect
from lab.engine.discovery import find_lab
from lab.engine.execution import start_delay_line, start_reader
from lab.errors import LabError
from lab.events import LinkShaped, Listener, Noted, silent
from lab.interruption import undisturbed
from lab.lifecycle.ready import ReadyLab
from lab.shaping.borrowed import BorrowedLink, borrow, borrowed_in, forget, give_back
from lab.shaping.cap import Cap, LinkPoint, address_of, find_link, find_machine
from lab.shaping.helpers import DEADLINE_S, LinkHelpers, link_helpers
from lab.wire.faults import LinkFault
from lab.wire.links import (
    ChangeShape,
    Counters,
    LinksShown,
    SetShapes,
    ShapedSide,
    ShapesSet,
    ShowLinks,
)
from lab.wire.shape import Direction, Shape, ShapeChange

log = logging.getLogger(__name__)

_AT_ONCE = 12


@dataclass(frozen=True, slots=True)
class LinkState:
    """One direction of a link as the kernel has it now."""

    point: LinkPoint
    interface: str
    configured: Shape
    """What the topology wants."""
    in_force: Shape
    counters: Counters | None
    """None where nothing is shaped."""
    fault: LinkFault | None = None
    """What it loses on top of that on purpose; None where nothing."""


def show(
    lab: ReadyLab, node: str | None = None, network: str | None = None
) -> tuple[LinkState, ...]:
    """Both directions of every link, or of those of `node`, or of one; asked of the kernel."""
    by_machine: dict[str, list[LinkPoint]] = {}
    for point in points_of(lab, node, network):
        by_machine.setdefault(point.node, []).append(point)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        shown = pool.map(partial(_show_machine, lab), by_machine, by_machine.values())
        return tuple(state for states in shown for state in states)


def _show_machine(
    lab: ReadyLab, machine: str, points: Sequence[LinkPoint]
) -> tuple[LinkState, ...]:
    """The links of one machine."""
    addresses = tuple(dict.fromkeys(address_of(lab.topology, point) for point in points))
    with start_reader(lab.running, machine, lab.net_image, lab.owner) as reader:
        links = reader.ask(ShowLinks(addresses), LinksShown, DEADLINE_S).links
    by_address = dict(zip(addresses, links, strict=True))
    states = []
    for point in points:
        link = by_address[address_of(lab.topology, point)]
        now = link.side(point.direction)
        fault = now.fault if now.fault and now.fault.in_force else None
        states.append(
            LinkState(point, link.interface, configured(lab, point), now.shape, now.counters, fault)
        )
    return tuple(states)


def points_of(
    lab: ReadyLab, node: str | None = None, network: str | None = None
) -> tuple[LinkPoint, ...]:
    """Both directions of every link, or of those of `node`, or of its link to `network`."""
    topology = lab.topology
    if node is not None and network is not None:
        find_link(topology, node, network)
        links = [(topology.machine(node).name, network)]
    else:
        machines = [topology.machine(item.name) for item in topology.nodes if item.on is None]
        if node is not None:
            machines = [find_machine(topology, node)]
        links = [(machine.name, link.network) for machine in machines for link in machine.links]
    return tuple(LinkPoint(name, net, direction) for name, net in links for direction in Direction)


def configured(lab: ReadyLab, point: LinkPoint) -> Shape:
    """What the topology wants at `point`."""
    return find_link(lab.topology, point.node, point.network).shape(point.direction)


def change(lab: ReadyLab, point: LinkPoint, change: ShapeChange, tell: Listener = silent) -> Shape:
    """Change what `change` names and nothing else; the shape then in force.

    LabError where the kernel cannot, or has something else afterwards.
    """
    if change.takes_time:
        have_delay_line(lab, point)
    with link_helpers(lab, [point], may_change=True, tell=tell) as helpers:
        [machine] = helpers.by_machine([point])
        order = ChangeShape(helpers.side(point), change)
        was_set = helpers.ask(machine, order, ShapesSet)
        tell(_shaped(point, was_set.after[0]))
        return was_set.after[0]


def have_delay_line(lab: ReadyLab, point: LinkPoint) -> None:
    """Start a delay line beside the machine of `point` where none is; LabError where it cannot be.

    The one that the topology itself asks for has been there since the lab came up.
    """
    machine = lab.topology.machine(point.node).name
    if machine not in find_lab(connect(), lab.running.name).delay_lines:
        start_delay_line(lab.running, machine, lab.images["delay-line"])


def set_shapes(helpers: LinkHelpers, shapes: Mapping[LinkPoint, Shape]) -> dict[LinkPoint, Shape]:
    """Bring every point to its shape, each machine's at once; the shapes in force before.

    LabError where the kernel cannot, or has something else afterwards; then what was changed
    is put back.
    """
    for point, shape in shapes.items():
        if shape.takes_time:
            have_delay_line(helpers.lab, point)
    before: dict[LinkPoint, Shape] = {}
    try:
        for machine, points in helpers.by_machine(shapes).items():
            order = SetShapes(tuple(ShapedSide(helpers.side(p), shapes[p]) for p in points))
            was_set = helpers.ask(machine, order, ShapesSet)
            for point, old, new in zip(points, was_set.before, was_set.after, strict=True):
                before[point] = old
                helpers.tell(_shaped(point, new))
                if new != shapes[point]:
                    raise LabError(f"{point} was set to {shapes[point]}, but has {new}")
    except BaseException:
        if before:
            _put_back(helpers, before)
        raise
    return before


def _shaped(point: LinkPoint, shape: Shape) -> LinkShaped:
    return LinkShaped(point.node, point.network, str(point.direction), shape.rate_kbps, str(shape))


def reset(
    lab: ReadyLab,
    node: str | None = None,
    network: str | None = None,
    tell: Listener = silent,
) -> None:
    """Bring links back to what the topology wants."""
    points = points_of(lab, node, network)
    with link_helpers(lab, points, may_change=True, tell=tell) as helpers:
        set_shapes(helpers, {point: configured(lab, point) for point in points})


@contextmanager
def apply(helpers: LinkHelpers, caps: Sequence[Cap]) -> Iterator[None]:
    """Cap links while the block runs, as `shaped` does; the ways behind the caps stay."""
    before = helpers.in_force(cap.point for cap in caps)
    with shaped(helpers, {cap.point: cap.on(before[cap.point]) for cap in caps}):
        yield


@contextmanager
def shaped(helpers: LinkHelpers, shapes: Mapping[LinkPoint, Shape]) -> Iterator[None]:
    """Have links shaped so while the block runs; afterwards they are as they were before.

    They are noted as borrowed so long. LabError where the kernel cannot, or has something else
    afterwards.
    """
    lab = helpers.lab.running.name
    before = helpers.in_force(shapes)
    lent = [BorrowedLink(point, before[point], shape) for point, shape in shapes.items()]
    try:
        with undisturbed():
            borrow(lab, lent)
            set_shapes(helpers, shapes)
        yield
    finally:
        with undisturbed():
            if _put_back(helpers, before):
                give_back(lab, lent)


def put_back_borrowed(lab: ReadyLab, tell: Listener = silent) -> None:
    """Put back what a command that is gone has left changed, and say so.

    What has been changed since, by `lab link set` or because a node was started anew, stays as
    it is. Only for who has its turn in the lab: whoever else noted something is gone.
    """
    try:
        borrowed = borrowed_in(lab.running.name)
    except LabError as error:
        tell(Noted(f"{error.message}: {error.hint}"))
        forget(lab.running.name)
        return
    if borrowed is None:
        return
    points = dict.fromkeys(link.point for link in borrowed.links)
    with link_helpers(lab, points, may_change=True, tell=tell) as helpers:
        now = helpers.in_force(points)
        wanted: dict[LinkPoint, Shape] = {}
        for link in reversed(borrowed.links):
            if wanted.get(link.point, now[link.point]) == link.meanwhile:
                wanted[link.point] = link.before
        with undisturbed():
            # Also what is no other shape: a profile that voice meets there ends with it.
            set_shapes(helpers, wanted)
            forget(lab.running.name)
    if returned := {point: shape for point, shape in wanted.items() if shape != now[point]}:
        shapes = ", ".join(f"{point}: {shape}" for point, shape in returned.items())
        tell(Noted(f"links that {borrowed.by} had left changed are put back: {shapes}"))


def _put_back(helpers: LinkHelpers, shapes: Mapping[LinkPoint, Shape]) -> bool:
    """Whether they could be restored; a machine that has ended has taken its links along."""
    try:
        set_shapes(helpers, shapes)
    except AgentError as error:
        log.warning("links were not put back: %s", error.message)
        return False
    return True
