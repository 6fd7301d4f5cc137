"""How a client enters the Tor network by a bridge, read at both of them around a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache

from lab.engine.agent import Agent, AgentError
from lab.engine.execution import start_agent
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes
from lab.measure.call.watches import EntryWatch
from lab.render.torrc import bridge_port
from lab.topology.model import Node
from lab.wire.bridges import BRIDGE, BridgeSeen, ReadBridge
from lab.wire.circuits import EntrySeen, ReadEntry

DEADLINE_S = 10.0


@contextmanager
def watched_entry(
    lab: ReadyLab, client: Node, bridge: str, agent: Agent, notes: CallNotes
) -> Iterator[Callable[[], None]]:
    """Read before and after the block; for a client without bridges nothing.

    `bridge` is the node by which it enters, `agent` builds the client's circuits. What is yielded
    reads the second time, once, and earlier than the end of the block. LabError where what
    obfuscates has ended by then, and where either end cannot be read before the block.
    """
    if not client.bridges:
        yield lambda: None
        return
    topology = lab.topology
    with start_agent(lab.running, bridge, BRIDGE) as beside:
        watch = EntryWatch(
            end=client.name,
            bridge=bridge,
            port=bridge_port(topology, topology.node(bridge)),
            home=client.links[0].address,
            relays={
                relay.name: tuple(link.address for link in topology.machine(relay.name).links)
                for relay in topology.with_role("relay")
            },
            client_before=agent.ask(ReadEntry(), EntrySeen, DEADLINE_S),
            bridge_before=beside.ask(ReadBridge(), BridgeSeen, DEADLINE_S),
        )
        notes.entries.append(watch)
        read_once = cache(lambda: _read_after(watch, agent, beside))
        try:
            yield read_once
        finally:
            read_once()
            if watch.broken:
                # Whatever else failed did so for want of it.
                notes.failure = ": ".join(filter(None, [watch.broken, notes.failure]))
    if watch.broken:
        raise LabError(watch.broken)


def _read_after(watch: EntryWatch, agent: Agent, beside: Agent) -> None:
    """Who has ended meanwhile tells nothing."""
    with suppress(AgentError):
        watch.client_after = agent.ask(ReadEntry(), EntrySeen, DEADLINE_S)
    with suppress(AgentError):
        watch.bridge_after = beside.ask(ReadBridge(), BridgeSeen, DEADLINE_S)
