"""What every Tor on a circuit sees of it, asked in each of their nodes while it is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from lab.engine.agent import Agent, AgentError
from lab.engine.execution import start_agent
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.tor_notes import TorWitness
from lab.topology.nodelay import nodelay_at
from lab.wire.tor_witness import WITNESS, CircuitsSeen, TellCircuits, WatchCircuits, Watching

DEADLINE_S = 10.0


class Witnesses:
    """A program beside each Tor that counts cells; asked once, at the end."""

    def __init__(self, lab: ReadyLab, agents: dict[str, Agent]) -> None:
        self._lab = lab
        self._agents = agents

    def told(self) -> dict[str, TorWitness]:
        """What each saw, by node; nothing of one that did not answer."""
        asked: list[str] = []
        for node, agent in self._agents.items():
            try:
                agent.expect(Watching, DEADLINE_S)
                agent.send(TellCircuits())
                asked.append(node)
            except AgentError:
                continue
        return {node: self._witness(node, node in asked) for node in self._agents}

    def _witness(self, node: str, asked: bool) -> TorWitness:
        wanted = nodelay_at(self._lab.topology, self._lab.topology.node(node))
        if not asked:
            return TorWitness(wanted, None)
        try:
            return TorWitness(wanted, self._agents[node].expect(CircuitsSeen, DEADLINE_S))
        except AgentError:
            return TorWitness(wanted, None)


@contextmanager
def witnesses(lab: ReadyLab, nodes: Sequence[str]) -> Iterator[Witnesses]:
    """Have what the Tors of these nodes see noted while the block runs.

    They begin on their own: nobody waits for them before a circuit carries voice.
    """
    with ExitStack() as stack:
        agents = {
            node: stack.enter_context(start_agent(lab.running, node, WITNESS)) for node in nodes
        }
        for agent in agents.values():
            agent.send(WatchCircuits())
        try:
            yield Witnesses(lab, agents)
        finally:
            # They end side by side.
            for agent in agents.values():
                agent.end()
