"""What arrivals are the marks of: made ones of each kind, mixed ones, and too few to tell."""

from __future__ import annotations

import json
import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from field_sample import FIELD
from field_tree import needs_field
from forged_packets import voice, write

from lab.cli.rtp import command
from lab.measure.arrivals import FLOODS, RANDOM, STEADY, Diagnosis, diagnose
from lab.measure.bursts import bursts
from lab.measure.capture import read_capture
from lab.measure.rtp import Stream, streams

PTIME_MS = 20.0
RNG = np.random.default_rng(15)


def arriving(tmp_path: Path, delays_ms: Sequence[float], name: str = "call.pcap") -> Stream:
    """Packets of 20 ms, each so much later than it was sent."""
    (stream,) = streams(
        read_capture(write(tmp_path / name, voice(len(delays_ms), delays_ms=list(delays_ms))))
    )
    return stream


def nagle(packets: int, round_trip_ms: float) -> list[float]:
    """What was sent meanwhile leaves together whenever a round trip is over."""
    sent = np.arange(packets) * PTIME_MS
    left = np.ceil((sent + 1) / round_trip_ms) * round_trip_ms
    return list(left - sent + 50)


def queue(packets: int, spread_ms: float) -> list[float]:
    """Independent waits, but none overtakes another."""
    sent = np.arange(packets) * PTIME_MS
    arrived = np.maximum.accumulate(sent + RNG.gamma(1.0, spread_ms / 3, packets))
    return list(arrived - sent + 30)


