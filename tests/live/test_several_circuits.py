"""Calls over two circuits at once: valid with both, and going on with the one that is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from docker import DockerClient
from lab_command import LabCommand, complaint, ended, wait_for
from live_lab import LiveLab
from tor_streams import cut_one
from valid_calls import call

from lab.topology.document import read_document
from lab.topology.load import find_topology

pytestmark = pytest.mark.live

NODES = ("caller", "callee", "server", "pbx", "authority")
RELAYS = ("amsterdam", "paris", "new-york", "frankfurt")
PORT = 1196
"""Of the forwarder at the server."""
BOTH = ("--paths", "2", "--disjoint", "on", "--duration", "12s")
ENDS_WITHIN_S = 85.0


@pytest.fixture(scope="module")
def two_ways(able_host: DockerClient, lab: LabCommand, tmp_path_factory: Any) -> Iterator[LiveLab]:
    """A part of `world`, with relays for two circuits of two that share none."""
    world = read_document(find_topology("world").read_text()).value
    world["nodes"] = {name: world["nodes"][name] for name in (*NODES, *RELAYS)}
    world["tor"] = {"hops": 2, "voting_interval": "60s"}
    file: Path = tmp_path_factory.mktemp("two-ways") / "two-ways.yaml"
    file.write_text(yaml.safe_dump(world, sort_keys=False))
    name = "test-two-ways"
    done = lab.run("up", str(file), "--name", name, "--json")
    try:
        assert done.returncode == 0, done.stderr
        yield LiveLab(name, lab, json.loads(done.stdout))
    finally:
        lab.run("down", name)


def test_a_call_goes_over_both_and_more_than_there_are_relays_for_is_refused(
    two_ways: LiveLab,
) -> None:
    record = call(two_ways, "v-tor", "--policy", "alternate", *BOTH)
    relays = " ".join(record["path_circuits"].values()).split()
    assert sorted(relays) == sorted(RELAYS)
    assert record["circuit"] == record["path_circuits"]["1"] == record["circuit_seen"]
    assert set(record["path_first_pct"]) == {"caller 1", "caller 2", "callee 1", "callee 2"}
    assert record["path_ended"] == {}
    assert record["vpn_nodelay"] is True
    assert record["callee_duplicate_packets"] > 400, "each went as a repetition, too"
    assert min(record["caller_in_time_pct"], record["callee_in_time_pct"]) > 95
    assert record["kbps_access_eth"] > record["kbps_exit_eth"] > 150
    assert record["tunnel_cipher"] == "AES-256-GCM"
    many = two_ways.lab.run(
        *("call", "v-tor", "--name", two_ways.name, "--policy", "duplicate"),
        *("--paths", "3", "--disjoint", "on"),
    )
    assert many.returncode == 2
    assert "room for 2 circuits of 2 hops that share no relay" in complaint(many)
    unsaid = two_ways.lab.run("call", "v-tor", "--name", two_ways.name, "--paths", "2")
    assert unsaid.returncode == 2
    assert "2 paths needs a policy" in complaint(unsaid)


@pytest.mark.parametrize("lost", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_call_goes_on_with_the_path_that_is_left_and_fails_without_any(
    able_host: DockerClient, two_ways: LiveLab, lost: int
) -> None:
    words = ("call", "v-tor", "--name", two_ways.name, "--policy", "duplicate", "--json")
    process = two_ways.lab.start(*words, *BOTH)
    try:
        wait_for(
            "recording", lambda: [*(two_ways.project / "calls").glob("*/caller.wav")], deadline_s=60
        )
        for left in range(2, 2 - lost, -1):
            assert cut_one(able_host, two_ways.name, "caller", PORT) == left
    finally:
        done = ended(process, ENDS_WITHIN_S)
    record = json.loads(done.stdout)
    assert len(record["path_ended"]) == lost
    if lost == 2:
        assert record["status"] == "failed"
        assert "the path-1 circuit ended" in record["reason"]
        assert "the path-2 circuit ended" in record["reason"]
        return
    assert record["status"] == "ok", record["reason"]
    assert any("circuit ended" in reason for reason in record["invalid_reasons"])
    assert min(record["caller_pesq_mos"], record["callee_pesq_mos"]) > 3
    assert max(record["caller_loss_pct"], record["callee_loss_pct"]) < 2
