"""What surrounds a call at its point: whatever is applied to the running lab for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.calls.observe.observer import Observer
from lab.calls.observe.replay import replay_observer
from lab.calls.observe.shared_link import link_observer
from lab.events import Began, Listener
from lab.lifecycle.ready import ReadyLab
from lab.load.competing import competing
from lab.load.spec import LoadSpec
from lab.measure.profile_file import read_profile
from lab.shaping.cap import Cap, LinkPoint
from lab.shaping.helpers import LinkHelpers, link_helpers
from lab.shaping.live import apply
from lab.shaping.placement import locate
from lab.shaping.replay import replaying
from lab.sweep.dimensions.direction import DIRECTION, TO_CALLER
from lab.sweep.dimensions.load import LOAD_COUNT, LOAD_KIND, LOAD_THROUGH, NONE
from lab.sweep.dimensions.placement import PLACEMENT, SERVER
from lab.sweep.dimensions.profile import PROFILE
from lab.sweep.dimensions.queue import QUEUE
from lab.sweep.dimensions.rate import RATE
from lab.sweep.point import Point, dimensions_of
from lab.tor.paths import path_of_call
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
    circuit = path_of_call(lab.topology, seed)
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
        scene = Scene(lab, point, circuit, shared, helpers, tell)
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
    with competing(scene.lab, load_of(scene.point, scene.circuit), scene.tell) as load:
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


def load_of(point: Point, circuit: tuple[str, ...]) -> LoadSpec:
    """The competing traffic of the point, in the direction of the voice that is scored.

    Where relays share a link with it, it crosses the same ones as the call, `circuit`.
    """
    through = point[LOAD_THROUGH]
    return LoadSpec(
        kind=point[LOAD_KIND],
        count=point[LOAD_COUNT],
        route=through or "tor",
        direction="down" if point[DIRECTION] == TO_CALLER else "up",
        circuit=circuit if point[PLACEMENT] in ON_THE_CIRCUIT else (),
    )
