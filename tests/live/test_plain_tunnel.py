"""The tunnel as the second study had it: neither cipher nor digest."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from docker import DockerClient
from lab_command import LabCommand, things_of
from live_lab import LiveLab
from valid_calls import call

from lab.topology.load import find_topology

pytestmark = [pytest.mark.live, pytest.mark.slow]


def test_a_tunnel_without_cipher_and_digest_costs_less_and_is_read_back(
    docker_client: DockerClient, able_host: DockerClient, lab: LabCommand, tmp_path: Path
) -> None:
    topology = tmp_path / "plain.yaml"
    plain = "\nvpn: {cipher: none, digest: none}\n"
    topology.write_text(find_topology("small").read_text() + plain)
    name = f"test-{secrets.token_hex(3)}"
    said = lab.json("up", str(topology), "--name", name)
    record = call(LiveLab(name, lab, said), "vpn", "--duration", "12s")
    lab.run("down", name)
    assert things_of(docker_client, name) == {}
    assert (record["cipher"], record["digest"]) == ("none", "none")
    assert (record["tunnel_cipher"], record["tunnel_digest"]) == ("none", "none")
    # 118.9 with AES-256-GCM (docs/measured.md).
    assert 108 < record["kbps_access_eth"] < 116
