"""A voice packet is found in whatever carries it in the clear; what is not read is named."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from forged_packets import CALLEE, CALLER, START_NS, Frame, ethernet, ipv4, ipv6, pcap, udp, voice

from lab.errors import LabError
from lab.measure.capture import Capture, read_capture
from lab.measure.layer_names import Unread
from lab.measure.rtp import streams

FRAMES = voice(60)
VOICE = FRAMES[0].octets[14:]
MACS = b"\x02" * 12
OUTER = ("192.0.2.1", "192.0.2.2")
GRE_KEY, GRE_SEQUENCE, GRE_CHECKSUM = 0x2000, 0x1000, 0x8000


def framed(kind: int, content: bytes) -> bytes:
    return MACS + struct.pack(">H", kind) + content


def pppoe(content: bytes, code: int = 0) -> bytes:
    return struct.pack(">BBHH", 0x11, code, 7, len(content)) + content


def labels(content: bytes, *numbers: int) -> bytes:
    stack = [number << 12 | (index == len(numbers) - 1) << 8 | 64
             for index, number in enumerate(numbers)]  # fmt: skip
    return b"".join(struct.pack(">I", label) for label in stack) + content


def gre(content: bytes, kind: int = 0x0800, flags: int = 0) -> bytes:
    fields = sum(flags & bit > 0 for bit in (GRE_KEY, GRE_SEQUENCE, GRE_CHECKSUM))
    return struct.pack(">HH", flags, kind) + bytes(4 * fields) + content


def tunnelled(content: bytes, protocol: int) -> bytes:
    return ethernet(ipv4(content, *OUTER, protocol=protocol))


def over_udp(content: bytes, port: int) -> bytes:
    return ethernet(ipv4(udp(content, 50000, port), *OUTER))


def vxlan(packet: bytes) -> bytes:
    return bytes([8, 0, 0, 0, 0, 0, 99, 0]) + ethernet(packet)


def gtp(packet: bytes, extension: bytes = b"") -> bytes:
    content = (bytes(3) + b"\x85" + extension if extension else b"") + packet
    return struct.pack(">BBHI", 0x34 if extension else 0x30, 0xFF, len(content), 5) + content


def over_ipv6(packet: bytes) -> bytes:
    return ethernet(ipv6(packet, protocol=4))


ENCAPSULATIONS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "PPPoE": (1, lambda p: framed(0x8864, pppoe(b"\x00\x21" + p))),
    "PPPoE with a short protocol": (1, lambda p: framed(0x8864, pppoe(b"\x21" + p))),
    "PPPoE in a VLAN": (1, lambda p: framed(0x8100, b"\x00\x07\x88\x64" + pppoe(b"\x00\x21" + p))),
    "PPPoE's own link type": (51, lambda p: pppoe(b"\x00\x21" + p)),
    "PPP in HDLC": (50, lambda p: b"\xff\x03\x00\x21" + p),
    "PPP with a direction": (204, lambda p: b"\x01\xff\x03\x00\x21" + p),
    "Cisco HDLC": (104, lambda p: b"\x0f\x00\x08\x00" + p),
    "four VLAN tags": (1, lambda p: ethernet(p, 0x88A8, 0x8100, 0x8100, 0x9100)),
    "MPLS": (1, lambda p: framed(0x8847, labels(p, 16))),
    "MPLS in three labels": (1, lambda p: framed(0x8847, labels(p, 16, 17, 18))),
    "MPLS pseudowire": (1, lambda p: framed(0x8847, labels(bytes(4) + ethernet(p), 16))),
    "MPLS pseudowire without control word": (
        1, lambda p: framed(0x8847, labels(ethernet(p), 16)),
    ),
    "MPLS over PPP": (9, lambda p: b"\x02\x81" + labels(p, 16)),
    "LLC and SNAP": (
        1, lambda p: MACS + struct.pack(">H", 8 + len(p)) + b"\xaa\xaa\x03\0\0\0\x08\x00" + p,
    ),
    "LLC, SNAP and VLAN": (
        1,
        lambda p: framed(0x8100, struct.pack(">HH", 5, 8 + len(p)))
        + b"\xaa\xaa\x03\0\0\0\x08\x00" + p,
    ),
    "LLC in Linux cooked": (
        113, lambda p: bytes(14) + b"\x00\x04\xaa\xaa\x03\0\0\0\x08\x00" + p,
    ),
    "provider backbone": (1, lambda p: framed(0x88E7, bytes(4) + ethernet(p))),
    "GRE": (1, lambda p: tunnelled(gre(p), 47)),
    "GRE with key, sequence and checksum": (
        1, lambda p: tunnelled(gre(p, flags=GRE_KEY | GRE_SEQUENCE | GRE_CHECKSUM), 47),
    ),
    "GRE with Ethernet": (1, lambda p: tunnelled(gre(ethernet(p), 0x6558), 47)),
    "GRE with MPLS": (1, lambda p: tunnelled(gre(labels(p, 16), 0x8847), 47)),
    "PPTP": (
        1,
        lambda p: tunnelled(
            struct.pack(">HHHHI", 0x3001, 0x880B, 4 + len(p), 9, 1) + b"\xff\x03\x00\x21" + p, 47
        ),
    ),
    "ERSPAN I": (1, lambda p: tunnelled(gre(ethernet(p), 0x88BE), 47)),
    "ERSPAN II": (
        1, lambda p: tunnelled(gre(b"\x10\x01" + bytes(6) + ethernet(p), 0x88BE, GRE_SEQUENCE), 47),
    ),
    "ERSPAN III": (
        1,
        lambda p: tunnelled(gre(b"\x20\x01" + bytes(10) + ethernet(p), 0x22EB, GRE_SEQUENCE), 47),
    ),
    "ERSPAN III with a platform's header": (
        1,
        lambda p: tunnelled(
            gre(b"\x20\x01" + bytes(9) + b"\x01" + bytes(8) + ethernet(p), 0x22EB, GRE_SEQUENCE), 47
        ),
    ),
    "VXLAN": (1, lambda p: over_udp(vxlan(p), 4789)),
    "VXLAN in VXLAN": (1, lambda p: over_udp(vxlan(over_udp(vxlan(p), 4789)[14:]), 4789)),
    "Geneve with an option": (
        1, lambda p: over_udp(b"\x02\x00\x65\x58" + bytes(12) + ethernet(p), 6081),
    ),
    "GTP-U": (1, lambda p: over_udp(gtp(p), 2152)),
    "GTP-U with an extension": (1, lambda p: over_udp(gtp(p, b"\x01\x00\x09\x00"), 2152)),
    "L2TP": (1, lambda p: over_udp(b"\x00\x02\x00\x01\x00\x02\xff\x03\x00\x21" + p, 1701)),
    "TZSP": (1, lambda p: over_udp(b"\x01\x00\x00\x01\x0a\x01\x07\x01" + ethernet(p), 37008)),
    "IP in IP": (1, lambda p: tunnelled(p, 4)),
    "IP in IP in IP": (1, lambda p: tunnelled(ipv4(p, *OUTER, protocol=4), 4)),
    "IP in IPv6": (1, over_ipv6),
    "EtherIP": (1, lambda p: tunnelled(b"\x30\x00" + ethernet(p), 97)),
    "MPLS in IP": (1, lambda p: tunnelled(labels(p, 16), 137)),
    "AH": (1, lambda p: ethernet(ipv4(b"\x11\x04" + bytes(22) + p[20:], protocol=51))),
    "a frame's check sequence": (0x14000001, lambda p: ethernet(p) + b"\xde\xad\xbe\xef"),
    "a check sequence of unstated length": (0x04000001, ethernet),
}  # fmt: skip
UNKNOWN_TO_TSHARK = {"MPLS pseudowire without control word"}


def read(tmp_path: Path, frames: list[Frame], link: int = 1) -> Capture:
    path = tmp_path / "call.pcap"
    path.write_bytes(pcap(frames, link))
    return read_capture(path)


def wrapped(name: str) -> tuple[int, list[Frame]]:
    link, wrap = ENCAPSULATIONS[name]
    return link, [Frame(frame.time_ns, wrap(frame.octets[14:])) for frame in FRAMES]


@pytest.mark.parametrize("name", ENCAPSULATIONS)
def test_voice_is_found_in(tmp_path: Path, name: str) -> None:
    link, frames = wrapped(name)
    capture = read(tmp_path, frames, link)
    (stream,) = streams(capture)
    assert (len(stream), str(stream.source), str(stream.destination)) == (60, CALLER, CALLEE)
    assert stream.payload(7) == (7).to_bytes(4, "big") * 40
    assert capture.unread == ()


def test_six_in_four(tmp_path: Path) -> None:
    packet = ipv6(FRAMES[0].octets[34:])
    for frame in (tunnelled(packet, 41), over_udp(packet, 3544)):
        capture = read(tmp_path, [Frame(0, frame)])
        assert str(capture.addresses[capture.source[0]]) == "fd00::1"
        assert capture.destination_port.tolist() == [5000]


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("name", sorted(set(ENCAPSULATIONS) - UNKNOWN_TO_TSHARK))
def test_tshark_finds_the_same(tmp_path: Path, name: str) -> None:
    link, frames = wrapped(name)
    path = tmp_path / "call.pcap"
    path.write_bytes(pcap(frames, link))
    decode = [
        f"-dudp.port=={port},{protocol}"
        for port, protocol in ((5000, "rtp"), (37008, "tzsp"), (4789, "vxlan"))
    ]
    line = ["tshark", "-nr", str(path), *decode, "-qz", "rtp,streams"]
    out = subprocess.run(line, check=True, capture_output=True, text=True).stdout
    assert re.search(r"0xabcd1234 +g711U +60 +0 ", out, re.IGNORECASE), out


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        (tunnelled(VOICE, 50), "ESP"),
        (tunnelled(VOICE, 115), "L2TPv3"),
        (tunnelled(VOICE, 200), "IP protocol 200"),
        (over_udp(b"\x01\0\0\0" + VOICE, 51820), "WireGuard"),
        (tunnelled(gre(VOICE, 0x1234), 47), "EtherType 0x1234"),
        (tunnelled(gre(VOICE, flags=0x4000), 47), "GRE of a kind that is not read"),
        (framed(0x88E5, VOICE), "MACsec"),
        (framed(0x8864, pppoe(b"\x00\x3d" + VOICE)), "multilink PPP"),
        (over_udp(gtp(b"\x00\x01" + VOICE), 2152), "GTP-U without IP in it"),
    ],
)
def test_what_is_not_read_is_named(tmp_path: Path, frame: bytes, what: str) -> None:
    capture = read(tmp_path, [Frame(START_NS, frame)] * 3)
    assert capture.unread == (Unread(what, 3),)
    assert streams(capture) == ()


@pytest.mark.parametrize(
    "frame",
    [
        framed(0x0806, bytes(28)),
        framed(0x88CC, bytes(28)),
        framed(0x8863, pppoe(b"", 9)),
        framed(0x8864, pppoe(b"\xc0\x21" + bytes(8))),
        MACS + b"\x00\x26\x42\x42\x03" + bytes(35),
        tunnelled(bytes(8), 1),
        over_udp(gtp(b"")[:1] + b"\x01" + bytes(10), 2152),
        ethernet(VOICE),
    ],
)
def test_what_never_carries_voice_is_not_mentioned(tmp_path: Path, frame: bytes) -> None:
    assert read(tmp_path, [Frame(START_NS, frame)]).unread == ()


def test_voice_on_a_tunnels_port_stays_voice(tmp_path: Path) -> None:
    for port in (4789, 2152, 6081, 1701, 4500, 37008):
        (stream,) = streams(read(tmp_path, voice(60, destination_port=port)))
        assert (len(stream), stream.destination_port) == (60, port)


def test_a_link_type_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"link type 127 \(802\.11 with radiotap\)"):
        read(tmp_path, [Frame(0, VOICE)], 127)
