"""Routes, addresses and rules of this network namespace (CAP_NET_ADMIN)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from socket import AF_INET, IPPROTO_UDP

from lab.agents.net import rtnetlink
from lab.agents.net.reading import MAIN_TABLE, UNICAST, UNREACHABLE, table_of
from lab.agents.net.rtnetlink import ADD, ADDRESSES, REPLACE, ROUTES, RULES, attribute, number, text

EVERYWHERE = IPv4Network("0.0.0.0/0")

_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PREFSRC, _RTA_METRICS = 1, 4, 5, 7, 8
_RTAX_CC_ALGO = 16
_RTPROT_KERNEL, _RTPROT_STATIC = 2, 4
_RT_SCOPE_UNIVERSE, _RT_SCOPE_LINK, _RT_SCOPE_NOWHERE = 0, 253, 255
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_FRA_SRC, _FRA_PRIORITY, _FRA_IP_PROTO, _FRA_SPORT_RANGE = 2, 6, 22, 23
_FR_ACT_TO_TBL = 1


def default_gateways() -> Iterator[IPv4Address]:
    """The gateways of the routes to everywhere in the main table."""
    for route in rtnetlink.dump(ROUTES, AF_INET, *(0,) * 8):
        _, length, *_, kind, _ = route.fields
        gateway = route.attributes.get(_RTA_GATEWAY)
        if gateway and length == 0 and kind == UNICAST and table_of(route) == MAIN_TABLE:
            yield IPv4Address(gateway)


def delete_default(gateway: IPv4Address) -> None:
    """Remove the route to everywhere by that gateway."""
    fields = _fields(EVERYWHERE, 0, _RT_SCOPE_NOWHERE, 0)
    rtnetlink.delete(ROUTES, fields, attribute(_RTA_GATEWAY, gateway.packed))


def to_link(
    subnet: IPv4Network, index: int, source: IPv4Address, congestion_control: str | None
) -> None:
    """Reach the neighbours on device `index`, from `source`, as the kernel itself would have it."""
    fields = _fields(subnet, _RTPROT_KERNEL, _RT_SCOPE_LINK, UNICAST)
    values = number(_RTA_OIF, index) + attribute(_RTA_PREFSRC, source.packed)
    _replace(subnet, fields, values + _metrics(congestion_control))


def through_gateway(
    destination: IPv4Network, gateway: IPv4Address, congestion_control: str
) -> None:
    """Reach a network by a neighbour."""
    fields = _fields(destination, _RTPROT_STATIC, _RT_SCOPE_UNIVERSE, UNICAST)
    values = attribute(_RTA_GATEWAY, gateway.packed) + _metrics(congestion_control)
    _replace(destination, fields, values)


def through_device(
    destination: IPv4Network,
    index: int,
    *,
    source: IPv4Address | None = None,
    table: int = MAIN_TABLE,
    congestion_control: str | None = None,
) -> None:
    """Reach a network by the other end of device `index`, from `source` where that is given."""
    fields = _fields(destination, _RTPROT_STATIC, _RT_SCOPE_LINK, UNICAST, table)
    values = number(_RTA_OIF, index) + _metrics(congestion_control)
    values += attribute(_RTA_PREFSRC, source.packed) if source else b""
    _replace(destination, fields, values)


def close(destination: IPv4Network) -> None:
    """Make a network unreachable."""
    fields = _fields(destination, _RTPROT_STATIC, _RT_SCOPE_UNIVERSE, UNREACHABLE)
    _replace(destination, fields, b"")


def reopen(destination: IPv4Network) -> None:
    """Take back that a network is unreachable."""
    fields = _fields(destination, 0, _RT_SCOPE_NOWHERE, UNREACHABLE)
    rtnetlink.delete(ROUTES, fields, attribute(_RTA_DST, destination.network_address.packed))


def add_address(index: int, address: IPv4Address, prefix_length: int) -> None:
    """Give device `index` an address; NetlinkError with EEXIST where it has that."""
    values = attribute(_IFA_LOCAL, address.packed) + attribute(_IFA_ADDRESS, address.packed)
    rtnetlink.put(ADDRESSES, ADD, (AF_INET, prefix_length, 0, 0, index), values)


def have_rule_for_source(source: IPv4Address, table: int, priority: int) -> None:
    """Have what comes from `source` go by `table`."""
    if not any(rule.attributes.get(_FRA_SRC) == source.packed for rule in _rules()):
        _add_rule(32, table, priority, attribute(_FRA_SRC, source.packed))


def have_rule_for_ports(ports: tuple[int, int], table: int, priority: int) -> None:
    """Have what leaves from these UDP ports, first and last, go by `table`."""
    if not any(_FRA_SPORT_RANGE in rule.attributes for rule in _rules()):
        values = attribute(_FRA_IP_PROTO, bytes([IPPROTO_UDP]))
        values += attribute(_FRA_SPORT_RANGE, struct.pack("=HH", *ports))
        _add_rule(0, table, priority, values)


def _rules() -> tuple[rtnetlink.Entry, ...]:
    return rtnetlink.dump(RULES, AF_INET, *(0,) * 8)


def _add_rule(source_bits: int, table: int, priority: int, values: bytes) -> None:
    fields = (AF_INET, 0, source_bits, 0, table, 0, 0, _FR_ACT_TO_TBL, 0)
    rtnetlink.put(RULES, ADD, fields, values + number(_FRA_PRIORITY, priority))


def _replace(destination: IPv4Network, fields: tuple[int, ...], values: bytes) -> None:
    where = attribute(_RTA_DST, destination.network_address.packed)
    rtnetlink.put(ROUTES, REPLACE, fields, (where if destination.prefixlen else b"") + values)


def _fields(
    destination: IPv4Network, protocol: int, scope: int, kind: int, table: int = MAIN_TABLE
) -> tuple[int, ...]:
    """A struct rtmsg."""
    return (AF_INET, destination.prefixlen, 0, 0, table, protocol, scope, kind, 0)


def _metrics(congestion_control: str | None) -> bytes:
    """By which congestion control TCP goes on a route; None: by the host's own."""
    if congestion_control is None:
        return b""
    return attribute(_RTA_METRICS, text(_RTAX_CC_ALGO, congestion_control))
