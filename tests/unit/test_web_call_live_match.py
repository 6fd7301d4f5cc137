"""Packets of a call under way, matched as two captures tell of them."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address

import pytest
from forged_packets import START_NS, Frame, ethernet, ipv4, pcap, rtp, udp, voice

from lab.capturing.packet import Packet, read_packet
from lab.ends import CALLEE, CALLER
from lab.web.call.live_match import KEPT_S, LEAST_UNMATCHED, Matching, Window, key_of
from lab.wire.pcap_stream import HEADER_BYTES, records

HOME, OFFICE, SERVER = "10.0.0.1", "10.0.0.2", "10.0.0.9"
ETHERNET = 1


def packets(frames: Iterable[Frame]) -> list[Packet]:
    captured = pcap(list(frames), tick_ns=1)
    return [read_packet(record, ETHERNET) for record in records(captured, HEADER_BYTES)]


def sent(count: int = 100, **changes: object) -> list[Packet]:
    """What the caller sends, as its own capture shows it."""
    return packets(voice(count, source=HOME, destination=SERVER, **changes))  # type: ignore[arg-type]


def came(count: int = 100, **changes: object) -> list[Packet]:
    """The same as it reaches the callee, from the exchange."""
    changes = {"delays_ms": [30.0] * count, **changes}
    return packets(voice(count, source=SERVER, destination=OFFICE, **changes))  # type: ignore[arg-type]


def matched(near: list[Packet], far: list[Packet]) -> Matching:
    """Everything entered as live captures give it: piece by piece, neither end first."""
    matching = Matching({CALLER: IPv4Address(HOME), CALLEE: IPv4Address(OFFICE)})
    for begin in range(0, max(len(near), len(far)), 3):
        ends = [(CALLEE, far), (CALLER, near)]
        for end, captured in ends if begin % 2 else reversed(ends):
            for packet in captured[begin : begin + 3]:
                matching.enter(end, packet)
    return matching


def towards_callee(near: list[Packet], far: list[Packet]) -> Window:
    return matched(near, far).towards[CALLEE].window()


def test_each_packet_has_its_own_delay() -> None:
    delays = [30.0 + index % 7 for index in range(100)]
    window = towards_callee(sent(), came(delays_ms=delays))
    assert window.delay_ms.tolist() == pytest.approx(delays)
    assert window.sent_s.tolist() == pytest.approx([0.02 * index for index in range(100)])
    assert (window.sent, window.came, window.least_ms) == (100, 100, 30.0)


def test_both_directions_are_told_apart_by_who_sends() -> None:
    back = packets(voice(50, source=OFFICE, destination=SERVER, ssrc=7))
    home = packets(voice(50, source=SERVER, destination=HOME, ssrc=7, delays_ms=[80.0] * 50))
    matching = matched([*sent(), *home], [*came(), *back])
    assert set(matching.towards[CALLEE].window().delay_ms) == {30.0}
    assert set(matching.towards[CALLER].window().delay_ms) == {80.0}


def test_what_is_lost_is_overdue_and_not_what_is_on_its_way() -> None:
    """The last second's packets may come yet."""
    window = towards_callee(sent(100), came(100, skip=frozenset({10, 11, 99})))
    assert window.overdue_s.tolist() == pytest.approx([0.2, 0.22])
    assert (window.sent, window.came) == (100, 97)


def test_one_that_comes_late_after_all_is_no_longer_overdue() -> None:
    delays = [30.0] * 100
    delays[10] = 1500.0
    window = towards_callee(sent(), came(delays_ms=delays))
    assert len(window.overdue_s) == 0
    assert window.delay_ms.max() == pytest.approx(1500)


def test_reordering_does_not_mix_packets_up() -> None:
    delays = [30.0 + 45.0 * (index % 3 == 0) for index in range(100)]
    far = came(delays_ms=delays)
    assert far != sorted(far, key=lambda packet: packet.payload[2:4])
    assert towards_callee(sent(), far).delay_ms.tolist() == pytest.approx(delays)


def test_numbers_that_begin_anew_are_told_apart_by_their_timestamps() -> None:
    """65536 numbers are 22 minutes: one packet of each round has the same number."""
    near = [*sent(5, first_sequence=65533), *sent(5, first_sequence=65533, first_timestamp=10**7)]
    far = [*came(5, first_sequence=65533)]
    late = {"first_sequence": 65533, "first_timestamp": 10**7, "delays_ms": [70.0] * 5}
    far += came(5, **late)
    window = towards_callee(near, far)
    assert sorted(window.delay_ms.tolist()) == pytest.approx([30.0] * 5 + [70.0] * 5)


def test_what_a_capture_shows_twice_counts_once() -> None:
    near, far = sent(20), came(20)
    window = towards_callee([*near, *near], [*far, *far])
    assert (window.sent, window.came, len(window.delay_ms)) == (20, 20, 20)


def test_an_exchange_that_numbers_anew_is_noticed() -> None:
    count = LEAST_UNMATCHED
    assert towards_callee(sent(count), came(count, ssrc=99)).renumbered
    assert not towards_callee(sent(count - 1), came(count - 1, ssrc=99)).renumbered
    assert not towards_callee(sent(count), came(count)).renumbered


def test_what_is_long_ago_is_forgotten_and_still_counted() -> None:
    count = int((KEPT_S + 20) * 50)
    passing = matched(sent(count), came(count)).towards[CALLEE]
    window = passing.window()
    assert (window.sent, window.came) == (count, count)
    assert window.now_s - window.sent_s[0] == pytest.approx(20)
    assert len(passing._packets) <= (KEPT_S + 1) * 50


@pytest.mark.parametrize(
    "octets",
    [
        udp(b"\x80\xc8\x00\x06" + bytes(24)),
        udp(b"\x00" * 40),
        udp(b"\x80\x00\x00"),
        udp(b"OPTIONS sip:pbx SIP/2.0\r\n"),
    ],
    ids=["RTCP", "version 0", "cut short", "SIP"],
)
def test_what_is_no_rtp_is_passed_over(octets: bytes) -> None:
    [packet] = packets([Frame(START_NS, ethernet(ipv4(octets)))])
    assert key_of(packet) is None


def test_a_later_fragment_is_no_packet_of_its_own() -> None:
    whole = udp(rtp(1, 160))
    [packet] = packets([Frame(START_NS, ethernet(ipv4(whole, fragment_offset=1480)))])
    assert key_of(packet) is None
