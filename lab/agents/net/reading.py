"""Tells what is in force in this network namespace: addresses, routes, shapes, counters.

Needs no capability and nothing but the standard library, so that every node can be asked from
inside. Shapes are understood as `lab.agents.net.qdiscs` builds them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from socket import AF_INET

from lab.agents.net import rtnetlink
from lab.agents.net.rtnetlink import Attributes, Entry, attributes
from lab.wire.line import Line
from lab.wire.links import Counters, LinkInForce, LinksShown, ShowLinks, SideInForce
from lab.wire.messages import Event, Failed, Order
from lab.wire.network import (
    READING,
    LinkRate,
    MachineLink,
    MachineNetwork,
    NetworkInForce,
    ShowNetwork,
)
from lab.wire.shape import DEFAULT_QUEUE, Direction, FifoKind, Queue, Shape, ShaperKind

SHAPER, CLASS, FIFO, NETEM = 0x1_0000, 0x1_0010, 0x10_0000, 0x3_0000
"""The handles of the queueing disciplines that the lab sets, and of htb's one class."""
INGRESS = 0xFFFF_0000
UNICAST, UNREACHABLE = 1, 7
"""RTN_… of <linux/rtnetlink.h>."""
MAIN_TABLE = 254

_IFLA_IFNAME, _IFA_ADDRESS = 3, 1
_RTA_METRICS, _RTA_TABLE, _RTAX_CC_ALGO = 8, 15, 16
_TCA_KIND, _TCA_OPTIONS, _TCA_STATS = 1, 2, 3
_TCA_PARMS, _RATE_AT = 1, 8
"""Of htb's class and of tbf alike: the rate stands in the first of their parameters."""
_STATISTICS = struct.Struct("=QIIIIIII")
_U32_ACTIONS, _ACTION_KIND, _ACTION_OPTIONS, _MIRRED_PARMS, _TARGET_AT = 7, 1, 2, 2, 24
_PSCHED = Path("/proc/net/psched")


class ShapingError(Exception):
    """The kernel does not shape as it was asked to, or as the lab does; the message says how."""


def device_of(address: IPv4Address) -> int:
    """The index of the device that has `address`; ShapingError where none has."""
    for entry in rtnetlink.dump(rtnetlink.ADDRESSES, AF_INET, 0, 0, 0, 0):
        if entry.attributes.get(_IFA_ADDRESS) == address.packed:
            return entry.fields[-1]
    raise ShapingError(f"no interface of this node has the address {address}")


def devices() -> dict[int, str]:
    """Index → name of every device."""
    return {e.fields[2]: e.text(_IFLA_IFNAME) for e in rtnetlink.dump(rtnetlink.LINKS)}


def receiving_name(device: str) -> str:
    """What the device is called on which what `device` receives is shaped."""
    return f"in-{device}"


def receiving_device(index: int) -> int | None:
    """The device on which what device `index` receives is shaped; None where there is none."""
    names = devices()
    wanted = receiving_name(names[index])
    return next((number for number, name in names.items() if name == wanted), None)


def in_force(index: int, direction: Direction) -> Shape:
    """The shape of one direction of the link on device `index`; ShapingError for a foreign one."""
    device = index if direction is Direction.OUT else receiving_device(index)
    if device is None or (direction is Direction.IN and not is_redirected(index, device)):
        return Shape()
    shape = shape_of(device)
    if shape is None:
        raise ShapingError("the kernel queues in another way than any that the lab sets")
    return shape


def counters(index: int, direction: Direction) -> Counters | None:
    """The counters of one direction; None where it is not shaped."""
    device = index if direction is Direction.OUT else receiving_device(index)
    return None if device is None else _counters(device)


def shape_of(index: int) -> Shape | None:
    """The shape of device `index`; None where the kernel's is not of the lab's making."""
    qdiscs = _qdiscs(index)
    rate_kbps, queue, delay_ms, loss_pct = None, DEFAULT_QUEUE, 0.0, 0.0
    if netem := qdiscs.get(NETEM):
        ticks, _, loss = struct.unpack_from("=III", netem.attributes[_TCA_OPTIONS])
        delay_ms = round(ticks / _ticks_per_us() / 1000, 3)
        loss_pct = round(loss / (2**32 - 1) * 100, 4)
    if shaper := qdiscs.get(SHAPER):
        fifo = qdiscs.get(FIFO)
        rate = _rate(index, shaper)
        if fifo is None or rate is None:
            return None
        try:
            kind, counts = ShaperKind(shaper.text(_TCA_KIND)), FifoKind(fifo.text(_TCA_KIND))
        except ValueError:
            return None
        (limit,) = struct.unpack_from("=I", fifo.attributes[_TCA_OPTIONS])
        rate_kbps, queue = rate * 8 // 1000, Queue(kind, counts, limit)
    return Shape(rate_kbps, queue, delay_ms, loss_pct)


