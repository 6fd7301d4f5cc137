"""Waiting for the servers of a lab to listen, beside whatever else is waited for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from docker import DockerClient

from lab.engine.agent import Agent, AgentFailedError, AgentSilentError
from lab.engine.discovery import RunningLab
from lab.engine.execution import start_agent, start_unprivileged_helper
from lab.engine.waiting import WaitError, last_lines, node_state
from lab.lifecycle.plan import Plan
from lab.lifecycle.stages import Stages
from lab.role import ServerSocket
from lab.roles import program_of
from lab.topology.model import Topology
from lab.wire.listening import (
    LISTENING,
    AwaitedSocket,
    AwaitHandshake,
    AwaitSockets,
    Listening,
)
from lab.wire.messages import Dialogue

DEADLINE_S = 30.0


@dataclass(slots=True)
class AwaitedServers:
    """An agent that tells when servers are ready."""

    agent: Agent
    awaited: dict[str, ServerSocket]
    """Node → its socket, of those not seen yet."""
    began: float
    """time.monotonic()."""
    deadline_s: float

    def finish(self, client: DockerClient, lab: RunningLab, stages: Stages) -> None:
        """Wait until all of them are ready; WaitError tells which one is not, and its state.

        AgentError where that cannot be told.
        """
        while self.awaited:
            remaining_s = self.began + self.deadline_s - time.monotonic()
            try:
                event = self.agent.expect(Listening, max(0.1, remaining_s))
            except (AgentSilentError, AgentFailedError) as error:
                name, socket = next(iter(self.awaited.items()))
                node = lab.node(name)
                waited_s = time.monotonic() - self.began
                why = f" ({error.reason})" if isinstance(error, AgentFailedError) else ""
                raise WaitError(
                    f"{name}: waited {waited_s:.0f} s for it to {socket}{why}; "
                    f"the node is {node_state(client, node)}",
                    "Its last lines:\n  " + "\n  ".join(last_lines(client, node)),
                ) from None
            del self.awaited[event.server]
            ended = time.monotonic() - (time.time() - event.at)
            stages.note(f"{event.server} listens", self.began, ended)


@contextmanager
def listening(lab: RunningLab, plan: Plan) -> Iterator[tuple[AwaitedServers, ...]]:
    """Begin to wait for every server of the lab: one listener per machine, one per handshake."""
    listeners: list[AwaitedServers] = []
    try:
        for machine, servers in awaited_servers(plan.topology).items():
            plain = {name: socket for name, socket in servers.items() if not socket.handshake}
            if plain:
                listeners.append(_listen(lab, plan, machine, plain))
            for name, socket in servers.items():
                if socket.handshake:
                    listeners.append(_shake_hands(lab, name, socket, socket.handshake))
        yield tuple(listeners)
    finally:
        for listener in listeners:
            listener.agent.close()


def awaited_servers(topology: Topology) -> dict[str, dict[str, ServerSocket]]:
    """Machine → server on it → the socket by which it is known to be ready."""
    by_machine: dict[str, dict[str, ServerSocket]] = {}
    for node in topology.nodes:
        if socket := program_of(topology, node).socket:
            machine = topology.machine(node.name).name
            by_machine.setdefault(machine, {})[node.name] = socket(topology)
    return by_machine


def _listen(
    lab: RunningLab, plan: Plan, machine: str, servers: Mapping[str, ServerSocket]
) -> AwaitedServers:
    if program_of(plan.topology, plan.topology.node(machine)).users_image:
        # It has none of the lab's agents in it.
        image = plan.images["net"]
        agent = start_unprivileged_helper(lab, machine, image, plan.owner, LISTENING)
    else:
        agent = start_agent(lab, machine, LISTENING)
    agent.send(
        AwaitSockets(
            tuple(
                AwaitedSocket(name, socket.protocol, socket.port)
                for name, socket in servers.items()
            )
        )
    )
    return AwaitedServers(agent, dict(servers), time.monotonic(), DEADLINE_S)


def _shake_hands(
    lab: RunningLab, server: str, socket: ServerSocket, dialogue: Dialogue
) -> AwaitedServers:
    agent = start_agent(lab, server, dialogue)
    # It gives up a little before it is given up, and then says why.
    agent.send(AwaitHandshake(server, DEADLINE_S - 1))
    return AwaitedServers(agent, {server: socket}, time.monotonic(), DEADLINE_S)
