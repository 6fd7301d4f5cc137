"""Bridges on real containers: entered by both transports and by nothing else; bad days."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from lab_command import LabCommand, complaint, ended, nodes_of, things_of, wait_for
from live_lab import LiveLab
from tor_processes import tor_processes

from lab.topology.load import find_topology
from lab.wire.bridges import BRIDGE, BridgeSeen, ReadBridge

pytestmark = pytest.mark.live

ENDS_WITHIN_S = 60
BRIDGES = """
  harbour: {role: bridge, transport: obfs4, links: {entry: {}}}
  quay: {role: bridge, links: {entry: {}}}
"""
KILL = """
import os
from lab.agents.net.processes import processes_called
for pid in processes_called("obfs4proxy"):
    os.kill(pid, 9)
"""
PUBLISH = """
from stem.control import Controller
with Controller.from_socket_file("/var/lib/tor/data/control") as tor:
    tor.authenticate()
    said = tor.msg("RESETCONF BridgeRelay=0 BridgeDistribution PublishServerDescriptor=1")
    assert said.is_ok(), said
"""


def bridged_small() -> str:
    """`small`, where the caller enters by obfs4 and the client by a vanilla bridge."""
    text = find_topology("small").read_text()
    for end, bridge in (("caller", "harbour"), ("client", "quay")):
        head, node, rest = text.partition(f"\n  {end}:\n")
        text = head + node + rest.replace("tor: true", f"tor: true\n    bridges: [{bridge}]", 1)
    return f"{text.rstrip()}\n{BRIDGES}"


@pytest.fixture(scope="module")
def topology(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bridges") / "bridged.yaml"
    file.write_text(bridged_small())
    return file


@pytest.fixture(scope="module")
def bridged(able_host: DockerClient, lab: LabCommand, topology: Path) -> Iterator[LiveLab]:
    name = f"test-{secrets.token_hex(3)}"
    done = lab.run("up", str(topology), "--name", name, "--json")
    try:
        assert done.returncode == 0, done.stderr
        yield LiveLab(name, lab, json.loads(done.stdout))
    finally:
        lab.run("down", name)
    assert things_of(able_host, name) == {}


def called(lab: LiveLab) -> dict[str, Any]:
    """The record of a call that both ends heard, valid or not: a busy host says nothing of it."""
    words = ("call", "v-tor", "--name", lab.name, "--json", "--duration", "10s")
    record: dict[str, Any] = lab.lab.json(*words)
    assert record["status"] == "ok", record["reason"]
    return record


def do_in(lab: LiveLab, node: str, program: str) -> None:
    done = lab.lab.run("exec", "--name", lab.name, node, "--", "python3", "-c", program)
    assert done.returncode == 0, done.stderr


def test_bridges_take_clients_and_are_in_no_consensus(bridged: LiveLab) -> None:
    stages = [stage["name"] for stage in bridged.said["stages"]]
    assert {"Tor: bridge harbour takes clients (obfs4)", "Tor: 100 % by its bridges"} <= {*stages}
    assert "Tor: bridge quay takes clients (vanilla)" in stages
    told: dict[str, dict[str, Any]] = bridged.status()["bridges"]
    assert {name: (it["transport"], it["port"], it["obfs4proxy"]) for name, it in told.items()} == {
        "harbour": ("obfs4", 9002, 1),
        "quay": ("vanilla", 9001, 0),
    }
    assert all(it["listens"] and not it["in_consensus"] for it in told.values())


def test_a_call_enters_by_its_bridge_and_by_nothing_else(bridged: LiveLab) -> None:
    record = called(bridged)
    assert not [why for why in record["invalid_reasons"] if "bridge" in why or "relay" in why]
    assert (record["guard"], record["bridge"], record["bridge_transport"]) == (
        *("harbour", "harbour"),
        "obfs4",
    )
    assert record["versions"]["obfs4proxy"].startswith("0.0.")
    notes = json.loads((Path(record["artefacts"]) / "call.json").read_text())
    (entry,) = notes["entries"]
    assert set(entry["relays"]) == {"authority", "relay1", "relay2", "relay3"}
    far = {socket["far"] for socket in entry["client_after"]["sockets"]}
    assert far == {entry["port"]["address"]}


def test_obfs4proxy_that_dies_during_a_call_is_named(bridged: LiveLab) -> None:
    words = ("call", "v-tor", "--name", bridged.name, "--json", "--duration", "10s")
    process = bridged.lab.start(*words)
    try:
        recording = (bridged.project / "calls").glob
        wait_for("recording", lambda: [*recording("*/caller.wav")], deadline_s=60)
        do_in(bridged, "caller", KILL)
    finally:
        done = ended(process, ENDS_WITHIN_S)
    record = json.loads(done.stdout)
    assert (record["status"], done.returncode) == ("failed", 1)
    assert record["reason"].startswith("obfs4proxy at caller ended during the call")
    assert [*(bridged.project / "calls").iterdir()] == []
    # tor has started another one, by which the next call goes.
    assert called(bridged)["bridge"] == "harbour"


@pytest.mark.slow
def test_a_bridge_that_becomes_a_relay_is_refused(
    able_host: DockerClient, bridged: LiveLab, topology: Path
) -> None:
    before = len(nodes_of(able_host, bridged.name))
    do_in(bridged, "harbour", PUBLISH)
    wait_for(
        "the consensus to list it",
        lambda: bridged.status()["bridges"]["harbour"]["in_consensus"],
        deadline_s=180,
    )
    said = "the consensus lists it"
    # Its client fetches the next consensus in its own time; until then the lab is well.
    wait_for(
        "the client to know", lambda: up_again(bridged, topology).returncode == 1, deadline_s=120
    )
    assert said in complaint(up_again(bridged, topology))
    done = bridged.lab.run("call", "v-tor", "--name", bridged.name, "--json")
    record = json.loads(done.stdout)
    assert (record["status"], done.returncode) == ("failed", 1)
    assert f"bridge harbour is no bridge: {said}" in record["reason"]
    assert len(nodes_of(able_host, bridged.name)) == before


def up_again(lab: LiveLab, topology: Path) -> Any:
    return lab.lab.run("up", str(topology), "--name", lab.name)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tor") is None, reason="no tor program on this host")
def test_obfs4proxy_that_never_starts_is_named() -> None:
    with (
        tor_processes(4, bridges={"harbour": "obfs4"}, obfs4_program="/bin/false") as network,
        network.agent("harbour", BRIDGE) as agent,
    ):
        lacks: list[str | None] = []

        def knows_the_network() -> bool:
            seen = agent.ask(ReadBridge(), BridgeSeen, 10)
            lacks.append(seen.lack)
            time.sleep(0.5)
            return seen.has_directory

        wait_for("the bridge to know the network", knows_the_network, deadline_s=90)
        assert lacks[-1] == "its obfs4proxy does not run"
