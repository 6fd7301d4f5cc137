"""The faults that are in force in a lab, asked of its delay lines and of Docker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from lab.engine.execution import start_reader
from lab.faults.kinds import FAULT_KINDS
from lab.lifecycle.ready import ReadyLab
from lab.topology.model import Node
from lab.wire.faults import KILL, PAUSE, LinkFault, place_of
from lab.wire.links import LinksShown, ShowLinks

DEADLINE_S = 20.0
_AT_ONCE = 12
FAULT_OF_STATE = {"exited": KILL, "dead": KILL, "paused": PAUSE}
"""Docker's word for a node → the kind of fault that it has."""


@dataclass(frozen=True, slots=True)
class Found:
    """A fault that is in force."""

    kind: str
    node: str
    network: str | None = None
    link: LinkFault | None = None
    """Of a link: what its delay line tells of it."""

    @property
    def place(self) -> str:
        """What is broken."""
        return place_of(self.node, self.network)

    @property
    def undo(self) -> str:
        """The command that ends it."""
        return FAULT_KINDS.named(self.kind).undo(self.node, self.network)


def found_in(lab: ReadyLab) -> tuple[Found, ...]:
    """Every fault that is in force; AgentError where a machine that runs cannot be asked."""
    running = {node.name for node in lab.running.nodes if node.state == "running"}
    machines = [
        node for node in lab.topology.nodes if node.name in running and _has_line(lab, node.name)
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        links = [one for found in pool.map(partial(_of_links, lab), machines) for one in found]
    return (*links, *_of_nodes(lab))


def _has_line(lab: ReadyLab, machine: str) -> bool:
    line = lab.running.delay_lines.get(machine)
    return line is not None and line.state == "running"


def _of_nodes(lab: ReadyLab) -> Iterator[Found]:
    for node in lab.running.nodes:
        if kind := FAULT_OF_STATE.get(node.state):
            yield Found(kind, node.name)


def _of_links(lab: ReadyLab, machine: Node) -> Sequence[Found]:
    order = ShowLinks(tuple(link.address for link in machine.links))
    with start_reader(lab.running, machine.name, lab.net_image, lab.owner) as reader:
        shown = reader.ask(order, LinksShown, DEADLINE_S).links
    found = []
    for link, told in zip(machine.links, shown, strict=True):
        if told.fault is not None:
            found.append(Found(told.fault.kind, machine.name, link.network, told.fault))
    return found
