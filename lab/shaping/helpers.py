"""The helpers beside machines by which links are shown, changed and watched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from lab.engine.agent import Agent, EventT
from lab.engine.execution import start_network_helper, start_unprivileged_helper
from lab.events import Listener, silent
from lab.lifecycle.ready import ReadyLab
from lab.shaping.cap import LinkPoint, address_of
from lab.wire.links import LINKS, LinkSide, LinksShown, ShowLinks
from lab.wire.messages import Order
from lab.wire.shape import Shape

DEADLINE_S = 20.0


class LinkHelpers:
    """One running `lab.agents.net.links` beside every machine whose links are the matter."""

    def __init__(self, lab: ReadyLab, agents: Mapping[str, Agent], tell: Listener = silent) -> None:
        """`tell` hears of every change."""
        self.lab = lab
        self.tell = tell
        self._agents = agents

    def ask(self, machine: str, order: Order, kind: type[EventT]) -> EventT:
        """The answer of the helper beside `machine`; AgentError where it has none to give."""
        return self._agents[machine].ask(order, kind, DEADLINE_S)

    def by_machine(self, points: Iterable[LinkPoint]) -> dict[str, list[LinkPoint]]:
        """The points that each helper is asked about, in their order."""
        grouped: dict[str, list[LinkPoint]] = {}
        for point in points:
            grouped.setdefault(_machine(self.lab, point), []).append(point)
        return grouped

    def in_force(self, points: Iterable[LinkPoint]) -> dict[LinkPoint, Shape]:
        """What the kernel does at each point now; AgentError where a helper cannot tell."""
        found: dict[LinkPoint, Shape] = {}
        for machine, own in self.by_machine(points).items():
            sides = [self.side(point) for point in own]
            order = ShowLinks(tuple(side.address for side in sides))
            links = self.ask(machine, order, LinksShown).links
            for point, side, link in zip(own, sides, links, strict=True):
                found[point] = link.side(side.direction).shape
        return found

    def side(self, point: LinkPoint) -> LinkSide:
        """How orders name a point."""
        return LinkSide(address_of(self.lab.topology, point), point.direction)


@contextmanager
def link_helpers(
    lab: ReadyLab, points: Iterable[LinkPoint], *, may_change: bool, tell: Listener = silent
) -> Iterator[LinkHelpers]:
    """Helpers for the machines of `points`, started at once and side by side.

    Only where they `may_change` links do they have CAP_NET_ADMIN; `tell` hears of every change.
    """
    with ExitStack() as stack:
        agents = {
            machine: stack.enter_context(_start(lab, machine, may_change))
            for machine in dict.fromkeys(_machine(lab, point) for point in points)
        }
        try:
            yield LinkHelpers(lab, agents, tell)
        finally:
            for agent in agents.values():
                agent.end()


def _machine(lab: ReadyLab, point: LinkPoint) -> str:
    return lab.topology.machine(point.node).name


def _start(lab: ReadyLab, machine: str, may_change: bool) -> Agent:
    if may_change:
        return start_network_helper(lab.running, machine, lab.net_image, LINKS, tun=True)
    return start_unprivileged_helper(lab.running, machine, lab.net_image, lab.owner, LINKS)
