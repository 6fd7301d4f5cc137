"""What the delay lines on a call's way were asked and did, while its ends talked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Self

from lab.engine.agent import Agent, AgentError
from lab.engine.client import connect
from lab.engine.discovery import find_lab
from lab.engine.execution import start_reader
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes, VoicePath
from lab.measure.call.watches import DelayWatch
from lab.wire.links import LinksShown, ShowLinks, SideInForce
from lab.wire.shape import Direction

DEADLINE_S = 20.0

Sides = Mapping[str, SideInForce]
"""By point, node/network/direction: those that take time."""


class DelayReaders:
    """A reader in every machine on the path that has a delay line, at rest while ends talk."""

    def __init__(self, lab: ReadyLab, path: VoicePath) -> None:
        self._lab = lab
        self._machines = machines_of(lab, path)
        self._agents: dict[str, Agent] = {}
        self._running = ExitStack()

    def __enter__(self) -> Self:
        """Start them; LabError where the lab is gone."""
        lab = self._lab
        # One may have come since the lab was opened: a link that was given a delay.
        lines = find_lab(connect(), lab.running.name).delay_lines
        with ExitStack() as starting:
            for machine in self._machines:
                if machine in lines:
                    reader = start_reader(lab.running, machine, lab.net_image, lab.owner)
                    self._agents[machine] = starting.enter_context(reader)
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        for agent in self._agents.values():
            agent.end()
        self._running.close()

    @contextmanager
    def reading(self, notes: CallNotes) -> Iterator[None]:
        """Read before and after the block; what was read is in the notes after it.

        LabError where a delay line does not answer before it.
        """
        self._ask()
        before: dict[str, SideInForce] = {}
        for machine in self._agents:
            before |= self._answer(machine)
        try:
            yield
        finally:
            self._ask()
            after: dict[str, SideInForce] = {}
            for machine in self._agents:
                # Where a delay line or its machine has ended, there is nothing to read.
                with suppress(AgentError):
                    after |= self._answer(machine)
            notes.delays = tuple(_watches(before, after))

    def _ask(self) -> None:
        for machine, agent in self._agents.items():
            links = self._lab.topology.node(machine).links
            # Who has ended says so when listened to.
            with suppress(AgentError):
                agent.send(ShowLinks(tuple(link.address for link in links)))

    def _answer(self, machine: str) -> Sides:
        shown = self._agents[machine].expect(LinksShown, DEADLINE_S).links
        links = self._lab.topology.node(machine).links
        return {
            f"{machine}/{link.network}/{direction}": found.side(direction)
            for link, found in zip(links, shown, strict=True)
            for direction in Direction
            if found.side(direction).delays is not None
        }


def machines_of(lab: ReadyLab, path: VoicePath) -> tuple[str, ...]:
    """The machines that send or forward the call's packets: its ends, its hops, every router."""
    topology = lab.topology
    nodes = [path.caller.node, *(hop.node for hop in path.hops), path.callee.node]
    nodes += [path.exit_machine] if path.exit_machine else []
    nodes += [node.name for node in topology.with_role("router")]
    return tuple(dict.fromkeys(topology.machine(node).name for node in nodes))


def _watches(before: Sides, after: Sides) -> Iterator[DelayWatch]:
    for point, was in before.items():
        now = after.get(point)
        assert was.delays is not None
        if now is None:
            yield DelayWatch(point, was.shape, was.delays)
        else:
            yield DelayWatch(point, was.shape, was.delays, now.delays, now.shape)
