"""What surrounds a call at its point: the cap on the shared link and the competing traffic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from lab.calls.observe.observer import Observer
from lab.calls.observe.shared_link import link_observer
from lab.events import Began, Listener
from lab.lifecycle.ready import ReadyLab
from lab.load.competing import competing
from lab.load.spec import LoadSpec
from lab.shaping.cap import Cap
from lab.shaping.helpers import link_helpers
from lab.shaping.live import apply
from lab.shaping.placement import locate
from lab.sweep.point import Point
from lab.tor.paths import path_of_call
from lab.wire.shape import DEFAULT_QUEUE_PACKETS, Queue

WATCHED = "server"
"""The placement whose link is watched during calls without a cap of their own."""

PACKETS_PER_SENDER = 3
ON_THE_CIRCUIT = ("relay", "exit")
"""Placements between two relays."""


@contextmanager
def conditions(
    lab: ReadyLab, point: Point, seed: int, tell: Listener
) -> Iterator[tuple[Observer, ...]]:
    """Cap the link and start the competing traffic of `point`; both end with the block.

    Yields what `make_call` needs to measure them during the call. `seed` chooses the circuit
    on which some placements lie. LabError where that is not possible in this lab.
    """
    circuit = path_of_call(lab.topology, seed)
    shared = locate(
        lab.topology,
        point.placement or WATCHED,
        towards_caller=point.direction == "to-caller",
        circuit=circuit,
    )
    with ExitStack() as stack:
        helpers = stack.enter_context(
            link_helpers(lab, [shared], may_change=point.rate_kbps is not None)
        )
        observers: list[Observer] = [link_observer(helpers, [shared])]
        if point.rate_kbps is not None:
            tell(Began("capping the shared link"))
            queue = Queue(limit=point.queue_packets or roomy_queue_packets(point.load_count))
            stack.enter_context(apply(helpers, [Cap(shared, point.rate_kbps, queue)]))
        if point.load_kind != "none":
            load = stack.enter_context(competing(lab, load_of(point, circuit), tell))
            observers.append(load.observe)
        yield tuple(observers)


def roomy_queue_packets(load_count: int) -> int:
    """A queue that drops nothing while every sender keeps two packets in it, as kernels do."""
    return max(DEFAULT_QUEUE_PACKETS, PACKETS_PER_SENDER * load_count)


def load_of(point: Point, circuit: tuple[str, ...]) -> LoadSpec:
    """The competing traffic of the point, in the direction of the voice that is scored.

    Where relays share a link with it, it crosses the same ones as the call, `circuit`.
    """
    return LoadSpec(
        kind=point.load_kind,
        count=point.load_count,
        route=point.load_through or "tor",
        direction="down" if point.direction == "to-caller" else "up",
        circuit=circuit if point.placement in ON_THE_CIRCUIT else (),
    )