def is_redirected(index: int, device: int) -> bool:
    """Whether a filter sends all that device `index` receives to `device`."""
    request = (0, index, 0, INGRESS, 0)
    return any(device in _targets(e) for e in rtnetlink.dump(rtnetlink.FILTERS, *request))


def _targets(filter_: Entry) -> Iterator[int]:
    """Where the actions of a u32 filter send packets."""
    options = attributes(filter_.attributes.get(_TCA_OPTIONS, b""))
    for action in attributes(options.get(_U32_ACTIONS, b"")).values():
        found = attributes(action)
        if found.get(_ACTION_KIND) == b"mirred\0":
            parameters = attributes(found[_ACTION_OPTIONS])[_MIRRED_PARMS]
            yield struct.unpack_from("=I", parameters, _TARGET_AT)[0]


def _qdiscs(index: int) -> dict[int, Entry]:
    """Handle → queueing discipline of device `index`."""
    found = rtnetlink.dump(rtnetlink.QDISCS, 0, index, 0, 0, 0)
    return {entry.fields[2]: entry for entry in found if entry.fields[1] == index}


def _counters(index: int) -> Counters | None:
    qdiscs = _qdiscs(index)
    qdisc = qdiscs.get(SHAPER) or qdiscs.get(NETEM)
    if qdisc is None:
        return None
    sent, packets, drops, overlimits, _, _, waiting, backlog = _STATISTICS.unpack_from(
        qdisc.attributes[_TCA_STATS]
    )
    return Counters(sent, packets, drops, overlimits, backlog, waiting)


def _rate(index: int, shaper: Entry) -> int | None:
    """Bytes per second that a shaper lets through; None where it has no class."""
    holder: Attributes | None = shaper.attributes
    if shaper.text(_TCA_KIND) == ShaperKind.HTB:
        classes = rtnetlink.dump(rtnetlink.CLASSES, 0, index, 0, 0, 0)
        holder = next((e.attributes for e in classes if e.fields[2] == CLASS), None)
    parameters = attributes(holder[_TCA_OPTIONS]).get(_TCA_PARMS) if holder else None
    if parameters is None:
        return None
    (rate,) = struct.unpack_from("=I", parameters, _RATE_AT)
    return int(rate)


def _ticks_per_us() -> float:
    """How many ticks of the packet scheduler a microsecond has (`tc_core_init` of iproute2)."""
    ticks, microseconds, resolution = (int(word, 16) for word in _PSCHED.read_text().split()[:3])
    return ticks / microseconds * resolution / 1_000_000


def network_in_force(network: MachineNetwork) -> NetworkInForce:
    """What is in force of what is described; ShapingError where one of its links is not there."""
    routes = [
        route
        for route in rtnetlink.dump(rtnetlink.ROUTES, AF_INET, *(0,) * 8)
        if _table(route) == MAIN_TABLE
    ]
    tunnel = network.tunnel
    names = devices()
    return NetworkInForce(
        node=network.node,
        links=tuple(_link_rate(names, link) for link in network.links),
        tunnel=tunnel.device in names.values() if tunnel else None,
        congestion_control=tuple(sorted({cc for route in routes if (cc := _congestion(route))})),
        closed=any(route.fields[1] == 0 and route.fields[7] == UNREACHABLE for route in routes),
    )


def _link_rate(names: dict[int, str], link: MachineLink) -> LinkRate:
    index = device_of(link.address)
    return LinkRate(
        network=link.network,
        address=link.address,
        interface=names[index],
        rate_configured_kbps=link.sends.rate_kbps if link.sends else None,
        rate_in_force_kbps=in_force(index, Direction.OUT).rate_kbps,
        counters=_counters(index),
    )


def _table(route: Entry) -> int:
    number = route.attributes.get(_RTA_TABLE)
    return struct.unpack("=I", number)[0] if number else route.fields[4]


def _congestion(route: Entry) -> str:
    metrics = attributes(route.attributes.get(_RTA_METRICS, b""))
    return metrics.get(_RTAX_CC_ALGO, b"").rstrip(b"\0").decode()


def links_in_force(order: ShowLinks) -> LinksShown:
    """Both directions of some links; ShapingError where one of them is not there."""
    names = devices()
    return LinksShown(
        tuple(_link(names[index], index) for index in map(device_of, order.addresses))
    )


def _link(name: str, index: int) -> LinkInForce:
    sends, receives = (
        SideInForce(in_force(index, direction), counters(index, direction))
        for direction in Direction
    )
    return LinkInForce(name, sends, receives)


def answer(order: Order) -> Event:
    """What was asked for, or why it cannot be told."""
    try:
        match order:
            case ShowNetwork():
                return network_in_force(order.network)
            case ShowLinks():
                return links_in_force(order)
    except ShapingError as error:
        return Failed(str(error))
    raise TypeError(f"nothing to read: {order}")


def main() -> None:
    """Answer orders."""
    line = Line(READING)
    while (order := line.hear()) is not None:
        line.say(answer(order))


if __name__ == "__main__":
    main()
