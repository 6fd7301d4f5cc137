"""Versions of Tor and what the network decides, on real containers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from docker import DockerClient
from lab_command import LabCommand
from live_lab import LiveLab

from lab.topology.document import read_document
from lab.topology.load import find_topology

pytestmark = pytest.mark.live


def changed(tmp_path: Path, name: str, tor: dict[str, Any], **nodes: dict[str, Any]) -> Path:
    """A shipped topology with other keys of `tor` and of some nodes."""
    document = read_document(find_topology(name).read_text()).value
    document["tor"] = {**document.get("tor", {}), **tor}
    for node, keys in nodes.items():
        document["nodes"][node].update(keys)
    file = tmp_path / f"{name}.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


def test_every_relay_tells_its_version_and_consensus(paper: LiveLab) -> None:
    status = paper.status()
    assert status["relays"].keys() == {"authority", "relay1", "relay2"}
    for relay in status["relays"].values():
        assert relay["version"].startswith("0.4.9.")
        assert relay["consensus_parameters"] == {}
    stages = [stage["name"] for stage in paper.said["stages"]]
    assert "Tor: versions and settings read back" in stages


@pytest.mark.slow
def test_an_old_client_calls_over_new_relays_that_are_limited(
    able_host: DockerClient, lab: LabCommand, lab_name: str, tmp_path: Path
) -> None:
    file = changed(
        tmp_path,
        "small",
        {"scheduler": "kistlite", "congestion_control": "fixed"},
        caller={"tor_version": "0.4.5"},
        relay2={"bandwidth_rate": "4mbit"},
    )
    assert lab.run("up", str(file), "--name", lab_name).returncode == 0
    record = lab.json("call", "v-tor", "--name", lab_name, "--duration", "10s")
    assert record["status"] == "ok", record["reason"]
    assert record["tor_client"].startswith("0.4.5.")
    assert record["tor_exit"].startswith("0.4.9.")
    assert record["tor_options"]["relay2 BandwidthRate"] == "500000"
    assert record["tor_options"]["relay1 Schedulers"] == "KISTLite"
    assert record["consensus"]["cc_alg"] == 0
    assert not [reason for reason in record["invalid_reasons"] if "Tor" in reason]


@pytest.mark.slow
def test_a_call_is_split_over_two_linked_circuits(
    able_host: DockerClient, lab: LabCommand, lab_name: str, tmp_path: Path
) -> None:
    tor = {"congestion_control": "vegas", "conflux": "latency"}
    assert lab.run("up", str(changed(tmp_path, "world", tor)), "--name", lab_name).returncode == 0
    record = lab.json("call", "v-tor", "--name", lab_name, "--duration", "10s")
    assert record["status"] == "ok", record["reason"]
    assert record["conflux"] == "latency"
    one, other = (set(leg.split()) for leg in record["circuit_legs"])
    assert one & other == {record["exit"]}
    assert sum(record["circuit_leg_bytes"].values()) > 100_000
    assert not [reason for reason in record["invalid_reasons"] if "circuit" in reason]
