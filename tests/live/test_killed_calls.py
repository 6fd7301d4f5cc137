"""Calls that are killed, that come at once, and links that change meanwhile."""

from __future__ import annotations

import json
from datetime import datetime
from subprocess import Popen
from typing import Any

import pytest
from docker import DockerClient
from lab_command import ended, kill, things_of, wait_for
from live_lab import LiveLab

from lab.engine.lock import has_turn
from lab.lifecycle.ready import open_lab
from lab.shaping import live
from lab.shaping.cap import LinkPoint
from lab.wire.shape import ShapeChange

pytestmark = pytest.mark.live

ENDS_WITHIN_S = 90.0
SHORT = ("--duration", "8s")


def stages(lab: LiveLab, process: Popen[str]) -> list[str]:
    """What a command has begun so far."""
    lines = (lab.project / "events.jsonl").read_text(encoding="utf-8").splitlines()
    told = [json.loads(line) for line in lines]
    return [one["stage"] for one in told if one["pid"] == process.pid and one["event"] == "Began"]


def begun(lab: LiveLab, stage: str, *words: str) -> Popen[str]:
    """A call that has come to a stage."""
    process = lab.lab.start("call", *words, "--name", lab.name, "--json")
    wait_for(stage, lambda: stage in stages(lab, process), deadline_s=60)
    return process


def outcome(process: Popen[str]) -> tuple[dict[str, Any], str]:
    """The record of a call that came to its end, and what was said besides."""
    done = ended(process, ENDS_WITHIN_S)
    assert done.returncode == 0, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    return record, done.stderr


def rate_in_force(lab: LiveLab) -> int:
    """Of what the server sends towards Tor."""
    links = lab.lab.json("link", "show", "server", "hosting", "--name", lab.name)
    [sends] = [link for link in links if link["direction"] == "out"]
    rate_kbps: int = sends["in_force"]["rate_kbps"]
    return rate_kbps


def test_what_a_killed_call_leaves_is_put_right_before_the_next_one(
    able_host: DockerClient, paper: LiveLab
) -> None:
    nodes = things_of(able_host, paper.name)
    killed = begun(paper, "calling", "v-tor", "--rate", "10mbit", "--load", "voip:2:tor")
    kill(killed)
    wait_for("end of what it began", lambda: has_turn(paper.name) is None, deadline_s=30)
    assert things_of(able_host, paper.name) == nodes
    assert rate_in_force(paper) == 10_000
    [problem] = paper.status()["problems"]
    assert "has left links changed" in problem

    record, said = outcome(paper.lab.start("call", "v-tor", *SHORT, "--name", paper.name, "--json"))
    assert f"(process {killed.pid}) had left changed are put back: server/hosting/out" in said
    assert "did not come to its end; what it left is removed" in said
    assert record["link_rate_kbps"] == 100_000
    assert record["load_kind"] is None
    assert list((paper.project / "calls").iterdir()) == []
    assert paper.status()["problems"] == []


def test_what_the_user_has_set_survives_a_killed_call_and_bringing_the_lab_up_again(
    paper: LiveLab,
) -> None:
    server = ("server", "hosting", "--name", paper.name)
    assert paper.lab.run("link", "set", *server, "--rate", "50mbit").returncode == 0
    kill(begun(paper, "calling", "sip", "--rate", "10mbit"))
    again = paper.lab.run("up", "paper", "--name", paper.name)
    assert again.returncode == 0, again.stderr
    assert "had left changed are put back: server/hosting/out: 50mbit" in again.stderr
    assert rate_in_force(paper) == 50_000
    assert paper.lab.run("link", "reset", "--name", paper.name).returncode == 0
    assert rate_in_force(paper) == 100_000


def test_the_second_of_two_calls_waits_for_the_first(paper: LiveLab) -> None:
    first = begun(paper, "calling", "sip", "--rate", "10mbit", *SHORT)
    second = begun(paper, f"waiting for {has_turn(paper.name)}", "sip", "--rate", "5mbit", *SHORT)
    change = paper.lab.start("link", "set", "server", "hosting", "--rate", "50mbit", "--json",
                             "--name", paper.name)  # fmt: skip
    records = [outcome(process)[0] for process in (first, second)]
    assert [record["link_rate_kbps"] for record in records] == [10_000, 5_000]
    assert not any("changed" in text for one in records for text in one["invalid_reasons"])
    began = [datetime.fromisoformat(record["started_at"]) for record in records]
    assert (began[1] - began[0]).total_seconds() > 8
    assert ended(change, ENDS_WITHIN_S).returncode == 0
    assert paper.lab.run("link", "reset", "--name", paper.name).returncode == 0


def test_a_link_that_somebody_changes_during_a_call_makes_it_invalid(
    able_host: DockerClient, paper: LiveLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for good and one for a moment, past all that makes `lab link set` wait."""
    monkeypatch.setenv("LAB_HOME", str(paper.lab.home))
    call = begun(paper, "calling", "sip", *SHORT)
    lab = open_lab(able_host, paper.name)
    home, office = LinkPoint("caller", "home"), LinkPoint("callee", "office")
    live.change(lab, home, ShapeChange(rate_kbps=5_000))
    live.change(lab, office, ShapeChange(rate_kbps=5_000))
    live.change(lab, office, ShapeChange(rate_kbps=100_000))
    record, _ = outcome(call)
    assert record["valid"] is False
    assert (
        "the shape of caller/home/out changed during the call, from 100mbit, htb pfifo 200 packets "
        "to 5mbit, htb pfifo 200 packets"
    ) in record["invalid_reasons"]
    assert (
        "links of callee were shaped anew during the call, and put back"
        in (record["invalid_reasons"])
    )
    assert paper.lab.run("link", "reset", "--name", paper.name).returncode == 0
