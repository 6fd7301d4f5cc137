"""Nodes that are killed or paused while the ends talk, and run again before anybody looks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from lab.engine.client import connect
from lab.engine.node_events import NodeEvents, node_events, open_node_events
from lab.events import NodeState
from lab.faults.found import FAULT_OF_STATE
from lab.faults.kinds import FAULT_KINDS
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.watches import FaultWatch
from lab.topology.model import Topology
from lab.wire.faults import KILL

log = logging.getLogger(__name__)

Told = tuple[float, NodeState]
"""When, Unix seconds, and what Docker told of a node."""


@contextmanager
def watching_nodes(lab: ReadyLab, notes: CallNotes) -> Iterator[None]:
    """Hear what Docker tells of the lab's nodes while the block runs; in the notes after it.

    What the call has broken itself is in them already, and a node that is still dead is found
    when the call is over.
    """
    stream = open_node_events(connect(), lab.running.name)
    told: list[Told] = []
    thread = threading.Thread(target=_hear, args=(stream, told), daemon=True)
    thread.start()
    try:
        yield
    finally:
        # One that has ended by itself has nothing left to close.
        with suppress(OSError, AttributeError):
            stream.close()
        broken = broken_by_call(lab.topology, notes.faults)
        notes.faults = (*notes.faults, *whole_again(told, broken))


def broken_by_call(topology: Topology, faults: Sequence[FaultWatch]) -> set[str]:
    """The nodes that these faults of a call broke, and the guests that start again with theirs."""
    nodes = [watch for watch in faults if watch.network is None]
    killed = [watch.node for watch in nodes if watch.kind == KILL]
    beside = [guest for node in killed for guest in topology.guests(node)]
    return {*(watch.node for watch in nodes), *beside}


def _hear(stream: NodeEvents, told: list[Told]) -> None:
    try:
        for at, what in node_events(stream):
            if isinstance(what, NodeState):
                told.append((at, what))
    except Exception as error:
        # However the stream breaks when it is closed, or its engine ends.
        log.debug("Docker's events: %s", error)


def whole_again(told: Sequence[Told], apart_from: set[str]) -> Iterator[FaultWatch]:
    """The nodes that did not run for a time, once for each; without those still dead at the end."""
    since: dict[str, Told] = {}
    for at, state in told:
        if state.state in FAULT_OF_STATE:
            since[state.node] = at, state
        elif state.state == "running" and state.node in since:
            began_at, broke = since.pop(state.node)
            if state.node not in apart_from:
                yield _watch(broke, began_at, at)
    for began_at, state in since.values():
        if state.state == "paused" and state.node not in apart_from:
            yield _watch(state, began_at, None)


def _watch(broke: NodeState, began_at: float, ended_at: float | None) -> FaultWatch:
    kind = FAULT_KINDS.named(FAULT_OF_STATE[broke.state])
    return FaultWatch(
        kind=kind.name,
        past=kind.past,
        node=broke.node,
        network=None,
        loss_pct=None,
        asked_at_s=None,
        asked_for_s=None,
        began_at=began_at,
        ended_at=ended_at,
    )
