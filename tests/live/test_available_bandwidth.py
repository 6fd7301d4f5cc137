"""What bandwidth a call's own circuit has left, by iperf3 through it when the call is over."""

from __future__ import annotations

from pathlib import Path

import pytest
from live_lab import LiveLab
from test_two_way_calls import addresses_of
from valid_calls import call

from lab.measure.call.notes import read_notes
from lab.measure.capture import read_capture
from lab.wire.ports import BANDWIDTH_PORT

pytestmark = pytest.mark.live

ASKED = ("--available", "on", "--duration", "10s")
LEAST_KBPS = 500
"""The lab's links have 100 Mbit/s; less than this is no circuit's own limit."""


@pytest.mark.parametrize("method", [pytest.param("v-tor", marks=pytest.mark.slow), "m-tor"])
def test_a_circuit_is_measured_when_its_call_is_over(paper: LiveLab, method: str) -> None:
    record = call(paper, method, *ASKED)
    assert record["available_reason"] is None
    assert record["available_kbps_down"] > LEAST_KBPS
    assert record["available_kbps_up"] > LEAST_KBPS
    assert record["versions"]["iperf3"].startswith("3.")
    assert record["circuit_seen"] == record["circuit"] == "authority relay1 relay2"
    assert record["circuit_cells"] < 5 * 50 * record["duration_s"], "cells of the call alone"
    directory = Path(record["artefacts"])
    notes = read_notes(directory)
    assert notes.available and notes.available.circuit
    after = notes.available.circuit
    targets = {stream.target.partition(":")[2] for stream in after.streams if stream.succeeded}
    assert (str(BANDWIDTH_PORT) in targets) == (method == "m-tor")
    assert all(stream.on_circuit for stream in after.streams if stream.succeeded)
    access = read_capture(directory / "access.pcap")
    assert not {str(address) for address in access.addresses} & addresses_of(paper, "server")
    assert record["kbps_access_eth"] < LEAST_KBPS, "captures had ended"


@pytest.mark.parametrize(
    "method",
    ["sip", *(pytest.param(slower, marks=pytest.mark.slow) for slower in ("vpn", "mumble"))],
)
def test_a_path_without_tor_is_measured_too(paper: LiveLab, method: str) -> None:
    record = call(paper, method, *ASKED)
    assert record["available_reason"] is None
    for way in ("down", "up"):
        assert 5_000 < record[f"available_kbps_{way}"] < 100_000


@pytest.mark.slow
def test_with_both_ends_anonymous_it_is_the_callers_circuit(paper: LiveLab) -> None:
    record = call(paper, "m-tor", *ASKED, "--anonymous", "both")
    assert record["available_kbps_down"] > LEAST_KBPS
    assert record["callee_circuit_seen"] == record["callee_relays"]
