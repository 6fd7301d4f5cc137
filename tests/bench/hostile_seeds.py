"""What the fuzzers begin with: the lab's own files, and small captures and recordings."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from forged_packets import (
    Frame,
    enhanced,
    ethernet,
    fragments,
    interface,
    ipv4,
    ipv6,
    obsolete,
    pcap,
    rtp,
    section,
    udp,
    voice,
)
from hostile_changes import packets_of
from hostile_readers import speech

from lab.checkout import EXPERIMENTS, ROOT, TOPOLOGIES
from lab.measure.speech import RATE_HZ

CASES = ROOT / "tests/cases"
SUFFIXES = {"capture": (".pcap", ".pcapng"), "recording": (".wav",)}
MANY = 20
PACKETS_OF_OTHERS = 60
SECONDS_OF_OTHERS = 6
LONGEST_CAPTURE = 20_000


def seeds(kind: str) -> list[bytes]:
    """Inputs of a kind that are right, of this project's own."""
    match kind:
        case "topology":
            return _texts(TOPOLOGIES)
        case "experiment":
            return _texts(EXPERIMENTS)
        case "capture":
            return [*_captures()]
        case _:
            return [*_recordings()]


def cases(kind: str) -> dict[str, bytes]:
    """Inputs by name that were found by a fuzzer and were not dealt with then."""
    return {path.name: path.read_bytes() for path in sorted((CASES / kind).glob("*"))}


def of_others(kind: str, directory: Path) -> list[bytes]:
    """The beginning of the captures or recordings in a directory tree, of every fifth of many."""
    paths = sorted(path for path in directory.rglob("*") if path.suffix in SUFFIXES.get(kind, ()))
    contents = (path.read_bytes() for path in paths[:: 5 if len(paths) > MANY else 1])
    if kind == "capture":
        return [_first_packets(content) for content in contents]
    return [content[: 44 + 2 * RATE_HZ * SECONDS_OF_OTHERS] for content in contents]


def _texts(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(directory.glob("*.yaml"))]


def _captures() -> Iterator[bytes]:
    there = voice(60)
    back = voice(60, source="10.0.0.2", destination="10.0.0.1", ssrc=7, payload_type=111)
    both = sorted([*there, *back], key=lambda frame: frame.time_ns)
    for order, tick_ns in (("<", 1000), (">", 1)):
        yield pcap(both, order=order, tick_ns=tick_ns)
    yield pcap([Frame(frame.time_ns, frame.octets[14:]) for frame in there], link=101)
    yield pcap([Frame(frame.time_ns, frame.octets[:85], 214) for frame in there])
    yield pcap([frame for n, frame in enumerate(there) if n % 7])
    yield pcap([Frame(f.time_ns - (n > 30) * 10**10, f.octets) for n, f in enumerate(there)])
    yield pcap([*there[:30], *voice(30, first_timestamp=9, payload_type=3)])
    start = there[0].time_ns
    whole = [udp(rtp(n, 960 * n, bytes(1900))) for n in range(20)]
    parts = [(n, part) for n, datagram in enumerate(whole) for part in fragments(datagram, 1480, n)]
    yield pcap([Frame(start + n * 20_000_000, ethernet(part)) for n, part in parts])
    newer = [Frame(start + n, ethernet(ipv6(udp(rtp(n, 160 * n))), 5)) for n in range(30)]
    yield pcap(newer)
    tunnelled = [ethernet(ipv4(ipv4(udp(rtp(n, 160 * n))), protocol=4)) for n in range(30)]
    yield pcap([Frame(start + n, packet) for n, packet in enumerate(tunnelled)])
    for order in "<>":
        blocks = [enhanced(frame, order) for frame in there]
        yield b"".join([section(order), interface(order=order), *blocks])
    yield b"".join([section(), interface(exponent=9), *map(obsolete, there)])


def _recordings() -> Iterator[bytes]:
    samples = speech()
    for subtype in ("PCM_16", "PCM_U8", "PCM_24", "FLOAT", "ULAW", "ALAW", "GSM610"):
        yield _wav(samples, subtype)
    yield _wav(samples, "PCM_16", endian="BIG")
    yield _wav(samples, "DOUBLE", kind="RF64")
    yield _wav(np.stack([samples, samples[::-1]], axis=1), "PCM_16")
    yield _wav(np.repeat(samples, 2), "PCM_16", rate_hz=2 * RATE_HZ)


def _wav(
    samples: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    subtype: str,
    *,
    kind: str = "WAV",
    endian: str = "FILE",
    rate_hz: int = RATE_HZ,
) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, subtype, endian, kind)
    return file.getvalue()


def _first_packets(content: bytes) -> bytes:
    """Of a little-endian pcap file; another one is cut where it is too long."""
    head, packets = packets_of(content)
    return head + b"".join(packets[:PACKETS_OF_OTHERS]) if packets else content[:LONGEST_CAPTURE]
