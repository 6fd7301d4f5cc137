"""Waiting for the servers of a lab to listen, beside whatever else is waited for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from docker import DockerClient

from lab.engine.agent import Agent, AgentEndedError, AgentError
from lab.engine.discovery import RunningLab
from lab.engine.execution import start_agent, start_unprivileged_helper
from lab.engine.waiting import WaitError, last_lines, node_state
from lab.lifecycle.plan import Plan
from lab.lifecycle.stages import Stages
from lab.topology.model import PbxKind, Role, Topology
from lab.wire.listening import (
    HANDSHAKE,
    LISTENING,
    AwaitedSocket,
    AwaitHandshake,
    AwaitSockets,
    Listening,
)
from lab.wire.ports import MEDIA_CONTROL_PORT, MUMBLE_PORT, SIP_PORT, WEB_PORT

DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class ServerSocket:
    """The socket by which a server is known to be ready."""

    protocol: str
    """`tcp`, `udp`, or `tls`, where a handshake has to succeed."""
    port: int

    def __str__(self) -> str:
        if self.protocol == "tls":
            return f"accept a TLS handshake on port {self.port}"
        return f"listen on {self.protocol} port {self.port}"


@dataclass(slots=True)
class Listener:
    """An agent that tells when servers are ready."""

    agent: Agent
    awaited: dict[str, ServerSocket]
    """Node → its socket, of those not seen yet."""
    began: float
    """time.monotonic()."""
    deadline_s: float

    def finish(self, client: DockerClient, lab: RunningLab, stages: Stages) -> None:
        """Wait until all of them listen; WaitError tells which one does not, and its state."""
        while self.awaited:
            remaining_s = self.began + self.deadline_s - time.monotonic()
            try:
                event = self.agent.expect(Listening, max(0.1, remaining_s))
            except AgentEndedError:
                raise
            except AgentError as error:
                name, socket = next(iter(self.awaited.items()))
                container = lab.node(name).container_id
                why = f" ({error.message})" if socket.protocol == "tls" else ""
                raise WaitError(
                    f"{name}: waited {self.deadline_s:.0f} s for it to {socket}{why}; "
                    f"the node is {node_state(client, container)}",
                    "Its last lines:\n  " + "\n  ".join(last_lines(client, container)),
                ) from None
            del self.awaited[event.server]
            ended = time.monotonic() - (time.time() - event.at)
            stages.note(f"{event.server} listens", self.began, ended)


@contextmanager
def listening(lab: RunningLab, plan: Plan) -> Iterator[tuple[Listener, ...]]:
    """Begin to wait for every server of the lab, one listener per machine, and Murmur's own."""
    listeners: list[Listener] = []
    try:
        for machine, servers in server_sockets(plan.topology).items():
            listeners.append(_listen(lab, plan, machine, servers))
        for node in plan.topology.with_role(Role.MUMBLE_SERVER):
            listeners.append(_shake_hands(lab, node.name))
        yield tuple(listeners)
    finally:
        for listener in listeners:
            listener.agent.close()


def server_sockets(topology: Topology) -> dict[str, dict[str, ServerSocket]]:
    """Machine → server on it → its socket, of those that only have to listen."""
    sockets: Mapping[Role, ServerSocket] = {
        Role.VPN_SERVER: ServerSocket("tcp", topology.vpn.port),
        Role.PBX: ServerSocket("udp", SIP_PORT),
        Role.MEDIA_PROXY: ServerSocket("udp", MEDIA_CONTROL_PORT),
        Role.WEB: ServerSocket("tcp", WEB_PORT),
    }
    by_machine: dict[str, dict[str, ServerSocket]] = {}
    for node in topology.nodes:
        if node.role in sockets:
            machine = topology.machine(node.name).name
            by_machine.setdefault(machine, {})[node.name] = sockets[node.role]
    return by_machine


def _listen(
    lab: RunningLab, plan: Plan, machine: str, servers: Mapping[str, ServerSocket]
) -> Listener:
    freeswitch = plan.topology.pbx is PbxKind.FREESWITCH
    if freeswitch and plan.topology.node(machine).role is Role.PBX:
        # The user's own image has none of the lab's agents in it.
        image = plan.images["net"]
        agent = start_unprivileged_helper(lab, machine, image, plan.owner, LISTENING)
    else:
        agent = start_agent(lab, machine, LISTENING)
    agent.send(
        AwaitSockets(
            tuple(
                AwaitedSocket(name, "tcp" if socket.protocol == "tcp" else "udp", socket.port)
                for name, socket in servers.items()
            )
        )
    )
    return Listener(agent, dict(servers), time.monotonic(), DEADLINE_S)


def _shake_hands(lab: RunningLab, murmur: str) -> Listener:
    """Murmur listens some time before it answers, so only a handshake tells that it is ready."""
    agent = start_agent(lab, murmur, HANDSHAKE)
    # It gives up a little before it is given up, and then says why.
    agent.send(AwaitHandshake(murmur, DEADLINE_S - 1))
    socket = ServerSocket("tls", MUMBLE_PORT)
    return Listener(agent, {murmur: socket}, time.monotonic(), DEADLINE_S)
