"""What is so in a lab at this moment, put together from what its stream has told."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from lab.events import (
    Began,
    CallBegan,
    CallEnded,
    CallInterrupted,
    CallStage,
    CaughtUp,
    CircuitOpened,
    FaultBegan,
    FaultEnded,
    Happening,
    LabFound,
    LabGone,
    LinkCounters,
    LinkFound,
    LinkShaped,
    NodeState,
    Noted,
    RunAdvanced,
    RunBegan,
    RunEnded,
)
from lab.events.told import Told

KEPT = 300
"""Happenings that are kept for a viewer who comes later."""


@dataclass(slots=True)
class NodeNow:
    """A node."""

    role: str
    state: str
    exit_code: int | None = None


@dataclass(slots=True)
class LinkNow:
    """A node's attachment to a network."""

    address: str
    rate_kbps: int | None
    """The cap in force on what the node sends; None where nothing caps it."""
    shapes: dict[str, str] = field(default_factory=dict)
    """Direction (`out`, `in`) → all that shapes it, in words, where a command has changed it."""
    sent_kbps: float | None = None
    received_kbps: float | None = None
    dropped_packets: int | None = None


@dataclass(slots=True)
class CallNow:
    """A call under way."""

    call_id: str
    method: str
    codec: str
    run_id: str | None
    began: Told
    """When, and by which process."""
    stage: str = ""
    """The one that began last."""
    circuits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Whose Tor client's → its relays, guard first."""


@dataclass(slots=True)
class RunNow:
    """A run under way."""

    run_id: str
    made: int
    still_wanted: int
    told: Told
    """What was told of it last."""
    valid: int = 0
    stage: str = ""
    advanced: int = 0
    """How often it was told to have advanced; changes when a call has been stored."""


@dataclass(slots=True)
class LabNow:
    """A lab, as far as it has been told."""

    lab: str | None = None
    topology: str | None = None
    is_up: bool = False
    caught_up: bool = False
    nodes: dict[str, NodeNow] = field(default_factory=dict)
    links: dict[tuple[str, str], LinkNow] = field(default_factory=dict)
    """(node, network) → link."""
    faults: dict[tuple[str, str, str | None], FaultBegan] = field(default_factory=dict)
    """(kind, node, network) → what is broken."""
    call: CallNow | None = None
    ended: CallEnded | None = None
    """The call that ended last."""
    run: RunNow | None = None
    problems: list[str] = field(default_factory=list)
    """What was found wrong when the lab was found."""
    happenings: deque[Told] = field(default_factory=lambda: deque(maxlen=KEPT))
    """The last ones; counters are not among them."""

    def forget_who_has_ended(self, is_at_work: Callable[[Told], bool]) -> None:
        """Let go a call or a run whose process has ended without a word of it."""
        if self.call is not None and not is_at_work(self.call.began):
            self.call = None
        if self.run is not None and not is_at_work(self.run.told):
            self.run = None

    def enter(self, told: Told) -> None:
        """Take in what has been told."""
        if not isinstance(told.what, LinkCounters):
            self.happenings.append(told)
        change = CHANGES.get(type(told.what))
        if change is not None:
            change(self, told.what, told)


def _lab_found(now: LabNow, what: LabFound, told: Told) -> None:
    now.lab, now.topology, now.is_up, now.caught_up = told.lab, what.topology, True, False
    now.nodes.clear()
    now.links.clear()
    now.faults.clear()
    now.problems.clear()
    now.call = now.run = None


def _caught_up(now: LabNow, _what: CaughtUp, _told: Told) -> None:
    now.caught_up = True


def _lab_gone(now: LabNow, _what: LabGone, _told: Told) -> None:
    now.is_up = False
    now.nodes.clear()
    now.links.clear()
    now.faults.clear()
    now.problems.clear()
    now.call = None


def _noted(now: LabNow, what: Noted, _told: Told) -> None:
    if not now.caught_up:
        now.problems.append(what.text)