def repaired(packets: int, gaps_ms: Sequence[float], base: Sequence[float]) -> list[float]:
    """From time to time nothing comes until all of it does."""
    sent = np.arange(packets) * PTIME_MS
    arrived = sent + np.array(base)
    for number, gap_ms in enumerate(gaps_ms, start=1):
        at = sent[number * packets // (len(gaps_ms) + 1)]
        arrived = np.where((arrived > at) & (arrived < at + gap_ms), at + gap_ms, arrived)
    return list(np.maximum.accumulate(arrived) - sent)


@pytest.mark.parametrize("round_trip_ms", [60, 100, 120])
def test_steady_bursts_are_what_nagle_makes_of_a_round_trip(
    tmp_path: Path, round_trip_ms: float
) -> None:
    told = diagnose(arriving(tmp_path, nagle(1000, round_trip_ms)))
    assert told.kinds == (STEADY,)
    assert told.text is not None
    assert f"every {round_trip_ms} ms" in told.text
    assert f"Nagle's algorithm makes of a round trip of about {round_trip_ms} ms" in told.text
    assert "2.7 packets in cells, 6 in a tunnel" in told.text
    assert told.text.endswith("if they were sent evenly"), "only one capture is known"


def test_a_sender_in_bursts_is_no_network(tmp_path: Path) -> None:
    """The same arrivals, of packets that left evenly and of packets that left so."""
    bursty = arriving(tmp_path, nagle(1000, 100), "received.pcap")
    even = arriving(tmp_path, [0.0] * 1000, "sent.pcap")
    told = diagnose(bursty, even)
    assert told.kinds == (STEADY,)
    assert "if they" not in str(told.text)
    assert diagnose(bursty, bursty) == Diagnosis()


def test_round_trips_that_vary_are_said_not_to_set_the_pace(tmp_path: Path) -> None:
    sent = np.arange(1200) * PTIME_MS
    edges = np.cumsum(np.tile([40.0, 120.0, 60.0, 100.0], 200))
    left = edges[np.searchsorted(edges, sent + 1)]
    told = diagnose(arriving(tmp_path, list(left - sent)))
    assert told.kinds == (STEADY,)
    assert "none alone sets the pace" in str(told.text)


def test_bursts_of_more_than_a_segment_are_not_nagles(tmp_path: Path) -> None:
    assert STEADY not in diagnose(arriving(tmp_path, nagle(1500, 300))).kinds


def test_bursts_at_random_times_are_not_steady(tmp_path: Path) -> None:
    sent = np.arange(1500) * PTIME_MS
    edges = np.cumsum(RNG.exponential(70, 1000))
    left = edges[np.searchsorted(edges, sent + 1)]
    assert diagnose(arriving(tmp_path, list(left - sent))) == Diagnosis()


@pytest.mark.parametrize("spread_ms", [40, 80, 160])
def test_random_late_ones_are_queues(tmp_path: Path, spread_ms: float) -> None:
    told = diagnose(arriving(tmp_path, queue(1500, spread_ms)))
    assert told.kinds == (RANDOM,)
    assert "what queues on the way make" in str(told.text)


def test_a_queue_that_fills_and_empties_slowly_is_one(tmp_path: Path) -> None:
    """Hardly any jitter: each packet waits as long as the one before, but for a little."""
    waits = 100 + 80 * np.sin(np.arange(1500) / 60) + RNG.normal(0, 1, 1500)
    told = diagnose(arriving(tmp_path, list(waits)))
    assert told.kinds == (RANDOM,)


@pytest.mark.parametrize("gaps_ms", [(250, 400), (300, 620, 900, 350)])
def test_floods_behind_long_gaps_are_repaired_losses(
    tmp_path: Path, gaps_ms: Sequence[float]
) -> None:
    told = diagnose(arriving(tmp_path, repaired(1500, gaps_ms, [30.0] * 1500)))
    assert told.kinds == (FLOODS,)
    assert told.text is not None
    assert told.text.startswith(f"{len(gaps_ms)} gaps of ")
    assert told.text.endswith("loss repaired by TCP, or a sender that stood still")


def test_a_sender_that_stood_still_repairs_nothing(tmp_path: Path) -> None:
    late = repaired(1500, (300, 400, 500), [0.0] * 1500)
    received = arriving(tmp_path, [each + 30 for each in late], "received.pcap")
    stood = arriving(tmp_path, late, "stood.pcap")
    even = arriving(tmp_path, [0.0] * 1500, "sent.pcap")
    assert diagnose(received, stood) == Diagnosis()
    told = diagnose(received, even)
    assert told.kinds == (FLOODS,)
    assert str(told.text).endswith("loss repaired by TCP")


def test_both_are_said_where_both_are(tmp_path: Path) -> None:
    told = diagnose(arriving(tmp_path, repaired(1500, (500, 700), nagle(1500, 100))))
    assert told.kinds == (STEADY, FLOODS)
    assert told.kind == "steady bursts and floods"
    told = diagnose(arriving(tmp_path, repaired(1500, (500, 700), queue(1500, 60))))
    assert told.kinds == (RANDOM, FLOODS)


def test_a_gap_in_which_packets_were_lost_is_no_repair(tmp_path: Path) -> None:
    """Nothing comes for 400 ms, and what was sent meanwhile never does."""
    lost = {number for begin in (400, 800, 1100) for number in range(begin, begin + 20)}
    packets = [packet for number, packet in enumerate(voice(1500)) if number not in lost]
    (stream,) = streams(read_capture(write(tmp_path / "lossy.pcap", packets)))
    assert len(stream) == 1440
    assert diagnose(stream) == Diagnosis()


@pytest.mark.parametrize(
    "delays_ms",
    [
        [30.0] * 1500,
        list(30 + RNG.uniform(0, 3, 1500)),
        nagle(200, 100),
        nagle(260, 300),
        repaired(1500, (500,), [30.0] * 1500),
        repaired(1500, (120, 150, 140), [30.0] * 1500),
    ],
    ids=["even", "hardly uneven", "4 s", "few bursts", "one flood", "short gaps"],
)
def test_no_word_where_the_evidence_is_thin(tmp_path: Path, delays_ms: list[float]) -> None:
    assert diagnose(arriving(tmp_path, delays_ms)) == Diagnosis()


def test_lab_rtp_tells_bursts_and_what_they_mark(tmp_path: Path) -> None:
    capture = write(tmp_path / "call.pcap", voice(1000, delays_ms=nagle(1000, 100)))
    (stream,) = json.loads(told(str(capture), "--json"))["captures"][0]["streams"]
    assert stream["bursts"] == {"mean": 5.0, "p95": 5.0, "gap_ms_p50": 100.0, "share": 1.0}
    assert stream["diagnosis"]["kind"] == STEADY
    plain = " ".join(told(str(capture)).split())
    assert "5.00" in plain


def told(*arguments: str) -> str:
    done = CliRunner().invoke(command, list(arguments), standalone_mode=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@needs_field
def test_bursts_of_the_field_are_those_of_an_independent_count(tmp_path: Path) -> None:
    """Every capture, read and counted anew with nothing but `struct` and whole microseconds."""
    compared = 0
    for path in sorted((FIELD / "Sample-Raw-Data").rglob("*.pcap")):
        plain = {ssrc: times for ssrc, times in plain_arrivals(path) if len(times) > 100}
        ours = {stream.ssrc: stream for stream in streams(read_capture(path)) if len(stream) > 100}
        assert plain.keys() == ours.keys(), path
        for ssrc, times_us in plain.items():
            found = bursts(np.sort(ours[ssrc].time_ns))
            assert found is not None
            assert found.to_dict() == pytest.approx(plain_bursts(times_us), rel=1e-12), path
            compared += 1
    assert compared == 36


def plain_arrivals(path: Path) -> Iterator[tuple[int, list[int]]]:
    """SSRC and times of arrival, us, of the first packets of each number, in a raw IPv4 capture."""
    content = path.read_bytes()
    magic, link = content[:4], struct.unpack_from("<I", content, 20)[0]
    assert (magic, link) == (b"\xd4\xc3\xb2\xa1", 101), "microseconds, raw IP"
    at, times, seen = 24, defaultdict(list), set()
    while at < len(content):
        seconds, microseconds, captured, _ = struct.unpack_from("<IIII", content, at)
        ip = content[at + 16 : at + 16 + captured]
        at += 16 + captured
        head = 4 * (ip[0] & 15)
        if ip[0] >> 4 != 4 or ip[9] != 17 or len(ip) < head + 20:
            continue
        rtp = ip[head + 8 :]
        number, _, ssrc = struct.unpack_from("!HII", rtp, 2)
        if rtp[0] >> 6 != 2 or 192 <= rtp[1] <= 223 or (ssrc, number) in seen:
            continue
        seen.add((ssrc, number))
        times[ssrc].append(seconds * 10**6 + microseconds)
    yield from times.items()


def plain_bursts(times_us: list[int]) -> dict[str, float]:
    runs = [[times_us[0]]]
    for before, now in pairwise(times_us):
        if now - before <= 4000:
            runs[-1].append(now)
        else:
            runs.append([now])
    sizes = [len(run) for run in runs]
    gaps_ms = sorted((then[0] - run[0]) / 1000 for run, then in pairwise(runs))
    half = len(gaps_ms) // 2
    middle = gaps_ms[half] if len(gaps_ms) % 2 else (gaps_ms[half - 1] + gaps_ms[half]) / 2
    ordered, place = sorted(sizes), 0.95 * (len(sizes) - 1)
    low = int(place)
    above = ordered[min(low + 1, len(ordered) - 1)] - ordered[low]
    return {
        "mean": len(times_us) / len(runs),
        "p95": ordered[low] + (place - low) * above,
        "gap_ms_p50": middle,
        "share": sum(size for size in sizes if size > 1) / len(times_us),
    }
