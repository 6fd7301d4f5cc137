"""WebRTC calls in a lab: relayed over TCP, straight and through Tor, and by no other way."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from docker import DockerClient
from lab_command import ended, nodes_of, wait_for
from live_lab import LiveLab
from valid_calls import call

from lab.measure.capture import read_capture
from lab.wire.ports import TURN_PORT

pytestmark = pytest.mark.live

UDP = 17
BOTH_THERE = f"test $(grep -c ':{TURN_PORT:04X} [0-9A-F:]* 01 ' /proc/net/tcp) -ge 2"
"""Two connections to the server are established."""


@pytest.mark.parametrize(
    ("method", "fec"), [pytest.param("webrtc", "off", marks=pytest.mark.slow), ("w-tor", "on")]
)
def test_a_call_is_carried_and_scored(paper: LiveLab, method: str, fec: str) -> None:
    record = call(paper, method, "--duration", "15s", "--fec", fec)
    assert record["codec_negotiated"] == "OPUS"
    assert record["pbx"] == "coturn"
    assert record["fec"] == (fec == "on")
    assert ("in-band FEC" in record["encoder"]) == (fec == "on")
    assert record["callee_loss_pct"] == record["caller_loss_pct"] == 0
    assert record["caller_owd_ms_p50"] > 0
    assert record["rtt_ms"] > 0
    assert record["kbps_tunnel_ip"] is None
    assert record["kbps_exit_eth"] < record["kbps_access_eth"] * 1.1
    assert (record["circuit"] is not None) == (method == "w-tor")
    assert record["callee_pesq_mos"] > 4.3
    assert record["caller_pesq_mos"] > 4.3
    for point in ("access", "callee"):
        assert not (read_capture(Path(record["artefacts"]) / f"{point}.pcap").protocol == UDP).any()
    [again] = paper.lab.json("measure", record["call_id"])
    assert (again["stored"], again["changed"]) == (True, {}), "the same row from the same files"


def test_status_and_up_tell_of_the_turn_server(paper: LiveLab) -> None:
    assert paper.said["turn"] == paper.status()["turn"] == {"turn": {"tcp_port": 3478}}


def test_a_turn_server_that_ends_under_the_call_is_how_it_failed(
    paper: LiveLab, able_host: DockerClient
) -> None:
    turn = able_host.containers.get(nodes_of(able_host, paper.name)["turn"]["Id"])
    process = paper.lab.start("call", "webrtc", "--name", paper.name, "--json")
    wait_for("both phones", lambda: turn.exec_run(["sh", "-c", BOTH_THERE]).exit_code == 0, 60)
    time.sleep(3)  # into the talk
    turn.restart(timeout=0)
    done = ended(process, 60)
    record = json.loads(done.stdout)
    assert (done.returncode, record["status"], record["valid"]) == (1, "failed", False)
    assert "the TURN server ended the connection" in record["reason"]
    assert record["caller_pesq_mos"] is record["callee_pesq_mos"] is None
