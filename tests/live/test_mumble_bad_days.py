"""A Mumble call in a lab where something breaks under it: a record with the reason, and soon."""

from __future__ import annotations

import json
import time
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from docker import DockerClient
from docker.models.containers import Container
from lab_command import ended, nodes_of, wait_for
from live_lab import LiveLab
from tor_streams import cut_one

from lab.engine.discovery import find_lab
from lab.engine.execution import start_agent
from lab.wire.listening import HANDSHAKE, AwaitHandshake, Listening
from lab.wire.ports import MUMBLE_PORT

pytestmark = pytest.mark.live

ENDS_WITHIN_S = 60
HANG = "kill -STOP $(pidof murmurd)"
GO_ON = "kill -CONT $(pidof murmurd)"


def murmur(client: DockerClient, lab: LiveLab) -> Container:
    return client.containers.get(nodes_of(client, lab.name)["mumble"]["Id"])


def start_call(client: DockerClient, lab: LiveLab, method: str) -> Popen[str]:
    """A call whose caller is in the channel and talks."""
    before = murmur(client, lab).logs().count(b"Moved caller-")
    process = lab.lab.start("call", method, "--name", lab.name, "--json")
    wait_for("the caller", lambda: murmur(client, lab).logs().count(b"Moved caller-") > before, 60)
    time.sleep(3)  # into the talk
    return process


def record_of(process: Popen[str]) -> dict[str, Any]:
    """The record of a call that failed, and left no client behind."""
    done = ended(process, ENDS_WITHIN_S)
    assert done.stdout, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 1
    assert (record["status"], record["valid"]) == ("failed", False)
    assert record["caller_pesq_mos"] is record["callee_pesq_mos"] is None
    return record


def assert_no_client_is_left(client: DockerClient, lab: LiveLab) -> None:
    for node in ("caller", "callee"):
        top = client.api.top(nodes_of(client, lab.name)[node]["Id"], ps_args="-eo pid,args")
        assert not [row for row in top["Processes"] if "mumble.client" in row[1]]


def test_a_circuit_that_ends_under_the_call_is_how_it_failed(
    paper: LiveLab, able_host: DockerClient
) -> None:
    process = start_call(able_host, paper, "m-tor")
    assert cut_one(able_host, paper.name, "caller", MUMBLE_PORT) == 1
    record = record_of(process)
    assert "the server ended the connection" in record["reason"]
    assert any("the circuit ended" in reason for reason in record["invalid_reasons"])
    assert_no_client_is_left(able_host, paper)


def test_murmur_restarted_under_the_call_is_how_it_failed_and_takes_the_next(
    paper: LiveLab, able_host: DockerClient
) -> None:
    process = start_call(able_host, paper, "mumble")
    murmur(able_host, paper).restart(timeout=0)
    record = record_of(process)
    assert "connection" in record["reason"]
    talked = (Path(record["artefacts"]) / "caller-sent.csv").read_text().splitlines()
    assert talked[0] == "sequence,due_ns,time_ns,bytes"
    assert len(talked) > 1, "what was sent until then is kept"
    assert_no_client_is_left(able_host, paper)
    with start_agent(find_lab(able_host, paper.name), "mumble", HANDSHAKE) as agent:
        listening = agent.ask(AwaitHandshake("mumble", 30), Listening, 40)
    assert listening.tls
    assert listening.tls.startswith("TLSv1.3")


def test_a_murmur_that_listens_but_hangs_is_a_problem_that_status_tells(
    paper: LiveLab, able_host: DockerClient
) -> None:
    assert paper.said["mumble"]["mumble"]["tls"].startswith("TLSv1.3")
    assert murmur(able_host, paper).exec_run(["sh", "-c", HANG]).exit_code == 0
    try:
        state = paper.status()
    finally:
        murmur(able_host, paper).exec_run(["sh", "-c", GO_ON])
    assert state["mumble"] == {"mumble": None}
    assert state["problems"] == ["mumble.health in mumble: the TLS handshake took too long"]