def _node_state(now: LabNow, what: NodeState, _told: Told) -> None:
    if what.state == "removed":
        now.nodes.pop(what.node, None)
        return
    now.nodes[what.node] = NodeNow(what.role, what.state, what.exit_code)
    if what.state == "running":
        # Whoever has started it, `lab up` say, which tells of no fault that ends.
        now.faults = {
            which: fault
            for which, fault in now.faults.items()
            if (fault.node, fault.network) != (what.node, None)
        }
    else:
        for (node, _), link in now.links.items():
            if node == what.node:
                link.sent_kbps = link.received_kbps = None
                if what.state == "exited":
                    # It starts again with what its topology says.
                    link.shapes.clear()


def _link_found(now: LabNow, what: LinkFound, _told: Told) -> None:
    now.links[what.node, what.network] = LinkNow(what.address, what.rate_in_force_kbps)


def _link_shaped(now: LabNow, what: LinkShaped, _told: Told) -> None:
    link = now.links.get((what.node, what.network))
    if link is not None:
        link.shapes[what.direction] = what.shape
        if what.direction == "out":
            link.rate_kbps = what.rate_kbps


def _link_counters(now: LabNow, what: LinkCounters, _told: Told) -> None:
    link = now.links.get((what.node, what.network))
    if link is not None:
        link.sent_kbps, link.received_kbps = what.sent_kbps, what.received_kbps
        link.dropped_packets = what.dropped_packets


def _fault_began(now: LabNow, what: FaultBegan, _told: Told) -> None:
    now.faults[what.kind, what.node, what.network] = what


def _fault_ended(now: LabNow, what: FaultEnded, _told: Told) -> None:
    now.faults.pop((what.kind, what.node, what.network), None)


def _call_began(now: LabNow, what: CallBegan, told: Told) -> None:
    now.call = CallNow(what.call_id, what.method, what.codec, what.run_id, told)


def _began(now: LabNow, what: Began, told: Told) -> None:
    if now.call is not None and told.pid == now.call.began.pid:
        now.call.stage = what.stage


def _circuit_opened(now: LabNow, what: CircuitOpened, told: Told) -> None:
    if now.call is not None and told.pid == now.call.began.pid:
        now.call.circuits = {**now.call.circuits, what.end: what.relays}


def _call_ended(now: LabNow, what: CallEnded, _told: Told) -> None:
    now.call, now.ended = None, what


def _call_interrupted(now: LabNow, _what: CallInterrupted, _told: Told) -> None:
    now.call = None


def _run_began(now: LabNow, what: RunBegan, told: Told) -> None:
    now.run = RunNow(what.run_id, what.made, what.still_wanted, told)


def _call_stage(now: LabNow, what: CallStage, _told: Told) -> None:
    if now.run is not None:
        now.run.stage = f"{what.point_id}, call {what.number}: {what.stage}"


def _run_advanced(now: LabNow, what: RunAdvanced, told: Told) -> None:
    before = now.run
    if before is None or before.run_id != what.run_id:
        before = RunNow(what.run_id, 0, 0, told)
    now.run = replace(
        before,
        made=what.made,
        still_wanted=what.still_wanted,
        told=told,
        valid=what.valid,
        advanced=before.advanced + 1,
    )


def _run_ended(now: LabNow, _what: RunEnded, _told: Told) -> None:
    now.run = None


CHANGES: dict[type[Happening], Callable[[LabNow, Any, Told], None]] = {
    LabFound: _lab_found,
    CaughtUp: _caught_up,
    LabGone: _lab_gone,
    Noted: _noted,
    NodeState: _node_state,
    LinkFound: _link_found,
    LinkShaped: _link_shaped,
    LinkCounters: _link_counters,
    FaultBegan: _fault_began,
    FaultEnded: _fault_ended,
    CallBegan: _call_began,
    Began: _began,
    CircuitOpened: _circuit_opened,
    CallEnded: _call_ended,
    CallInterrupted: _call_interrupted,
    RunBegan: _run_began,
    CallStage: _call_stage,
    RunAdvanced: _run_advanced,
    RunEnded: _run_ended,
}
"""Happening → what it changes; `Ended` and the like change nothing that is shown."""
