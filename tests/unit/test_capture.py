"""`read_capture` reads what tcpdump and Wireshark write, and names what it cannot read."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from forged_packets import (
    CALLEE,
    CALLER,
    START_NS,
    Frame,
    block,
    enhanced,
    ethernet,
    fragments,
    fragments6,
    interface,
    ipv4,
    ipv6,
    obsolete,
    pcap,
    section,
    tcp,
    udp,
    voice,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.errors import LabError
from lab.measure.capture import Capture, read_capture
from lab.measure.rtp import streams
from lab.measure.stream_report import stream_report

VOICE = ipv4(udp(b"\x80" + bytes(171), 4000, 5000))


def read(tmp_path: Path, content: bytes) -> Capture:
    path = tmp_path / "test.pcap"
    path.write_bytes(content)
    return read_capture(path)


def assert_is_voice(capture: Capture) -> None:
    assert len(capture) == 1
    assert str(capture.addresses[capture.source[0]]) == CALLER
    assert str(capture.addresses[capture.destination[0]]) == CALLEE
    assert (capture.protocol[0], capture.source_port[0], capture.destination_port[0]) == (
        17,
        4000,
        5000,
    )
    assert capture.ip_bytes[0] == 200
    assert capture.payload_bytes[0] == 172
    assert capture.payload(0) == b"\x80" + bytes(171)


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        pytest.param(1, ethernet(VOICE), id="Ethernet"),
        pytest.param(1, ethernet(VOICE, 0x8100), id="VLAN"),
        pytest.param(1, ethernet(VOICE, 0x88A8, 0x8100), id="QinQ"),
        pytest.param(1, ethernet(VOICE) + bytes(6), id="Ethernet padding"),
        pytest.param(101, VOICE, id="raw IP"),
        pytest.param(228, VOICE, id="raw IPv4"),
        pytest.param(113, bytes(14) + b"\x08\x00" + VOICE, id="Linux cooked"),
        pytest.param(276, b"\x08\x00" + bytes(18) + VOICE, id="Linux cooked v2"),
        pytest.param(0, b"\x02\x00\x00\x00" + VOICE, id="loopback, little-endian"),
        pytest.param(0, b"\x00\x00\x00\x02" + VOICE, id="loopback, big-endian"),
        pytest.param(9, b"\x00\x21" + VOICE, id="PPP"),
        pytest.param(9, b"\xff\x03\x00\x21" + VOICE, id="PPP in HDLC framing"),
    ],
)
def test_every_link_type_shows_the_same_packet(tmp_path: Path, link: int, frame: bytes) -> None:
    assert_is_voice(read(tmp_path, pcap([Frame(START_NS, frame)], link)))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tick_ns", [1, 1000])
def test_classic_pcap_in_both_byte_orders_and_resolutions(
    tmp_path: Path, order: str, tick_ns: int
) -> None:
    time_ns = START_NS + 123_456_000 + (789 if tick_ns == 1 else 0)
    capture = read(tmp_path, pcap([Frame(time_ns, ethernet(VOICE))], 1, order, tick_ns))
    assert_is_voice(capture)
    assert capture.time_ns.tolist() == [time_ns]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("exponent", "ticks_per_s"), [(None, 10**6), (9, 10**9), (0x94, 2**20)])
def test_pcapng_clock_resolutions(
    tmp_path: Path, order: str, exponent: int | None, ticks_per_s: int
) -> None:
    frame = Frame(START_NS + 500_000_000, ethernet(VOICE))
    content = (
        section(order) + interface(1, order, exponent) + enhanced(frame, order, 0, ticks_per_s)
    )
    capture = read(tmp_path, content)
    assert_is_voice(capture)
    assert capture.time_ns[0] == frame.time_ns


def test_pcapng_sections_interfaces_and_blocks_of_other_kinds(tmp_path: Path) -> None:
    frames = [Frame(START_NS + n, ethernet(VOICE)) for n in range(3)]
    raw = Frame(START_NS, VOICE)
    content = (
        section("<")
        + interface(1)
        + interface(101)
        + block(0x0BAD, b"a block of an unknown kind")
        + enhanced(raw, number=1)
        + enhanced(frames[0])
        + section(">")
        + interface(1, ">")
        + enhanced(frames[1], ">")
    )
    capture = read(tmp_path, content)
    assert len(capture) == 3
    assert capture.link_types == (1, 101)
    assert capture.payload_bytes.tolist() == [172, 172, 172]


@pytest.mark.parametrize("order", ["<", ">"])
def test_obsolete_packet_blocks_among_others(tmp_path: Path, order: str) -> None:
    """Block type 2, which dumpcap wrote before 2009 and some capture cards still do."""
    frames = [Frame(START_NS + n * 1000, ethernet(VOICE)) for n in range(4)]
    blocks = [(obsolete if n % 2 else enhanced)(frame, order) for n, frame in enumerate(frames)]
    capture = read(tmp_path, section(order) + interface(1, order) + b"".join(blocks))
    assert capture.time_ns.tolist() == [frame.time_ns for frame in frames]
    assert capture.payload_bytes.tolist() == [172] * 4


def test_ipv6_with_extension_headers(tmp_path: Path) -> None:
    hop_by_hop = b"\x2c\x00" + bytes(6)
    first_fragment = struct.pack(">BBHI", 17, 0, 1, 99)
    packet = ipv6(hop_by_hop + first_fragment + udp(b"voice", 6000, 7000), protocol=0)
    later = ipv6(struct.pack(">BBHI", 17, 0, 8 << 3, 99) + b"middle of a datagram", protocol=44)
    capture = read(tmp_path, pcap([Frame(0, ethernet(packet)), Frame(1, ethernet(later))]))
    assert capture.protocol.tolist() == [17, 17]
    assert capture.destination_port.tolist() == [7000, 0]
    assert capture.payload(0) == b"voice"
    assert str(capture.addresses[capture.source[0]]) == "fd00::1"


def test_later_fragments_have_no_ports(tmp_path: Path) -> None:
    frame = ethernet(ipv4(b"\x0f\xa0\x13\x88 looks like ports", fragment_offset=1480))
    capture = read(tmp_path, pcap([Frame(0, frame)]))
    assert (capture.source_port[0], capture.payload_bytes[0]) == (0, 0)


@pytest.mark.parametrize("six", [False, True])
def test_the_first_fragment_tells_of_the_whole_datagram(tmp_path: Path, six: bool) -> None:
    datagram = udp(b"\x80" + bytes(1931), 4000, 5000)
    parts = (fragments6 if six else fragments)(datagram, 1480, 7)
    capture = read(tmp_path, pcap([Frame(n, ethernet(part)) for n, part in enumerate(parts)]))
    assert capture.fragment.tolist() == [1, 2]
    assert capture.identification.tolist() == [7, 7]
    assert capture.payload_bytes.tolist() == [1932, 0]
    assert capture.payload_captured_bytes.tolist() == [1472, 460]
    assert capture.datagram_bytes.tolist() == [capture.ip_bytes.sum(), 0]
    assert capture.ip_bytes.sum() == 1940 + 2 * (48 if six else 20)


def test_snap_length_cuts_the_payload_but_not_its_length(tmp_path: Path) -> None:
    frame = ethernet(VOICE)
    capture = read(tmp_path, pcap([Frame(0, frame[:85], len(frame))]))
    assert capture.payload_bytes[0] == 172
    assert capture.payload_captured_bytes[0] == 85 - 14 - 28
    assert capture.wire_bytes[0] == 214


def test_offloaded_segments_state_no_length(tmp_path: Path) -> None:
    packet = ipv4(tcp(bytes(70_000)), protocol=6, stated_bytes=0)
    capture = read(tmp_path, pcap([Frame(0, ethernet(packet)[:100], 14 + len(packet))]))
    assert capture.ip_bytes[0] == 70_040
    assert capture.payload_bytes[0] == 70_000


def test_other_traffic_is_no_ip(tmp_path: Path) -> None:
    arp = b"\x02" * 12 + b"\x08\x06" + bytes(28)
    capture = read(tmp_path, pcap([Frame(0, arp), Frame(1, ethernet(VOICE))]))
    assert capture.source.tolist()[0] == -1
    assert capture.ip_bytes.tolist() == [0, 200]


def test_runs_of_equal_and_changing_lengths_are_all_found(tmp_path: Path) -> None:
    lengths = [100] * 300 + [101, 102] * 50 + [60] * 9 + [100] * 1000
    frames = [Frame(n, ethernet(ipv4(udp(bytes(size))))) for n, size in enumerate(lengths)]
    capture = read(tmp_path, pcap(frames, tick_ns=1))
    assert capture.payload_bytes.tolist() == lengths
    assert capture.time_ns.tolist() == list(range(len(lengths)))


def test_a_killed_capture_is_read_up_to_its_last_whole_packet(tmp_path: Path) -> None:
    content = pcap(voice(10))
    for missing in (1, 100, 220):
        capture = read(tmp_path, content[:-missing])
        assert len(capture) == 9
        assert capture.cut_short
    assert not read(tmp_path, content).cut_short


def test_a_capture_without_packets_is_empty(tmp_path: Path) -> None:
    assert len(read(tmp_path, pcap([]))) == 0
    assert len(read(tmp_path, section() + interface())) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"RIFF1234WAVE", "is not a capture file", id="a recording"),
        pytest.param(pcap([])[:20], "damaged at byte 20", id="half a header"),
        pytest.param(
            pcap([]) + struct.pack("<IIII", 0, 0, 1 << 30, 1 << 30) + bytes(99),
            "damaged at byte 24",
            id="absurd length",
        ),
        pytest.param(section() + enhanced(Frame(0, VOICE)), "interface 0", id="no interface"),
        pytest.param(section() + block(1, b""), "interface block", id="empty interface"),
        pytest.param(pcap([Frame(0, VOICE)], 127), "link type 127", id="radio capture"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(LabError, match=message):
        read(tmp_path, content)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"nowhere\.pcap cannot be read: No such file"):
        read_capture(tmp_path / "nowhere.pcap")


def tunnelled(packet: bytes) -> bytes:
    """Voice in MPLS in GRE in GTP-U with an extension header in PPPoE."""
    gre = ipv4(b"\0\0\x88\x47" + b"\0\x01\x01\x40" + packet, protocol=47)
    extended = bytes(3) + b"\x85\x01\0\x09\0" + gre
    outer = ipv4(udp(struct.pack(">BBHI", 0x34, 0xFF, len(extended), 5) + extended, 2152, 2152))
    return b"\x02" * 12 + b"\x88\x64\x11\0\0\x07" + bytes(2) + b"\x00\x21" + outer


MANY_KINDS = [
    pcap(voice(20)),
    pcap([Frame(0, ethernet(ipv6(udp(b"x" * 40), protocol=17), 0x8100))] * 12),
    section() + interface(exponent=9) + enhanced(Frame(START_NS, ethernet(VOICE))) * 3,
    section() + interface() + obsolete(Frame(START_NS, ethernet(VOICE))) * 9,
    pcap([Frame(n, tunnelled(frame.octets[14:])) for n, frame in enumerate(voice(9))]),
    pcap([Frame(n, ethernet(part)) for n, part in enumerate(fragments(udp(bytes(9000)), 1480, 7))]),
]


@settings(max_examples=300, deadline=None)
@given(
    content=st.sampled_from(MANY_KINDS),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=20),
    length=st.integers(0, 6000),
)
def test_no_damage_causes_anything_but_a_lab_error(
    tmp_path_factory: pytest.TempPathFactory,
    content: bytes,
    changes: list[tuple[int, int]],
    length: int,
) -> None:
    damaged = bytearray(content)
    for at, value in changes:
        damaged[at % len(damaged)] = value
    path = tmp_path_factory.mktemp("damage") / "damaged.pcap"
    path.write_bytes(damaged[:length])
    try:
        capture = read_capture(path)
    except LabError:
        return
    for stream in streams(capture):
        stream_report(stream)
    assert np.all(capture.payload_start[capture.payload_captured_bytes > 0] < len(damaged))
    for packet in range(len(capture)):
        assert len(capture.payload(packet)) == capture.payload_captured_bytes[packet]
