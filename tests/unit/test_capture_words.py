"""What a live capture says of a packet, byte by byte known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest
from forged_packets import (
    CALLEE,
    CALLER,
    PBX,
    START_NS,
    Frame,
    ethernet,
    fragments,
    ipv4,
    ipv6,
    pcap,
    rtp,
    tcp,
    udp,
)

from lab.capturing.kinds import kinds
from lab.capturing.packet import read_packet
from lab.capturing.words import MAX_SIP_LINE, Wording
from lab.wire.pcap_stream import HEADER_BYTES, records
from lab.wire.ports import OR_PORT, RTP_PORTS, SIP_PORT

ETHERNET, RAW_IP = 1, 101
VOICE_PORT = RTP_PORTS[0] + 4
WORDING = Wording(
    {IPv4Address(CALLER): "caller/home", IPv4Address(PBX): "server/hosting"}, kinds(1194).values()
)
VOICE = ipv4(udp(rtp(51, 8160), 4000, VOICE_PORT), CALLER, PBX)
BETWEEN = "caller/home:4000 > server/hosting"


def sip(line: bytes) -> bytes:
    return udp(line + b"\r\nVia: SIP/2.0/UDP 10.0.0.1", 4000, SIP_PORT)


def said(packet: bytes, link: int = ETHERNET) -> str:
    """The line of a packet, without the time."""
    frame = ethernet(packet) if link == ETHERNET else packet
    return line_of(frame, link).partition(" ")[2]


def line_of(frame: bytes, link: int = ETHERNET, wire_bytes: int | None = None) -> str:
    [record] = records(pcap([Frame(START_NS, frame, wire_bytes)], tick_ns=1), HEADER_BYTES)
    return WORDING.line(read_packet(record, link))


def cases() -> Iterator[tuple[bytes, str]]:
    to_voice, to_sip = f"{BETWEEN}:{VOICE_PORT}", f"{BETWEEN}:{SIP_PORT}"
    yield VOICE, f"{to_voice} voice: RTP type 0, number 51 (214 bytes)"
    rtcp = udp(b"\x80\xc8\x00\x06" + bytes(24), 4000, VOICE_PORT)
    yield ipv4(rtcp, CALLER, PBX), f"{to_voice} voice: RTCP (70 bytes)"
    no_rtp = udp(b"\x00\x01\x02\x03", 4000, VOICE_PORT)
    yield ipv4(no_rtp, CALLER, PBX), f"{to_voice} voice: 4 of data (46 bytes)"
    invite = ipv4(sip(b"INVITE sip:1008@10.0.0.9 SIP/2.0"), CALLER, PBX)
    yield invite, f"{to_sip} sip: INVITE sip:1008@10.0.0.9 SIP/2.0 (101 bytes)"
    cell = tcp(bytes(543), 4000, OR_PORT)
    relay = f"caller/home:4000 > {CALLEE}:{OR_PORT}"
    yield ipv4(cell, protocol=6), f"{relay} tor: 543 of data (597 bytes)"
    opens = tcp(b"", 4000, OR_PORT, flags=0x02)
    yield ipv4(opens, protocol=6), f"{relay} tor: SYN (54 bytes)"
    hears = tcp(b"", 4000, OR_PORT, flags=0x10)
    yield ipv4(hears, protocol=6), f"{relay} tor: ACK (54 bytes)"
    ends = tcp(b"bye", 4000, OR_PORT, flags=0x11)
    yield ipv4(ends, protocol=6), f"{relay} tor: FIN, 3 of data (57 bytes)"
    web = tcp(b"GET /", 4000, 8080)
    yield ipv4(web, protocol=6), f"caller/home:4000 > {CALLEE}:8080 tcp: 5 of data (59 bytes)"
    ping = b"\x08\x00" + bytes(62)
    asks = f"caller/home > {CALLEE} icmp: echo request (98 bytes)"
    yield ipv4(ping, protocol=1), asks
    yield ipv4(bytes(8), protocol=47), f"caller/home > {CALLEE} ip 47 (42 bytes)"
    yield ipv6(udp(b"hello")), "ipv6 (67 bytes)"


@pytest.mark.parametrize(("packet", "line"), [*cases()])
def test_a_packet_is_a_line(packet: bytes, line: str) -> None:
    assert said(packet) == line


def test_in_a_tunnel_packets_have_no_frame() -> None:
    assert said(VOICE, RAW_IP) == f"{BETWEEN}:{VOICE_PORT} voice: RTP type 0, number 51 (200 bytes)"
    assert said(ipv6(udp(b"hello")), RAW_IP) == "ipv6 (53 bytes)"


def test_the_rest_of_a_datagram_is_not_guessed_to_be_of_the_first_parts_kind() -> None:
    first, rest = fragments(udp(rtp(7, 0, bytes(1800)), 4000, VOICE_PORT), 1480, 9)
    assert said(first).endswith("voice: RTP type 0, number 7 (1514 bytes)")
    assert said(rest) == f"caller/home > {CALLEE} udp: rest of a datagram (374 bytes)"


def test_what_is_no_ip_is_named() -> None:
    macs = b"\x02" * 12
    assert line_of(macs + b"\x08\x06" + bytes(28)).endswith(" arp (42 bytes)")
    assert line_of(macs + b"\x88\xcc" + bytes(20)).endswith(" ethernet 0x88cc (34 bytes)")


def test_a_packet_that_was_cut_short_is_told_as_far_as_it_goes() -> None:
    frame = ethernet(VOICE)
    assert line_of(frame[:60], wire_bytes=214).endswith("voice: RTP type 0, number 51 (214 bytes)")
    assert line_of(frame[:44], wire_bytes=214).endswith("voice: 172 of data (214 bytes)")
    assert line_of(frame[:30], wire_bytes=214).endswith("ip, cut short (214 bytes)")
    assert line_of(frame[:36], wire_bytes=214).endswith("udp: 180 of data (214 bytes)")


def test_nothing_in_a_message_reaches_the_terminal_as_a_command() -> None:
    told = said(ipv4(sip(b"INVITE \x1b[2Jsip:\xc3\xa9@x SIP/2.0"), CALLER, PBX))
    assert "sip: INVITE ?[2Jsip:??@x SIP/2.0 (" in told
    long = said(ipv4(sip(b"INVITE sip:" + b"1" * 200), CALLER, PBX))
    shown = long.split("sip: ", 1)[1].rpartition(" (")[0]
    assert (len(shown), shown[-3:]) == (MAX_SIP_LINE, "...")


def test_the_same_as_values() -> None:
    [record] = records(pcap([Frame(START_NS + 5, ethernet(VOICE))], tick_ns=1), HEADER_BYTES)
    assert json.loads(WORDING.json_line(read_packet(record, ETHERNET))) == {
        "time_ns": START_NS + 5,
        "from": "caller/home",
        "source": CALLER,
        "source_port": 4000,
        "to": "server/hosting",
        "destination": PBX,
        "destination_port": VOICE_PORT,
        "protocol": "udp",
        "kind": "voice",
        "what": "RTP type 0, number 51",
        "bytes": 214,
    }
