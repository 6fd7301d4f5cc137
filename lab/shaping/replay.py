"""Sending a call's voice through what a profile says, on the links of both ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from lab.ends import CALLEE, CALLER
from lab.events import Listener, silent
from lab.lifecycle.ready import ReadyLab
from lab.measure.profile import Profile, VoiceWay
from lab.render.pbx import pbx_address
from lab.shaping.cap import LinkPoint
from lab.shaping.helpers import LinkHelpers, link_helpers
from lab.shaping.live import shaped
from lab.topology.model import Node, Topology
from lab.topology.routes import link_towards
from lab.wire.links import SetProfile, ShapesSet
from lab.wire.shape import Shape

LEAST_DELAY_MS = 0.001
"""Of what is not voice: a direction that takes no time has no profile."""


def replay_points(topology: Topology) -> tuple[LinkPoint, LinkPoint]:
    """Where voice to the callee meets a profile, and voice to the caller: the senders' own links.

    An end on the PBX's machine has voice leave that for the other end.
    """
    caller, callee = topology.machine(CALLER), topology.machine(CALLEE)
    return _way_out(topology, caller, callee), _way_out(topology, callee, caller)


def _way_out(topology: Topology, machine: Node, other: Node) -> LinkPoint:
    server = pbx_address(topology)
    own = any(link.address == server for link in machine.links)
    link = link_towards(topology, machine, other.links[0].address if own else server)
    return LinkPoint(machine.name, link.network)


@contextmanager
def replaying(
    lab: ReadyLab, profile: Profile, tell: Listener = silent
) -> Iterator[Callable[[], None]]:
    """Have both ends' links ready for a profile while the block runs, and then as before.

    They take the median of their direction, instead of what time they took, and keep their caps.
    What is yielded begins the profile: voice meets it from its next packet on. LabError where a
    link cannot take time.
    """
    to_callee, to_caller = replay_points(lab.topology)
    ways = {to_callee: profile.to_callee, to_caller: profile.to_caller}
    with link_helpers(lab, ways, may_change=True, tell=tell) as helpers:
        before = helpers.in_force(ways)
        shapes = {point: _shape(before[point], way) for point, way in ways.items()}
        with shaped(helpers, shapes):
            yield lambda: _begin(helpers, ways)


def _shape(before: Shape, way: VoiceWay) -> Shape:
    """What the link is to do to all that is not voice."""
    delay_ms = max(round(way.percentile_ms(50), 3), LEAST_DELAY_MS)
    return Shape(before.rate_kbps, before.queue, delay_ms=delay_ms)


def _begin(helpers: LinkHelpers, ways: Mapping[LinkPoint, VoiceWay]) -> None:
    for machine, points in helpers.by_machine(ways).items():
        for point in points:
            order = SetProfile(helpers.side(point), ways[point].at_us, ways[point].takes_us)
            helpers.ask(machine, order, ShapesSet)
