"""What a live capture is filtered to follows from the lab's own ports, as does what a packet is."""

from __future__ import annotations

import pytest

from lab.capturing.kinds import KINDS, kinds, packet_filter
from lab.wire import ports

VPN_PORT = 1194
FRAGMENTS = "(udp and ip[6:2] & 0x1fff != 0)"
FILTERS = {
    "voice": f"(udp portrange {ports.RTP_PORTS[0]}-{ports.RTP_PORTS[1]}) "
    f"or (tcp port {ports.MUMBLE_PORT}) or (tcp port {ports.TURN_PORT}) or {FRAGMENTS}",
    "tunnel": f"(tcp port {VPN_PORT})",
    "tor": f"(tcp port {ports.OR_PORT}) or (tcp port {ports.OBFS4_PORT}) "
    f"or (tcp port {ports.DIR_PORT})",
    "sip": f"(udp port {ports.SIP_PORT}) or {FRAGMENTS}",
}
PACKETS = {
    ("udp", ports.RTP_PORTS[0]): "voice",
    ("udp", ports.RTP_PORTS[1]): "voice",
    ("tcp", ports.MUMBLE_PORT): "voice",
    ("tcp", ports.TURN_PORT): "voice",
    ("tcp", VPN_PORT): "tunnel",
    ("tcp", ports.OR_PORT): "tor",
    ("tcp", ports.OBFS4_PORT): "tor",
    ("tcp", ports.DIR_PORT): "tor",
    ("udp", ports.SIP_PORT): "sip",
    ("tcp", ports.WEB_PORT): None,
    ("tcp", ports.RTP_PORTS[0]): None,
    ("udp", ports.RTP_PORTS[1] + 1): None,
    ("udp", ports.OR_PORT): None,
}


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_a_filter_of_its_ports(name: str) -> None:
    assert kinds(VPN_PORT)[name].filter == FILTERS[name]


def test_several_kinds_are_taken_together_and_none_is_everything() -> None:
    known = kinds(VPN_PORT)
    both = packet_filter([known["tunnel"], known["sip"]])
    assert both == f"{FILTERS['tunnel']} or {FILTERS['sip']}"
    assert packet_filter([]) == ""


def test_the_tunnel_is_where_this_lab_has_its_server() -> None:
    assert kinds(443)["tunnel"].filter == "(tcp port 443)"


@pytest.mark.parametrize(("packet", "kind"), PACKETS.items())
def test_a_packet_is_of_one_kind_whichever_way_it_goes(
    packet: tuple[str, int], kind: str | None
) -> None:
    protocol, port = packet
    for way in ((port, 50_000), (50_000, port)):
        found = [one.name for one in kinds(VPN_PORT).values() if one.has(protocol, *way)]
        assert found == ([] if kind is None else [kind])


def test_a_later_fragment_is_not_known_to_be_of_any_kind() -> None:
    assert not any(kind.has("udp", None, None) for kind in kinds(VPN_PORT).values())
