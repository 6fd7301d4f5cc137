"""Is every onion service of a lab there? Its descriptor is fetched and a connection made."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from lab.engine.agent import AgentFailedError
from lab.engine.discovery import RunningLab
from lab.engine.execution import start_agent
from lab.errors import LabError
from lab.events import Began
from lab.lifecycle.stages import Stages
from lab.render.onion import read_address, service_port
from lab.topology.model import Topology
from lab.tor.channel import Channel
from lab.wire.onion import (
    ONION,
    ConnectOnion,
    DescriptorFetched,
    FetchDescriptor,
    OnionConnected,
    ReadService,
    ServiceState,
)

DESCRIPTOR_DEADLINE_S = 60.0
CONNECTION_DEADLINE_S = 60.0
ANSWER_DEADLINE_S = 10.0


def verify_onions(
    lab: RunningLab, topology: Topology, directory: Path, client: str, stages: Stages
) -> None:
    """Fetch each service's descriptor at the node `client`, and connect to it from there.

    LabError names the service, what was awaited, and what both sides' tors said.
    """
    services = topology.with_role("onion-service")
    if not services:
        return
    with ExitStack() as stack:
        agent = stack.enter_context(start_agent(lab, client, ONION))
        own = {
            node.name: stack.enter_context(start_agent(lab, node.name, ONION)) for node in services
        }
        for node in services:
            address, port = read_address(directory, node.name), service_port(topology, node)
            stages.tell(Began(f"onion service {node.name} as {client} finds it"))
            note = _timing(stages, node.name)
            check_service(agent, own[node.name], node.name, address, port, client, note)


def check_service(
    client: Channel,
    service: Channel,
    name: str,
    address: str,
    port: int,
    client_name: str,
    reached: Callable[[str], None],
) -> None:
    """Find one service and connect to it; `reached` is told each of the two as it is done.

    `client` and `service` are agents beside the two tors. LabError as in `verify_onions`.
    """
    hint = f"`lab logs {name}` shows what its tor says."
    find = FetchDescriptor(address, DESCRIPTOR_DEADLINE_S)
    try:
        client.ask(find, DescriptorFetched, DESCRIPTOR_DEADLINE_S + ANSWER_DEADLINE_S)
    except AgentFailedError as error:
        message = (
            f"onion service {name}: waited {DESCRIPTOR_DEADLINE_S:.0f} s for {client_name} to "
            f"fetch its descriptor, {error.reason}; {_said_by(service)}"
        )
        raise LabError(message, hint) from error
    reached("descriptor")
    order = ConnectOnion(address, port, CONNECTION_DEADLINE_S)
    try:
        client.ask(order, OnionConnected, CONNECTION_DEADLINE_S + ANSWER_DEADLINE_S)
    except AgentFailedError as error:
        message = (
            f"onion service {name}: waited {CONNECTION_DEADLINE_S:.0f} s for a connection from "
            f"{client_name} to its port {port}, {error.reason}; {_said_by(service)}"
        )
        raise LabError(message, hint) from error
    reached("connection")


def _timing(stages: Stages, name: str) -> Callable[[str], None]:
    """Notes the stages of one service, each from the end of the one before."""
    began = time.monotonic()

    def note(what: str) -> None:
        nonlocal began
        now = time.monotonic()
        stages.note(f"onion service {name}: {what}", began, now)
        began = now

    return note


def _said_by(service: Channel) -> str:
    """What the service's own tor says of itself, as the end of a sentence."""
    try:
        state = service.ask(ReadService(), ServiceState, ANSWER_DEADLINE_S)
    except LabError as error:
        return f"its own tor cannot be asked: {error.message}"
    introduced = f"its own tor stands introduced at {', '.join(state.introductions) or 'no relay'}"
    if not state.described:
        return f"{introduced} and has made no descriptor"
    uploads = ", ".join(dict.fromkeys(state.uploads)) or "none"
    refusals = "; ".join(dict.fromkeys(state.refusals)) or "none"
    return (
        f"{introduced}; relays that took its descriptor since this began: {uploads}; "
        f"that did not: {refusals}"
    )
