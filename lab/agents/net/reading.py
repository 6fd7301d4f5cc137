"""Tells what is in force in this network namespace: addresses, routes, shapes, counters.

Needs no capability and nothing but the standard library, so that every node can be asked from
inside. Shapes are understood as `lab.agents.net.qdiscs` builds them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from socket import AF_INET

from lab.agents.net import delay_line, rtnetlink
from lab.agents.net.rtnetlink import Attributes, Entry, attributes
from lab.wire.faults import LinkFault, fault_in_force
from lab.wire.line import Line
from lab.wire.links import Counters, DelayCounts, LinkInForce, LinksShown, ShowLinks, SideInForce
from lab.wire.messages import Event, Failed, Order
from lab.wire.network import (
    READING,
    LinkRate,
    MachineLink,
    MachineNetwork,
    NetworkInForce,
    ShowNetwork,
)
from lab.wire.shape import (
    Direction,
    FifoKind,
    Queue,
    Shape,
    ShaperKind,
    ShapingError,
    delay_device,
)

SHAPER, CLASS, FIFO = 0x1_0000, 0x1_0010, 0x10_0000
"""The handles of the queueing disciplines that the lab sets, and of htb's one class."""
HOOKS = {Direction.OUT: 0xFFFF_FFF3, Direction.IN: 0xFFFF_FFF2}
"""Where packets of a direction are caught, by clsact: TC_H_MIN_EGRESS and _INGRESS."""
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


def device_called(name: str) -> int | None:
    """The index of the device of that name; None where there is none."""
    return next((index for index, own in devices().items() if own == name), None)


def delaying_device(index: int, direction: Direction) -> int | None:
    """The TAP device through which one direction of a link goes; None where it takes no time."""
    tap = device_called(delay_device(devices()[index], direction))
    return tap if tap is not None and is_redirected(index, direction, tap) else None


def capping_device(index: int, direction: Direction) -> int | None:
    """The device on which the cap of one direction stands; None where none could."""
    tap = delaying_device(index, direction)
    if tap is not None or direction is Direction.OUT:
        return index if tap is None else tap
    device = device_called(receiving_name(devices()[index]))
    if device is None or not is_redirected(index, direction, device):
        return None
    return device


def in_force(index: int, direction: Direction) -> Shape:
    """The shape of one direction of the link on device `index`.

    ShapingError for a foreign one, or where its delay line does not answer.
    """
    device = capping_device(index, direction)
    if device is None:
        return Shape()
    cap = cap_of(device)
    if cap is None:
        raise ShapingError("the kernel queues in another way than any that the lab sets")
    if device != delaying_device(index, direction):
        return cap
    way = delay_line.pipe(devices()[device]).way
    return replace(way, rate_kbps=cap.rate_kbps, queue=cap.queue)


def counters(index: int, direction: Direction) -> Counters | None:
    """The counters of the cap of one direction; None where there is none."""
    device = capping_device(index, direction)
    return None if device is None else _counters(device)


def delays(index: int, direction: Direction) -> DelayCounts | None:
    """What the delay line did with one direction; None where that takes no time."""
    tap = delaying_device(index, direction)
    return None if tap is None else delay_line.pipe(devices()[tap]).counts


def fault_of(index: int, direction: Direction) -> LinkFault | None:
    """The fault of one direction, in force or the last there was; None where there was none."""
    tap = delaying_device(index, direction)
    return None if tap is None else delay_line.pipe(devices()[tap]).fault


def cap_of(index: int) -> Shape | None:
    """The cap of device `index`, a shape that takes no time.

    None where the kernel's is not of the lab's making.
    """
    qdiscs = _qdiscs(index)
    shaper, fifo = qdiscs.get(SHAPER), qdiscs.get(FIFO)
    if shaper is None:
        return Shape()
    rate = _rate(index, shaper)
    if fifo is None or rate is None:
        return None
    try:
        kind, counts = ShaperKind(shaper.text(_TCA_KIND)), FifoKind(fifo.text(_TCA_KIND))
    except ValueError:
        return None
    (limit,) = struct.unpack_from("=I", fifo.attributes[_TCA_OPTIONS])
    return Shape(rate * 8 // 1000, Queue(kind, counts, limit))


def waiting_packets(index: int) -> int:
    """How many packets wait at the cap of device `index`."""
    counted = _counters(index)
    return counted.backlog_packets if counted else 0


def is_redirected(index: int, direction: Direction, device: int) -> bool:
    """Whether a filter sends one direction of device `index` to `device`."""
    return bool(redirections(index, direction, device))


def redirections(index: int, direction: Direction, device: int) -> set[int]:
    """The priorities of the filters that send one direction of device `index` to `device`."""
    request = (0, index, 0, HOOKS[direction], 0)
    filters = rtnetlink.dump(rtnetlink.FILTERS, *request)
    return {entry.fields[4] >> 16 for entry in filters if device in _targets(entry)}


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
    qdisc = qdiscs.get(SHAPER)
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


def network_in_force(network: MachineNetwork) -> NetworkInForce:
    """What is in force of what is described; ShapingError where one of its links is not there."""
    routes = [
        route
        for route in rtnetlink.dump(rtnetlink.ROUTES, AF_INET, *(0,) * 8)
        if table_of(route) == MAIN_TABLE
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
    sends = in_force(index, Direction.OUT)
    return LinkRate(
        network=link.network,
        address=link.address,
        interface=names[index],
        rate_configured_kbps=link.sends.rate_kbps if link.sends else None,
        rate_in_force_kbps=sends.rate_kbps,
        counters=counters(index, Direction.OUT),
        way_configured=(link.sends or Shape()).way,
        way_in_force=sends.way,
        fault=fault_in_force(fault_of(index, direction) for direction in Direction),
    )


def table_of(route: Entry) -> int:
    """The number of the table that a route stands in."""
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
        SideInForce(
            in_force(index, direction),
            counters(index, direction),
            delays(index, direction),
            fault_of(index, direction),
        )
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
