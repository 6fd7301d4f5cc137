"""The circuits of competing streams: tor's own choice, or over relays that a load names."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from lab.ends import CLIENT
from lab.engine.agent import Agent, AgentError, AgentSilentError
from lab.engine.execution import start_agent
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.load.spec import LoadSpec
from lab.wire.ports import SOCKS_PORT
from lab.wire.stream_circuits import STREAM_CIRCUITS, RouteStreams, StreamsRouted
from lab.wire.user_circuits import USER_CIRCUITS, RouteUsers

log = logging.getLogger(__name__)

READY_DEADLINE_S = 20.0


@contextmanager
def socks_port(lab: ReadyLab, spec: LoadSpec) -> Iterator[int | None]:
    """The SOCKS port through which the load goes while the block runs; None where it goes straight.

    Every stream has a circuit of its own.
    """
    if spec.route == "direct":
        yield None
        return
    if not spec.circuit:
        yield SOCKS_PORT
        return
    with start_agent(lab.running, CLIENT, STREAM_CIRCUITS) as agent:
        agent.ask(RouteStreams(tuple(spec.circuit)), StreamsRouted, READY_DEADLINE_S)
        with _naming_the_cause(agent):
            yield SOCKS_PORT


@contextmanager
def user_circuits(
    lab: ReadyLab, users: Mapping[str, tuple[tuple[str, ...], ...]], streams_per_circuit: int
) -> Iterator[None]:
    """Send the streams of users over circuits of each one's own while the block runs.

    `users` as in `RouteUsers`, by the address from which they connect to Tor.
    """
    with start_agent(lab.running, CLIENT, USER_CIRCUITS) as agent:
        agent.ask(RouteUsers(users, streams_per_circuit), StreamsRouted, READY_DEADLINE_S)
        with _naming_the_cause(agent):
            yield


@contextmanager
def _naming_the_cause(agent: Agent) -> Iterator[None]:
    """Where the block fails, add what the agent has said of streams without a circuit."""
    try:
        yield
    except LabError as error:
        if cause := _failure(agent):
            raise LabError(f"{error.message} ({cause})", error.hint) from error
        raise
    if cause := _failure(agent):
        log.warning("%s", cause)


def _failure(agent: Agent) -> str | None:
    """Why the agent failed, if it did."""
    try:
        agent.receive(0)
    except AgentSilentError:
        return None
    except AgentError as error:
        return error.message
    return None
