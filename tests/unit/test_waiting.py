"""Why a lab does not start: what was seen, and no more."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from lab.engine import waiting
from lab.engine.agent import AgentEndedError, AgentError, AgentFailedError, AgentSilentError
from lab.engine.discovery import RunningNode
from lab.engine.waiting import WaitError, blaming_ended_nodes, refuse_ended_nodes
from lab.errors import LabError
from lab.lifecycle import servers
from lab.lifecycle.servers import AwaitedServers
from lab.lifecycle.stages import Stages
from lab.role import ServerSocket


def lab_with(monkeypatch: pytest.MonkeyPatch, *stopped: RunningNode) -> Any:
    """A Docker client whose only lab has these nodes that do not run."""
    lab = SimpleNamespace(name="trial", stopped=stopped)
    monkeypatch.setattr(waiting, "find_labs", lambda *_: (lab,))
    logs = SimpleNamespace(logs=lambda _container, tail: b"out of memory")
    return SimpleNamespace(api=logs)


RELAY = RunningNode("relay2", "relay", "c0ffee", "exited", 137)


def test_a_node_that_has_ended_is_told_beside_what_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    client = lab_with(monkeypatch, RELAY)
    with pytest.raises(LabError) as error, blaming_ended_nodes(client, "trial"):
        raise LabError("lab trial did not start: no space left on device")
    assert error.value.message == (
        "lab trial did not start: no space left on device; "
        "relay2 of lab trial has ended, with exit status 137"
    )
    assert "out of memory" in str(error.value.hint)


def test_a_node_that_is_seen_to_end_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    client = lab_with(monkeypatch, RELAY)
    with (
        pytest.raises(LabError, match=r"^relay2 of lab trial ended while .* exit status 137\n"),
        blaming_ended_nodes(client, "trial"),
    ):
        refuse_ended_nodes(client, "trial")


def test_without_one_the_failure_is_told_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    client = lab_with(monkeypatch, RunningNode("relay2", "relay", "c0ffee", "created", 0))
    with pytest.raises(LabError, match="no such relay"), blaming_ended_nodes(client, "trial"):
        raise LabError("no such relay")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (AgentSilentError("net.listening in pbx said nothing for 30 s"), ""),
        (AgentFailedError("mumble.health in pbx", "certificate expired"), " (certificate expired)"),
    ],
)
def test_a_server_that_is_not_ready_is_told_with_what_was_seen(
    monkeypatch: pytest.MonkeyPatch, said: AgentError, why: str
) -> None:
    for name, value in (("node_state", "running"), ("last_lines", ["bound"])):
        monkeypatch.setattr(servers, name, lambda *_, value=value: value)
    with pytest.raises(WaitError) as error:
        awaited(said).finish(None, LAB, Stages())
    assert error.value.message == (
        f"pbx: waited 4 s for it to listen on udp port 5060{why}; the node is running"
    )


@pytest.mark.parametrize(
    "said", [AgentEndedError("net.listening in pbx has ended"), AgentError("it said Foo")]
)
def test_a_listener_that_cannot_tell_says_nothing_of_the_server(said: AgentError) -> None:
    with pytest.raises(AgentError) as error:
        awaited(said).finish(None, LAB, Stages())
    assert error.value is said


LAB: Any = SimpleNamespace(node=lambda name: SimpleNamespace(container_id=name))


def awaited(said: AgentError) -> AwaitedServers:
    """A wait of four seconds so far for a PBX, whose listener then says this."""

    def expect(*_: Any) -> None:
        raise said

    agent: Any = SimpleNamespace(expect=expect)
    sockets = {"pbx": ServerSocket("udp", 5060)}
    return AwaitedServers(agent, sockets, time.monotonic() - 4, servers.DEADLINE_S)
