"""Something a call needs dies while the call is on: the record says so, and soon."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from lab_command import complaint, ended, nodes_of, wait_for
from live_lab import LiveLab

pytestmark = pytest.mark.live

ENDS_WITHIN_S = 60


def calls_in_progress(lab: LiveLab) -> list[Path]:
    return list((lab.project / "calls").glob("*/caller.wav"))


def links_not_as_configured(lab: LiveLab) -> list[Any]:
    states = lab.lab.json("link", "show", "--name", lab.name)
    return [state for state in states if state["in_force"] != state["configured"]]


@pytest.mark.parametrize(
    ("method", "victim", "status"),
    [
        pytest.param("v-tor", "relay1", "failed", marks=pytest.mark.slow),
        # Voice goes on without those who set the call up: heard in full, and still worthless.
        ("sip", "pbx", "ok"),
    ],
)
def test_a_node_that_dies_during_a_call(
    able_host: DockerClient, paper: LiveLab, method: str, victim: str, status: str
) -> None:
    if paper.status()["pbx"] == "freeswitch" and victim == "pbx":
        status = "failed"
    words = ("call", method, "--name", paper.name, "--json", "--duration", "12s")
    process = paper.lab.start(*words)
    try:
        wait_for("recording", lambda: calls_in_progress(paper), deadline_s=60)
        able_host.api.kill(nodes_of(able_host, paper.name)[victim]["Id"])
        killed = time.monotonic()
    finally:
        done = ended(process, ENDS_WITHIN_S)
    assert time.monotonic() - killed < ENDS_WITHIN_S
    record = json.loads(done.stdout)
    assert (record["status"], record["valid"]) == (status, False)
    assert any(f"node {victim} ended" in reason for reason in record["invalid_reasons"])
    if status == "failed":
        assert done.returncode == 1
        assert record["reason"]
        assert record["caller_pesq_mos"] is record["callee_pesq_mos"] is None
    kept = {path.name for path in Path(record["artefacts"]).iterdir()}
    assert kept >= {"access.pcap", "reference.wav", "phone-caller.log"}
    assert calls_in_progress(paper) == []

    refused = paper.lab.run("call", "sip", "--name", paper.name)
    assert refused.returncode == 1
    assert f"is not complete: {victim} (exited)" in complaint(refused)
    repaired = paper.lab.run("up", "paper", "--name", paper.name)
    assert repaired.returncode == 0, repaired.stderr
    assert paper.status()["problems"] == []


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.slow)],
)
def test_an_interrupted_call_leaves_nothing(
    able_host: DockerClient, paper: LiveLab, number: signal.Signals
) -> None:
    process = paper.lab.start("call", "sip", "--name", paper.name, "--rate", "10mbit")
    wait_for("recording", lambda: calls_in_progress(paper), deadline_s=60)
    assert links_not_as_configured(paper) != []
    before = {path.name for path in (paper.lab.home / "results").glob("calls/*")}
    process.send_signal(number)
    process.send_signal(signal.SIGINT)
    done = ended(process, ENDS_WITHIN_S)
    assert done.returncode in {128 + number, 128 + signal.SIGINT}
    assert links_not_as_configured(paper) == []
    assert list((paper.project / "calls").iterdir()) == []
    assert {path.name for path in (paper.lab.home / "results").glob("calls/*")} == before
    state = paper.status()
    assert state["problems"] == []
