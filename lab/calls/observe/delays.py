"""What the delay lines on a call's way were asked and did while its ends talked; and faults."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Self

from lab.engine.agent import Agent, AgentError
from lab.engine.client import connect
from lab.engine.discovery import find_lab
from lab.engine.execution import start_reader
from lab.errors import LabError
from lab.faults.kinds import FAULT_KINDS
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.path import VoicePath
from lab.measure.call.watches import DelayWatch, FaultWatch
from lab.wire.faults import LinkFault
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
        began_at = time.time()
        try:
            yield
        finally:
            self._start_new()
            self._ask()
            after: dict[str, SideInForce] = {}
            for machine in self._agents:
                # Where a delay line or its machine has ended, there is nothing to read.
                with suppress(AgentError):
                    after |= self._answer(machine)
            notes.delays = tuple(_watches(before, after))
            notes.faults = (*notes.faults, *others_faults(after, notes.call_id, began_at))

    def _start_new(self) -> None:
        """Start readers where there is a delay line by now: somebody has had a use for it.

        Nowhere where the lab is gone.
        """
        with suppress(LabError):
            lab, lines = self._lab, find_lab(connect(), self._lab.running.name).delay_lines
            for machine in self._machines:
                if machine in lines and machine not in self._agents:
                    reader = start_reader(lab.running, machine, lab.net_image, lab.owner)
                    self._agents[machine] = self._running.enter_context(reader)

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


def others_faults(sides: Sides, call_id: str, began_at: float) -> Iterator[FaultWatch]:
    """What was broken since `began_at` that the call itself had not asked for, a link each once.

    Of several faults of one link the last.
    """
    by_link: dict[str, list[LinkFault]] = {}
    for point, side in sides.items():
        if side.fault is not None:
            by_link.setdefault(point.rpartition("/")[0], []).append(side.fault)
    for link, both in by_link.items():
        fault = replace(both[0], lost=sum(each.lost for each in both))
        over = fault.ended_at is not None and fault.ended_at < began_at
        if over or fault.of == call_id:
            continue
        node, _, network = link.partition("/")
        kind = FAULT_KINDS.named(fault.kind)
        yield FaultWatch(
            kind=kind.name,
            past=kind.past,
            node=node,
            network=network,
            loss_pct=fault.loss_pct if kind.has_share else None,
            asked_at_s=None,
            asked_for_s=None,
            began_at=fault.began_at,
            ended_at=fault.ended_at,
            lost=fault.lost,
            by=fault.of,
        )


def machines_of(lab: ReadyLab, path: VoicePath) -> tuple[str, ...]:
    """The machines that send or forward the call's packets: its ends, its hops, every router."""
    topology = lab.topology
    nodes = [path.caller.node, *(hop.node for hop in path.hops), path.callee.node]
    nodes += [path.exit_machine] if path.exit_machine else []
    nodes += [hop.node for hop in path.callee_leg.hops] if path.callee_leg else []
    # Which of them carry the call is known when it is over.
    nodes += path.onion.relays if path.onion else ()
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
