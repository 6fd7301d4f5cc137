"""The record of a WebRTC call, from the headers its phones logged and from what left past TCP."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from call_directory import DELAY_MS, HOME, OFFICE, SERVER, call_notes, make_directory, measured
from forged_packets import START_NS, Frame, ethernet, ipv4, tcp, udp, write

from lab.ends import EACH_END
from lab.measure.call.notes import CallNotes, Reports
from lab.measure.call.traffic import strayed_faults
from lab.wire.voice_client import Left, Playback
from lab.wire.webrtc import Connected, Described, WebrtcReport

SDP = "a=candidate:1 1 udp 41 10.0.0.9 50000 typ relay raddr 0.0.0.0 rport 0\r\n"
PLAYBACK = Playback(PurePosixPath("/calls/x/caller.wav"), 600, 600, 3, 0, 200.0, 220.0)
REPORT = WebrtcReport(
    described=Described(SDP),
    connected=Connected(1.0, 80.0, "aiortc 1", "libopus 1", "SRTP_AEAD_AES_256_GCM", False),
    left=Left(2.0, (PLAYBACK,), (8.0, 9.0, 10.0), 0.5, 20_000),
)


def notes_of(caller: WebrtcReport = REPORT) -> CallNotes:
    notes = call_notes("mumble")
    notes.path = replace(notes.arrived, no_udp=True)
    notes.exchange = "coturn"
    notes.reports = Reports("webrtc", caller, REPORT)
    return notes


def call(parent: Path, caller: WebrtcReport = REPORT) -> Path:
    """A call's directory; its RTP begins anywhere, and so does each direction's."""
    directory = make_directory(parent, notes_of(caller))
    for number, end in enumerate(EACH_END):
        other = EACH_END[1 - number]
        for log, delay_ms in ((f"{end}-sent", 0.0), (f"{other}-received", DELAY_MS)):
            rows = [
                f"{n},{7000 * (number + 1) + 960 * n},"
                f"{START_NS + n * 20_000_000 + round(delay_ms * 1e6)},100\n"
                for n in range(600)
            ]
            text = "sequence,timestamp,time_ns,bytes\n" + "".join(rows)
            (directory / f"{log}.csv").write_text(text)
    return directory


def test_delay_loss_and_what_the_phones_told_are_in_the_record(tmp_path: Path) -> None:
    record = measured(call(tmp_path))
    assert (record.status, record.invalid_reasons) == ("ok", [])
    assert record.codec_negotiated == "OPUS"
    assert record.caller_owd_ms_p50 == record.callee_owd_ms_p50 == pytest.approx(DELAY_MS)
    assert record.caller_loss_pct == record.callee_loss_pct == 0
    assert record.phone == "lab WebRTC phone, aiortc 1, libopus 1, SRTP_AEAD_AES_256_GCM"
    assert (record.setup_ms, record.rtt_ms, record.fec) == (80.0, 9.0, False)
    assert record.stalls == 0


def test_a_candidate_past_the_turn_server_makes_it_invalid(tmp_path: Path) -> None:
    host = SDP.replace("typ relay", "typ host")
    record = measured(call(tmp_path, replace(REPORT, described=Described(SDP + host))))
    assert not record.valid
    assert any("past the TURN server: host" in reason for reason in record.invalid_reasons)


@pytest.mark.parametrize(
    ("point", "source", "destination", "node"),
    [
        ("access", HOME, SERVER, "caller"),
        ("access", "10.77.16.9", HOME, "caller"),
        ("callee", OFFICE, HOME, "callee"),
    ],
)
def test_a_single_packet_of_udp_makes_it_invalid(
    tmp_path: Path, point: str, source: str, destination: str, node: str
) -> None:
    for name, home in (("access", HOME), ("callee", OFFICE)):
        octets = ethernet(ipv4(tcp(b"x"), home, SERVER, protocol=6))
        write(tmp_path / f"{name}.pcap", [Frame(START_NS + n, octets) for n in range(5)])
    assert strayed_faults(notes_of(), tmp_path) == []
    stun = Frame(START_NS, ethernet(ipv4(udp(b"stun"), source, destination)))
    write(tmp_path / f"{point}.pcap", [stun])
    [fault] = strayed_faults(notes_of(), tmp_path)
    assert fault == f"1 packets of UDP at {node}, whose voice is in TCP alone"
    tolerant = notes_of()
    tolerant.path = replace(tolerant.arrived, no_udp=False)
    assert strayed_faults(tolerant, tmp_path) == []
