"""Both ends behind Tor: each with a circuit of its own, seen on the wire, and one that closes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from lab_command import ended, things_of, wait_for
from live_lab import LiveLab
from tor_streams import cut_one
from valid_calls import call

from lab.measure.capture import read_capture
from lab.wire.ports import MUMBLE_PORT

pytestmark = pytest.mark.live

BOTH = ("--anonymous", "both", "--duration", "10s")
ENDS_WITHIN_S = 120
FLOWS_BYTES = 100_000
"""What is captured on the callee's link within two seconds of voice."""


def addresses_of(paper: LiveLab, node: str) -> set[str]:
    """The node's addresses."""
    [found] = [each for each in paper.status()["nodes"] if each["node"] == node]
    return {link["address"] for link in found["links"]}


@pytest.mark.parametrize(
    ("method", "alone_kbps"),
    [("v-tor", (100, 135)), pytest.param("m-tor", (60, 95), marks=pytest.mark.slow)],
)
def test_each_end_reaches_the_server_over_its_own_circuit(
    paper: LiveLab, method: str, alone_kbps: tuple[int, int]
) -> None:
    record = call(paper, method, *BOTH)
    assert record["anonymous"] == "both"
    known = json.loads((paper.project / "nodes/callee/tor/network.json").read_text())["relays"]
    for names, fingerprints in (("circuit", "caller_circuit"), ("callee_relays", "callee_circuit")):
        relays = record[names].split()
        assert len(set(relays)) == 3
        assert record[fingerprints].split() == [known[name] for name in relays]
    assert record["callee_exit"] != record["exit"]
    assert record["relays_in_both"] == 3, "the paper's network has no more"
    low, high = alone_kbps
    for point in ("exit", "callee_exit"):
        for way in ("", "_back"):
            assert low < record[f"kbps_{point}_eth{way}"] < high
    assert record["kbps_callee_access_eth"] > 1.5 * record["kbps_callee_exit_eth"], "cells"
    assert record["callee_rtt_ms"] > 0
    for end in ("caller", "callee"):
        assert record[f"{end}_loss_pct"] == 0
        assert record[f"{end}_pesq_mos"] > record["pesq_ceiling_mos"] - 0.4
    capture = read_capture(Path(record["artefacts"]) / "callee_access.pcap")
    seen = {str(address) for address in capture.addresses}
    guard, server = addresses_of(paper, record["callee_guard"]), addresses_of(paper, "server")
    assert seen & guard
    assert not seen & server, "everything takes the circuit"


@pytest.mark.parametrize(
    ("method", "port"),
    [pytest.param("v-tor", 1194, marks=pytest.mark.slow), ("m-tor", MUMBLE_PORT)],
)
def test_the_callees_circuit_closes_in_mid_call(
    able_host: DockerClient, paper: LiveLab, method: str, port: int
) -> None:
    before = things_of(able_host, paper.name)
    calls = paper.project / "calls"
    left_by_others = set(calls.iterdir())
    process = paper.lab.start(
        "call", method, "--name", paper.name, "--json", "--anonymous", "both", "--duration", "20s"
    )

    def cut_in_mid_call() -> bool:
        # On a link that has a delay line a capture is in parts until the call is over.
        mine = set(calls.iterdir()) - left_by_others
        captured = [file.stat().st_size for own in mine for file in own.glob("callee_access.*")]
        flows = max(captured, default=0) > FLOWS_BYTES
        return flows and cut_one(able_host, paper.name, "callee", port) == 1

    try:
        wait_for("stream under voice to cut", cut_in_mid_call, deadline_s=60)
        cut_at = time.monotonic()
    finally:
        done = ended(process, ENDS_WITHIN_S)
    assert time.monotonic() - cut_at < ENDS_WITHIN_S
    record: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, record["status"], record["valid"]) == (1, "failed", False)
    assert "the callee's circuit ended: " in record["reason"]
    assert record["callee_relays"], "as it was built"
    assert not any("the circuit ended" in reason for reason in record["invalid_reasons"])
    assert list(calls.iterdir()) == []
    assert things_of(able_host, paper.name) == before, "no probe, no barrier is left"
    assert paper.status()["problems"] == []
