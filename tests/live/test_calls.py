"""One call by each method over a running lab, from the command line to the record."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from live_lab import LiveLab
from valid_calls import call

from lab.measure.capture import read_capture
from lab.measure.rtp import streams

pytestmark = pytest.mark.live

CLIP_S = 30.0
GOOD_MOS = 4.0
"""Below any score seen on a valid unloaded call (4.39), above any that lost voice."""
GOOD_MOS_OF_A_WINDOW = 3.7
"""A window has less speech than a clip, and one lost packet weighs more."""

KBPS_AT_THE_EXIT = {"sip": (80, 92), "vpn": (100, 130), "v-tor": (100, 135)}
"""Ethernet level, G.711 in packets of 20 ms: 85.6 bare, the tunnel's headers on top."""


@pytest.mark.parametrize(
    ("method", "duration"),
    [("sip", "12s"), pytest.param("vpn", "45s", marks=pytest.mark.slow), ("v-tor", "30s")],
)
def test_a_call_is_heard_measured_and_kept(paper: LiveLab, method: str, duration: str) -> None:
    record = call(paper, method, "--duration", duration)
    if record["duration_s"] > CLIP_S:
        check_series(record)
    for end in ("caller", "callee"):
        if record["duration_s"] <= CLIP_S:
            assert record[f"{end}_pesq_mos"] >= GOOD_MOS
        assert record[f"{end}_loss_pct"] == 0
        assert 0 < record[f"{end}_owd_ms_p50"] < 50
        assert record[f"{end}_owd_ms_p50"] <= record[f"{end}_owd_ms_p95"]
    low, high = KBPS_AT_THE_EXIT[method]
    assert low < record["kbps_exit_eth"] < high
    assert record["kbps_exit_ip"] < record["kbps_exit_eth"]
    assert record["codec_negotiated"] == "PCMU"
    assert record["congestion_control"] == "cubic"
    assert record["pbx"] in {"kamailio", "freeswitch"}
    assert record["rtt_ms"] > 0
    assert record["setup_ms"] > 0
    if method == "sip":
        assert record["kbps_tunnel_ip"] is None
    else:
        assert record["tunnel_setup_ms"] > 0
        assert record["kbps_tunnel_ip"] < record["kbps_access_ip"]
    if method == "v-tor":
        check_circuit(paper, record)
    else:
        assert record["circuit"] is record["guard"] is None
    check_exchange(record)
    check_kept(paper, record)


def check_exchange(record: dict[str, Any]) -> None:
    """It was seen to pass on what came, at once, and nothing else."""
    wanted = {"kamailio": "number", "freeswitch": "payload"}
    assert record["pbx_matched_by"] == wanted[record["pbx"]]
    for end in ("caller", "callee"):
        assert record[f"pbx_to_{end}_packets_in"] > 50 * record["duration_s"]
        assert (record[f"pbx_to_{end}_dropped"], record[f"pbx_to_{end}_made_up"]) == (0, 0)
        assert 0 < record[f"pbx_to_{end}_delay_ms_p50"] < 3


def check_series(record: dict[str, Any]) -> None:
    """Longer than the clip of 30 s: heard to its end, with windows instead of one PESQ."""
    assert record["duration_s"] == 45
    scores = json.loads((Path(record["artefacts"]) / "scores.json").read_text())
    for end in ("caller", "callee"):
        assert record[f"{end}_pesq_mos"] is None
        windows = scores[end]["windows"]
        assert (record[f"{end}_windows"], record[f"{end}_windows_lost"]) == (len(windows), 0)
        # Of the clip; in the recording more or less, as the delay changes meanwhile.
        assert all(7.5 <= window["end_s"] - window["start_s"] <= 12.5 for window in windows)
        assert record[f"{end}_window_mos_min"] >= GOOD_MOS_OF_A_WINDOW
        assert windows[-1]["end_s"] > 45
        assert scores[end]["passes"] == pytest.approx(1.5, abs=0.02)


