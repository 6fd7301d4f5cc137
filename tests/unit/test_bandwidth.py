"""Rates are counted at IP and Ethernet level, per direction, over the call's own time."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest
from forged_packets import CALLEE, CALLER, PBX, START_NS, Frame, ethernet, ipv4, tcp, voice, write

from lab.errors import LabError
from lab.measure.bandwidth import Between, Window, begun_connections, media_window, rate_kbps
from lab.measure.capture import read_capture
from lab.measure.rtp import streams

SECOND_NS = 1_000_000_000
WINDOW = Window(START_NS, START_NS + SECOND_NS)
CALL = Between.hosts(ip_address(CALLER), ip_address(CALLEE))


def test_g711_is_80_kbps_at_ip_and_85_6_at_ethernet_level(tmp_path: Path) -> None:
    """The paper's 84 kbit/s of direct SIP, by arithmetic: 50 packets of 200 (214) bytes."""
    back = voice(25, source=CALLEE, destination=CALLER, ssrc=2)
    other = voice(50, destination=PBX, ssrc=3)
    capture = read_capture(write(tmp_path / "call.pcap", [*voice(50), *back, *other]))
    rate = rate_kbps(capture, CALL, WINDOW)
    assert (rate.near_to_far.ip_kbps, rate.near_to_far.eth_kbps) == pytest.approx((80, 85.6))
    assert (rate.far_to_near.ip_kbps, rate.far_to_near.packets) == pytest.approx((40, 25))
    assert rate.both.eth_kbps == pytest.approx(128.4)
    anyone = rate_kbps(capture, Between.hosts(ip_address(CALLER)), WINDOW)
    assert anyone.near_to_far.ip_kbps == pytest.approx(160)


def test_a_tunnel_counts_the_ethernet_header_it_does_not_have(tmp_path: Path) -> None:
    raw = [Frame(frame.time_ns, frame.octets[14:]) for frame in voice(50)]
    capture = read_capture(write(tmp_path / "tunnel.pcap", raw, link=101))
    rate = rate_kbps(capture, CALL, WINDOW)
    assert (rate.near_to_far.ip_kbps, rate.near_to_far.eth_kbps) == pytest.approx((80, 85.6))


def test_only_packets_inside_the_window_count(tmp_path: Path) -> None:
    capture = read_capture(write(tmp_path / "call.pcap", voice(500)))
    late = Window(START_NS + 2 * SECOND_NS, START_NS + 4 * SECOND_NS)
    assert rate_kbps(capture, CALL, late).near_to_far.packets == 100
    with pytest.raises(LabError, match="empty"):
        rate_kbps(capture, CALL, Window(START_NS, START_NS))


def test_offloaded_segments_count_as_what_the_wire_carries(tmp_path: Path) -> None:
    """5000 bytes in one captured packet are four segments of up to 1460 bytes."""
    frames = [Frame(START_NS, ethernet(ipv4(tcp(bytes(5000)), protocol=6)))]
    rate = rate_kbps(read_capture(write(tmp_path / "tcp.pcap", frames)), CALL, WINDOW)
    assert rate.offloaded_packets == 1
    assert rate.near_to_far.packets == 4
    assert rate.near_to_far.ip_bytes == 5000 + 4 * 40
    assert rate.near_to_far.eth_kbps == pytest.approx((5000 + 4 * 54) * 8 / 1000)


def test_a_connection_that_began_during_the_capture_is_told_from_older_ones(tmp_path: Path) -> None:
    """Both go to the same port of the same host; the older one has the same hosts as well."""

    def packet(number: int, flags: int, port: int, back: bool = False) -> Frame:
        ports = (64738, port) if back else (port, 64738)
        hosts = (CALLEE, CALLER) if back else (CALLER, CALLEE)
        octets = ethernet(ipv4(tcp(bytes(60), *ports, flags=flags), *hosts, protocol=6))
        return Frame(START_NS + number * 1000, octets)

    frames = [
        packet(0, 0x18, 4001),
        packet(1, 0x02, 4002),
        packet(2, 0x12, 4002, back=True),
        packet(3, 0x18, 4001, back=True),
        packet(4, 0x18, 4002),
        packet(5, 0x18, 4002, back=True),
        *voice(1, start_ns=START_NS + 6000),
    ]
    capture = read_capture(write(tmp_path / "exit.pcap", frames))
    own = begun_connections(capture)
    assert own.tolist() == [False, True, True, False, True, True, False]
    rate = rate_kbps(capture, CALL, WINDOW, among=own)
    assert (rate.near_to_far.packets, rate.far_to_near.packets) == (2, 2)


def test_an_address_that_never_spoke_has_no_traffic(tmp_path: Path) -> None:
    capture = read_capture(write(tmp_path / "call.pcap", voice(50)))
    rate = rate_kbps(capture, Between.hosts(ip_address(PBX), ip_address(CALLER)), WINDOW)
    assert (rate.both.packets, rate.both.ip_kbps) == (0, 0)


def test_the_window_is_when_all_streams_flow(tmp_path: Path) -> None:
    answer = voice(
        50, source=CALLEE, destination=CALLER, ssrc=2, start_ns=START_NS + SECOND_NS // 2
    )
    there, back = streams(read_capture(write(tmp_path / "call.pcap", [*voice(50), *answer])))
    window = media_window([there, back])
    assert window == Window(START_NS + SECOND_NS // 2, START_NS + 49 * 20_000_000)
    assert window.duration_s == pytest.approx(0.48)
    with pytest.raises(LabError, match="no time in common"):
        media_window([])
