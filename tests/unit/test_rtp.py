"""RTP streams: found by their headers, named by payload type, judged by their numbers."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forged_packets import (
    CALLEE,
    CALLER,
    START_NS,
    Frame,
    ethernet,
    ipv4,
    rtp,
    udp,
    voice,
    write,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.measure.capture import read_capture
from lab.measure.gaps import gaps
from lab.measure.rtp import Stream, streams
from lab.measure.stream_report import stream_report


def found(tmp_path: Path, frames: Sequence[Frame]) -> tuple[Stream, ...]:
    return streams(read_capture(write(tmp_path / "call.pcap", frames)))


def only(tmp_path: Path, frames: Sequence[Frame]) -> Stream:
    (stream,) = found(tmp_path, frames)
    return stream


def test_a_clean_stream(tmp_path: Path) -> None:
    stream = only(tmp_path, voice(100))
    report = stream_report(stream)
    assert (report.ssrc, report.codec, report.clock_rate_hz) == ("0xabcd1234", "PCMU", 8000)
    assert (report.source, report.destination) == (f"{CALLER}:4000", f"{CALLEE}:5000")
    assert (report.packets, report.lost, report.duplicates, report.reordered) == (100, 0, 0, 0)
    assert report.ptime_ms == 20
    assert report.duration_s == pytest.approx(1.98)
    assert report.kbps_ip == pytest.approx(100 * 200 * 8 / 1.98 / 1000)
    assert stream.payload(7) == (7).to_bytes(4, "big") * 40


def test_both_directions_and_other_calls_are_told_apart(tmp_path: Path) -> None:
    frames = [
        *voice(50, ssrc=1),
        *voice(50, ssrc=2, source=CALLEE, destination=CALLER),
        *voice(50, ssrc=1, source_port=4002),
    ]
    ends = {
        (stream.ssrc, str(stream.source), stream.source_port) for stream in found(tmp_path, frames)
    }
    assert ends == {(1, CALLER, 4000), (2, CALLEE, 4000), (1, CALLER, 4002)}


def test_only_the_wanted_port(tmp_path: Path) -> None:
    path = write(tmp_path / "two.pcap", [*voice(20, ssrc=1), *voice(20, ssrc=2, source_port=9)])
    assert [stream.ssrc for stream in streams(read_capture(path), frozenset({9}))] == [2]


def test_what_only_looks_like_rtp(tmp_path: Path) -> None:
    """RTCP, chance bytes and too few packets are no streams."""
    generator = np.random.default_rng(5)
    rtcp = [udp(struct.pack(">BBHI", 0x80, 200, 6, 77) + bytes(20)) for _ in range(20)]
    noise = [udp(b"\x80\x00" + generator.bytes(100), 53, 53) for _ in range(200)]
    # One SSRC all the time, but numbers that follow no order.
    scattered = [
        udp(rtp(int(number), 0, ssrc=9), 7, 7) for number in generator.integers(0, 65536, 200)
    ]
    frames = [
        Frame(START_NS + index, ethernet(ipv4(datagram)))
        for index, datagram in enumerate(rtcp + noise + scattered)
    ]
    assert found(tmp_path, [*frames, *voice(4)]) == ()


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(lambda n: rtp(7, 0, b"", payload_type=20), id="keep-alives all alike"),
        pytest.param(lambda n: rtp(7, 160 * n), id="one number for ever"),
        pytest.param(lambda n: rtp(n % 2, 160 * n), id="two numbers in turn"),
        pytest.param(lambda n: rtp(n // 40, 160 * (n // 40)), id="few numbers, each often"),
        pytest.param(lambda n: rtp(0x8000, n, bytes(30), ssrc=0), id="constant bytes, as of games"),
        pytest.param(lambda n: rtp(1 + 9999 * n, 160 * n), id="steps that never follow"),
    ],
)
@pytest.mark.parametrize("count", [5, 6, 20, 200])
@pytest.mark.filterwarnings("error")
def test_a_flow_that_is_no_stream_leaves_the_others_alone(
    tmp_path: Path, header: Callable[[int], bytes], count: int
) -> None:
    foreign = [
        Frame(START_NS + 7 + n * 5_000_000, ethernet(ipv4(udp(header(n), 4500, 4500))))
        for n in range(count)
    ]
    frames = sorted([*voice(100, ssrc=1), *foreign], key=lambda frame: frame.time_ns)
    assert [stream.ssrc for stream in found(tmp_path, frames)] == [1]


def test_packets_that_a_capture_shows_several_times_are_counted_once(tmp_path: Path) -> None:
    frames = [frame for frame in voice(100) for _ in range(4)]
    stream = only(tmp_path, frames)
    assert (len(stream), stream.duplicates) == (100, 300)


headers = st.fixed_dictionaries(
    {
        "sequence": st.integers(0, 65535) | st.integers(0, 30),
        "timestamp": st.integers(0, 2**32 - 1) | st.integers(0, 5000),
        "payload": st.binary(max_size=6),
        "payload_type": st.sampled_from([0, 8, 13, 96, 101, 111]),
    }
)


@pytest.mark.filterwarnings("error")
@settings(max_examples=200, deadline=None)
@given(
    foreign=st.lists(headers, min_size=1, max_size=40),
    times=st.lists(st.integers(0, 10_000_000_000), min_size=40, max_size=40),
    in_turn=st.booleans(),
)
def test_nothing_that_looks_like_rtp_kills_the_report_of_a_file(
    tmp_path_factory: pytest.TempPathFactory,
    foreign: list[dict[str, Any]],
    times: list[int],
    in_turn: bool,
) -> None:
    if in_turn:
        foreign = [header | {"sequence": number} for number, header in enumerate(foreign)]
    frames = voice(100, ssrc=1)
    for header, time_ns in zip(foreign, times, strict=False):
        datagram = udp(rtp(**header, ssrc=2), 6000, 6000)
        frames.append(Frame(START_NS + time_ns, ethernet(ipv4(datagram))))
    path = write(tmp_path_factory.mktemp("foreign") / "call.pcap", frames)
    reports = [stream_report(stream) for stream in streams(read_capture(path))]
    assert (reports[0].ssrc, reports[0].packets) == ("0x00000001", 100)
    json.dumps([report.to_dict() for report in reports], allow_nan=False)


def test_numbers_wrap_around(tmp_path: Path) -> None:
    stream = only(tmp_path, voice(100, first_sequence=65500, first_timestamp=2**32 - 800))
    assert stream_report(stream).lost == 0
    assert np.all(np.diff(stream.sequence) == 1)
    assert np.all(np.diff(stream.timestamp) == 160)


def test_loss_duplicates_and_reordering(tmp_path: Path) -> None:
    frames = voice(100, skip=frozenset({10, 50, 51, 52}))
    late = frames.pop(20)
    frames.insert(23, Frame(frames[22].time_ns + 1, late.octets))
    frames.append(Frame(frames[-1].time_ns + 1, frames[80].octets))
    stream = only(tmp_path, frames)
    report = stream_report(stream)
    assert report.packets == 96
    assert report.lost == 4
    assert report.loss_pct == pytest.approx(4.0)
    assert (report.duplicates, report.reordered) == (1, 1)
    assert (report.gaps.lost_runs, report.gaps.lost_run_max) == (2, 3)
    assert report.gaps.talk_pauses == 0


def test_a_restarted_numbering_is_not_loss(tmp_path: Path) -> None:
    second = voice(
        50, first_sequence=30000, first_timestamp=9_000_000, start_ns=START_NS + 50 * 20_000_000
    )
    report = stream_report(only(tmp_path, [*voice(50), *second]))
    assert (report.packets, report.lost, report.restarts) == (100, 0, 1)
    assert report.jitter.max == 0


def test_a_stray_packet_is_left_out(tmp_path: Path) -> None:
    frames = voice(100)
    frames[40] = voice(1, first_sequence=40000, start_ns=frames[40].time_ns)[0]
    stream = only(tmp_path, frames)
    assert (stream.strays, stream_report(stream).lost) == (1, 1)


def test_csrc_list_and_header_extension_are_no_payload(tmp_path: Path) -> None:
    frames = []
    for number in range(10):
        plain = rtp(number, 160 * number, b"voice")
        extension = struct.pack(">II", 1, 2) + struct.pack(">HHI", 0xBEDE, 1, 3)
        header = bytes([0x80 | 0x10 | 2]) + plain[1:12]
        datagram = udp(header + extension + plain[12:])
        frames.append(Frame(START_NS + number * 20_000_000, ethernet(ipv4(datagram))))
    stream = only(tmp_path, frames)
    assert {stream.payload(packet) for packet in range(10)} == {b"voice"}
    assert set(stream.payload_bytes.tolist()) == {5}


@pytest.mark.parametrize(
    ("payload_type", "step", "payload", "name", "clock_rate_hz", "certain"),
    [
        (0, 160, bytes(160), "PCMU", 8000, True),
        (8, 160, bytes(160), "PCMA", 8000, True),
        (3, 160, b"\xd2" * 33, "GSM", 8000, True),
        (9, 160, bytes(160), "G722", 8000, True),
        (120, 960, b"\x78" * 90, "OPUS", 48000, False),
        (97, 160, b"\x28" + bytes(37), "SPEEX", 8000, False),
        (97, 160, b"\xff" * 38, "DYNAMIC", 8000, False),
        (99, 320, b"\x28" + bytes(37), "DYNAMIC", 16000, False),
    ],
)
def test_codec_and_clock(
    tmp_path: Path,
    payload_type: int,
    step: int,
    payload: bytes,
    name: str,
    clock_rate_hz: int,
    certain: bool,
) -> None:
    frames = voice(50, payload_type=payload_type, timestamp_step=step, payloads=[payload] * 50)
    codec = only(tmp_path, frames).codec
    assert (codec.name, codec.clock_rate_hz, codec.certain) == (name, clock_rate_hz, certain)


def test_a_talkers_pause_is_no_network_gap(tmp_path: Path) -> None:
    """Numbers go on and timestamps jump: silence suppression."""
    later = voice(
        50,
        first_sequence=1050,
        first_timestamp=5000 + 160 * 100,
        start_ns=START_NS + 100 * 20_000_000,
    )
    found_gaps = gaps(only(tmp_path, [*voice(50), *later]))
    assert found_gaps.voice_activity_detection
    assert found_gaps.talk_pauses == 1
    assert found_gaps.talk_pause_total_ms == pytest.approx(1000)
    assert (found_gaps.network_gaps, found_gaps.lost_runs) == (0, 0)
    assert found_gaps.interarrival_max_ms == pytest.approx(1020)


def test_a_network_gap_is_no_talkers_pause(tmp_path: Path) -> None:
    """Everything waits in the network for half a second, then comes at once."""
    delays = [max(0.0, 500.0 - 20 * (n - 40)) if n >= 40 else 0.0 for n in range(100)]
    found_gaps = gaps(only(tmp_path, voice(100, delays_ms=delays)))
    assert not found_gaps.voice_activity_detection
    assert found_gaps.network_gaps == 1
    assert found_gaps.network_gap_max_ms == pytest.approx(500)


def test_comfort_noise_is_silence_suppression_too(tmp_path: Path) -> None:
    frames = voice(50)
    frames[20] = voice(1, first_sequence=1020, first_timestamp=5000 + 3200, payload_type=13)[0]
    frames[20] = Frame(START_NS + 20 * 20_000_000, frames[20].octets)
    stream = only(tmp_path, frames)
    assert stream.codec.name == "PCMU"
    assert gaps(stream).voice_activity_detection