def test_opus_goes_through_tor_in_long_packets(paper: LiveLab) -> None:
    """By the other telephone program, whose media bind to no address: none may leave the tunnel."""
    ptime_ms = 40 if paper.status()["pbx"] == "kamailio" else 20  # FreeSWITCH has no other
    coding = ("--codec", "OPUS", "--ptime", str(ptime_ms), "--bitrate", "32")
    record = call(paper, "v-tor", *coding, "--duration", "10s")
    assert record["phone"].startswith("baresip 1.0")
    assert (record["codec"], record["codec_negotiated"]) == ("OPUS", "OPUS")
    assert (record["ptime_ms"], record["bitrate_kbps"]) == (ptime_ms, 32)
    for end in ("caller", "callee"):
        assert record[f"{end}_pesq_mos"] > record["pesq_ceiling_mos"] - 0.3
        assert record[f"{end}_loss_pct"] == 0
    assert record["kbps_tunnel_ip"] < 55 < record["kbps_exit_eth"] < 100
    check_circuit(paper, record)
    access = read_capture(Path(record["artefacts"]) / "access.pcap")
    assert streams(access) == ()


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        pytest.param(
            ("--vad", "on"),
            "lab: voice activity detection on, playout fixed 200 ms",
            marks=pytest.mark.slow,
        ),
        (
            ("--phone", "studies"),
            "studies: voice activity detection on, playout adaptive from 0 ms",
        ),
    ],
    ids=["--vad on", "--phone studies"],
)
def test_pauses_are_left_out_where_that_is_asked(
    paper: LiveLab, words: tuple[str, str], settings: str
) -> None:
    record = call(paper, "sip", *words, "--duration", "12s")
    assert record["vad"] is True
    assert record["phone_settings"].startswith(settings)
    for end in ("caller", "callee"):
        assert record[f"{end}_pauses"] > 0
        assert 3 < record[f"{end}_pause_pct"] < 50
        assert record[f"{end}_loss_pct"] == 0
        assert record[f"{end}_jitter_mean"] < 5


def test_playout_is_what_was_asked_for(paper: LiveLab) -> None:
    """As the phone's own stream reports it; what is heard waits less, but not at all times."""
    record = call(paper, "sip", "--playout", "adaptive:60", "--duration", "10s")
    assert record["playout"] == "adaptive from 60 ms, at most 2000 ms"
    for end in ("caller", "callee"):
        assert record[f"{end}_pesq_mos"] > 2.5
        assert record[f"{end}_emodel_r"] > 80


def check_circuit(lab: LiveLab, record: dict[str, Any]) -> None:
    """The circuit is the topology's, by name and by fingerprint; cells make it dear."""
    assert record["circuit"] == "authority relay1 relay2"
    assert [record[hop] for hop in ("guard", "middle", "exit")] == ["authority", "relay1", "relay2"]
    told = json.loads((lab.project / "nodes/caller/tor/network.json").read_text())["relays"]
    wanted = [told[name] for name in ("authority", "relay1", "relay2")]
    assert record["caller_circuit"].split() == wanted
    assert record["circuit_build_ms"] > 0
    assert record["kbps_access_eth"] > 1.5 * record["kbps_exit_eth"]


def check_kept(lab: LiveLab, record: dict[str, Any]) -> None:
    """The files of the call are in the results, and its row is in the database."""
    kept = Path(record["artefacts"])
    assert kept.parent == lab.lab.home / "results" / "calls"
    files = {path.name for path in kept.iterdir()}
    assert files >= {"caller.wav", "callee.wav", "access.pcap", "callee.pcap", "exit.pcap"}
    assert list((lab.project / "calls").iterdir()) == []
    with sqlite3.connect(lab.lab.home / "results" / "results.sqlite") as database:
        rows = database.execute(
            "SELECT status, method FROM calls WHERE call_id = ?", [record["call_id"]]
        ).fetchall()
    assert rows == [("ok", record["method"])]
    [again] = lab.lab.json("measure", record["call_id"])
    assert (again["stored"], again["changed"]) == (True, {}), "the same row from the same files"
