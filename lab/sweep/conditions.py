"""What surrounds a call at its point: whatever is applied to the running lab for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.calls.needs import endpoint
from lab.calls.observe.observer import Observer
from lab.calls.observe.replay import replay_observer
from lab.calls.observe.shared_link import link_observer
from lab.ends import CLIENT
from lab.events import Began, Listener
from lab.faults.notation import parse_faults
from lab.faults.schedule import scheduled
from lab.lifecycle.ready import ReadyLab
from lab.load.competing import competing
from lab.load.kinds import LOAD_KINDS
from lab.load.spec import LoadSpec
from lab.measure.profile_file import read_profile
from lab.shaping.cap import Cap, LinkPoint
from lab.shaping.helpers import LinkHelpers, link_helpers
from lab.shaping.live import apply
from lab.shaping.placement import locate
from lab.shaping.replay import replaying
from lab.sweep.dimensions.direction import DIRECTION, TO_CALLER
from lab.sweep.dimensions.fault import FAULTS
from lab.sweep.dimensions.hops import HOPS
from lab.sweep.dimensions.load import LOAD_COUNT, LOAD_KIND, LOAD_THROUGH, NONE
from lab.sweep.dimensions.placement import PLACEMENT, SERVER
from lab.sweep.dimensions.profile import PROFILE
from lab.sweep.dimensions.queue import QUEUE
from lab.sweep.dimensions.rate import RATE
from lab.sweep.point import Point, dimensions_of
from lab.topology.model import Topology
from lab.tor.paths import entered, path_of_call, with_hops
from lab.wire.shape import DEFAULT_QUEUE_PACKETS, Queue

PACKETS_PER_SENDER = 3
ON_THE_CIRCUIT = ("relay", "exit")
"""Placements between two relays."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a dimension is applied around a call."""

    lab: ReadyLab
    point: Point
    circuit: tuple[str, ...]
    """The relays of the call, guard first."""
    seed: int
    """Of the call."""
    shared: LinkPoint
    """The link that is capped, and watched in any case."""
    helpers: LinkHelpers
    tell: Listener


@contextmanager
def conditions(
    lab: ReadyLab, point: Point, seed: int, tell: Listener
) -> Iterator[tuple[Observer, ...]]:
    """Apply to the lab what `point` wants around a call; it ends with the block.

    Yields what `make_call` needs to measure it during the call. `seed` chooses the circuit
    on which some placements lie. LabError where that is not possible in this lab.
    """
    relays = path_of_call(with_hops(lab.topology, point[HOPS]), seed)
    circuit = entered(relays, lab.caller, seed)
    shared = locate(
        lab.topology,
        point[PLACEMENT] or SERVER,
        towards_caller=point[DIRECTION] == TO_CALLER,
        circuit=circuit,
    )
    with ExitStack() as stack:
        helpers = stack.enter_context(
            link_helpers(lab, [shared], may_change=point[RATE] is not None, tell=tell)
        )
        scene = Scene(lab, point, circuit, seed, shared, helpers, tell)
        observers: list[Observer] = [link_observer(helpers, [shared])]
        for dimension in dimensions_of([point]):
            if dimension.around is not None:
                observer = stack.enter_context(dimension.around.load()(scene))
                observers += [observer] if observer else []
        yield tuple(observers)


@contextmanager
def capped(scene: Scene) -> Iterator[None]:
    """Cap the shared link, if the point has a rate."""
    point = scene.point
    rate_kbps = point[RATE]
    if rate_kbps is None:
        yield
        return
    scene.tell(Began("capping the shared link"))
    queue = Queue(limit=point[QUEUE] or roomy_queue_packets(point[LOAD_COUNT]))
    with apply(scene.helpers, [Cap(scene.shared, rate_kbps, queue)]):
        yield


def roomy_queue_packets(load_count: int) -> int:
    """A queue that drops nothing while every sender keeps two packets in it, as kernels do."""
    return max(DEFAULT_QUEUE_PACKETS, PACKETS_PER_SENDER * load_count)


@contextmanager
def loaded(scene: Scene) -> Iterator[Observer | None]:
    """Have the competing traffic, if the point has any."""
    if scene.point[LOAD_KIND] == NONE:
        yield None
        return
    circuit = competitors_circuit(scene.lab.topology, scene.circuit)
    with competing(scene.lab, load_of(scene.point, circuit, scene.seed), scene.tell) as load:
        yield load.observe


@contextmanager
def replayed(scene: Scene) -> Iterator[Observer | None]:
    """Have voice meet the point's profile, if it has one."""
    path = scene.point[PROFILE]
    if path is None:
        yield None
        return
    profile = read_profile(Path(path))
    scene.tell(Began("preparing the links to replay a profile"))
    with replaying(scene.lab, profile, scene.tell) as begin:
        yield replay_observer(scene.lab, profile, begin)


@contextmanager
def faulted(scene: Scene) -> Iterator[Observer | None]:
    """Have the point's faults at hand, if it has any: they begin with the call's voice."""
    text = scene.point[FAULTS]
    if text is None:
        yield None
        return
    scene.tell(Began("preparing what is to break"))
    with scheduled(scene.lab, parse_faults(text), scene.tell) as schedule:
        yield schedule.observe


def competitors_circuit(topology: Topology, circuit: tuple[str, ...]) -> tuple[str, ...]:
    """The call's circuit as the competing client can build it.

    One that has bridges enters by its own, and one that has none by a relay where the call enters
    by a bridge; the other relays are the call's.
    """
    client = endpoint(topology, CLIENT)
    bridges = client.bridges if client else ()
    by_bridge = topology.node(circuit[0]).role == "bridge"
    if circuit[0] in bridges or not (bridges or by_bridge):
        return circuit
    relays = (relay.name for relay in topology.circuit_relays if relay.name not in circuit)
    return (next(iter(bridges or relays), circuit[0]), *circuit[1:])


def load_of(point: Point, circuit: tuple[str, ...], seed: int) -> LoadSpec:
    """The competing traffic of the point, in the direction of the voice that is scored.

    Where relays share a link with it, it crosses the same ones as the call, `circuit`, unless it
    draws circuits of its own. `seed` is the call's.
    """
    kind, through = LOAD_KINDS.named(point[LOAD_KIND]), point[LOAD_THROUGH]
    shares_circuit = point[PLACEMENT] in ON_THE_CIRCUIT and not kind.own_circuits
    return LoadSpec(
        kind=kind.name,
        count=point[LOAD_COUNT],
        route=through or "tor",
        direction=kind.flow_for("down" if point[DIRECTION] == TO_CALLER else "up"),
        circuit=circuit if shares_circuit else (),
        seed=seed,
    )
