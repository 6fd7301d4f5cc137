"""Links and nodes that are broken on purpose: as long as asked, and whole again afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest
from docker import DockerClient
from lab_command import complaint, ended, kill, nodes_of, wait_for
from live_lab import LiveLab
from valid_calls import call

pytestmark = pytest.mark.live

ENDS_WITHIN_S = 60.0
SHORT = ("--duration", "8s")


def told(lab: LiveLab, event: str, **fields: Any) -> list[dict[str, Any]]:
    """What the lab's journal has of one kind, with these fields."""
    lines = (lab.project / "events.jsonl").read_text(encoding="utf-8").splitlines()
    wanted = {"event": event, **fields}
    return [one for one in map(json.loads, lines) if wanted.items() <= one.items()]


def in_force(lab: LiveLab) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lab.lab.json("fault", "list", "--name", lab.name)
    return found


def test_a_call_meets_what_it_asked_for_and_nothing_is_left_of_it(paper: LiveLab) -> None:
    """Of 8 s of voice one is lost, both ways; the link is as it was."""
    asked = "3s down caller home for 1s; 6s loss callee office 50% for 1s"
    before = paper.lab.json("link", "show", "caller", "home", "--name", paper.name)
    record = call(paper, "sip", *SHORT, "--fault", asked)
    assert record["faults_asked"] == asked
    down, loss = record["faults"]
    assert down.startswith("caller/home down from 3.0")
    assert "to 4.0" in down
    assert loss.startswith("callee/office losing packets (50 %) from 6.0")
    for end in ("caller", "callee"):
        # A second of fifty packets, and half of another, of eight.
        assert record[f"{end}_loss_pct"] == pytest.approx(100 * 75 / 400, abs=5)
        assert record[f"{end}_pesq_mos"] < 4
    assert in_force(paper) == []
    after = paper.lab.json("link", "show", "caller", "home", "--name", paper.name)
    assert [one["in_force"] for one in after] == [one["in_force"] for one in before]
    assert paper.status()["problems"] == []
    began = told(paper, "FaultBegan", node="caller", teller="call")[-1]
    over = told(paper, "FaultEnded", node="caller", teller="call")[-1]
    assert over["seconds"] == pytest.approx(1.0, abs=0.25)
    assert over["at"] - began["at"] == pytest.approx(1.0, abs=0.25)
    assert over["lost"] > 80


def test_what_is_broken_by_hand_is_in_the_record_and_spoils_the_call(paper: LiveLab) -> None:
    """It waits for nobody, is listed as long as it is there, and goes with whoever is killed."""
    calling = paper.lab.start("call", "sip", *SHORT, "--name", paper.name, "--json")
    try:
        wait_for("call", lambda: told(paper, "Began", stage="calling", pid=calling.pid), 60)
        words = ("fault", "down", "callee", "office", "--for", "60s", "--name", paper.name)
        breaking = paper.lab.start(*words)
        wait_for("fault", lambda: told(paper, "FaultBegan", node="callee", teller="fault"))
        [found] = in_force(paper)
        assert (found["kind"], found["of"]) == ("down", "hand")
        assert found["undo"] == "lab fault up callee office"
        [problem] = [text for text in paper.status()["problems"] if "callee/office" in text]
        assert "is down since" in problem
        kill(breaking)
        wait_for("end of the fault", lambda: in_force(paper) == [])
    finally:
        record = json.loads(ended(calling, ENDS_WITHIN_S).stdout)
    assert record["valid"] is False
    reasons = [text for text in record["invalid_reasons"] if text.endswith("by hand")]
    assert len(reasons) == 1
    assert reasons[0].startswith("callee/office down from ")

    lasting = paper.lab.json("fault", "loss", "callee", "office", "20%", "--name", paper.name)
    assert lasting["undo"] == "lab fault up callee office"
    again = paper.lab.run("fault", "down", "callee", "office", "--name", paper.name)
    assert again.returncode == 1
    assert "is losing 20 % already" in complaint(again)
    assert len(paper.lab.json("fault", "clear", "--name", paper.name)) == 1
    assert in_force(paper) == []
    unknown = paper.lab.run("fault", "down", "calee", "office", "--name", paper.name)
    assert unknown.returncode == 2
    assert "did you mean 'callee'?" in complaint(unknown)


@pytest.mark.slow
def test_nodes_are_killed_paused_and_brought_back(able_host: DockerClient, paper: LiveLab) -> None:
    name = ("--name", paper.name)
    assert paper.lab.run("fault", "kill", "relay2", *name).returncode == 0
    paused = paper.lab.json("fault", "pause", "web", "--for", "500ms", *name)
    assert paused["ended_at"] - paused["began_at"] == pytest.approx(0.5, abs=0.3)
    assert paper.lab.run("fault", "pause", "web", *name).returncode == 0
    states = {node: found["State"] for node, found in nodes_of(able_host, paper.name).items()}
    assert (states["relay2"], states["web"]) == ("exited", "paused")
    assert {(one["kind"], one["node"]) for one in in_force(paper)} == {
        ("kill", "relay2"), ("pause", "web"),
    }  # fmt: skip
    refused = paper.lab.run("call", "sip", *name)
    assert "is not complete" in complaint(refused)
    cleared = paper.lab.run("fault", "clear", *name)
    assert cleared.returncode == 0, cleared.stderr
    assert paper.status()["problems"] == []
    record = call(paper, "v-tor", *SHORT, "--seed", "1")
    assert record["faults"] == []


@pytest.mark.slow
def test_a_relay_that_dies_under_a_call_is_there_for_the_next_one(paper: LiveLab) -> None:
    words = ("call", "v-tor", "--duration", "12s", "--fault", "4s kill relay1 for 2s")
    done = paper.lab.run(*words, "--name", paper.name, "--json", timeout_s=120)
    record = json.loads(done.stdout)
    assert record["status"] == "failed"
    assert record["faults"][0].startswith("relay1 dead from 4.")
    assert call(paper, "v-tor", *SHORT)["circuit"]
