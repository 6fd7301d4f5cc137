"""The two directions of a link in this network namespace (pyroute2, CAP_NET_ADMIN).

What the node sends is shaped on its device. What it receives is redirected to an ifb device
and shaped there, on its way in. Neither device makes or passes packets of several segments:
a queue would count 64 KB of TCP as one packet.
"""

from __future__ import annotations

import errno
from ipaddress import IPv4Address
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from lab.agents.net import qdiscs
from lab.agents.net.qdiscs import ShapingError
from lab.wire.links import Counters
from lab.wire.shape import Direction, Shape

_INGRESS = 0xFFFF_0000
_ETH_P_ALL = 0x0003


def set_link(ipr: IPRoute, index: int, sends: Shape, receives: Shape) -> None:
    """Bring both directions of the link on device `index` to what is asked for."""
    forbid_coalescing(ipr, index)
    set_direction(ipr, index, Direction.OUT, sends)
    set_direction(ipr, index, Direction.IN, receives)


def set_direction(ipr: IPRoute, index: int, direction: Direction, shape: Shape) -> None:
    """Bring one direction of the link on device `index` to `shape`; an open one has no shaper.

    ShapingError where the kernel cannot, or has something else afterwards.
    """
    if direction is Direction.OUT:
        qdiscs.set_shape(ipr, index, shape)
        return
    device = _receiving_device(ipr, index)
    if shape.is_open:
        if device is not None:
            _undo_redirection(ipr, index)
            ipr.link("del", index=device)
        return
    if device is None:
        device = _add_receiving_device(ipr, index)
    qdiscs.set_shape(ipr, device, shape)
    _redirect(ipr, index, device)


def in_force(ipr: IPRoute, index: int, direction: Direction) -> Shape:
    """The shape that the kernel reports for one direction of the link on device `index`."""
    device = _device(ipr, index, direction)
    if device is None or (direction is Direction.IN and not _is_redirected(ipr, index, device)):
        return Shape()
    return qdiscs.shape_in_force(ipr, device)


def counters(ipr: IPRoute, index: int, direction: Direction) -> Counters | None:
    """The counters of one direction; None where it is not shaped."""
    device = _device(ipr, index, direction)
    return None if device is None else qdiscs.counters(ipr, device)


def forbid_coalescing(ipr: IPRoute, index: int) -> None:
    """Let device `index` carry one segment per packet only; ShapingError where it does not."""
    ipr.link("set", index=index, gso_max_segs=1)
    found = ipr.get_links(index)[0].get_attr("IFLA_GSO_MAX_SEGS")
    if found != 1:
        name = name_of(ipr, index)
        raise ShapingError(f"{name} still joins up to {found} segments in one packet")


def device_of(ipr: IPRoute, address: IPv4Address) -> int:
    """The index of the device that has `address`; ShapingError where none has."""
    for entry in ipr.get_addr(family=2):
        if entry.get_attr("IFA_ADDRESS") == str(address):
            return int(entry["index"])
    raise ShapingError(f"no interface of this node has the address {address}")


def _device(ipr: IPRoute, index: int, direction: Direction) -> int | None:
    return index if direction is Direction.OUT else _receiving_device(ipr, index)


def name_of(ipr: IPRoute, index: int) -> str:
    """What the device `index` is called."""
    return str(ipr.get_links(index)[0].get_attr("IFLA_IFNAME"))


def _receiving_name(ipr: IPRoute, index: int) -> str:
    return f"in-{name_of(ipr, index)}"


def _receiving_device(ipr: IPRoute, index: int) -> int | None:
    found = ipr.link_lookup(ifname=_receiving_name(ipr, index))
    return int(found[0]) if found else None


def _add_receiving_device(ipr: IPRoute, index: int) -> int:
    name = _receiving_name(ipr, index)
    try:
        ipr.link("add", ifname=name, kind="ifb")
    except NetlinkError as error:
        if error.code != errno.EOPNOTSUPP:
            raise
        raise ShapingError(
            "this kernel has no ifb device, which shaping what a node receives would need"
        ) from error
    device = int(ipr.link_lookup(ifname=name)[0])
    forbid_coalescing(ipr, device)
    ipr.link("set", index=device, state="up")
    return device


def _redirect(ipr: IPRoute, index: int, device: int) -> None:
    if _is_redirected(ipr, index, device):
        return
    _undo_redirection(ipr, index)
    ipr.tc("add", "ingress", index, handle=_INGRESS)
    action: dict[str, Any] = {
        "kind": "mirred",
        "direction": "egress",
        "action": "redirect",
        "ifindex": device,
    }
    ipr.tc(
        "add-filter",
        "u32",
        index,
        parent=_INGRESS,
        prio=1,
        protocol=_ETH_P_ALL,
        target=0x1_0000,
        keys=["0x0/0x0+0"],
        action=action,
    )
    if not _is_redirected(ipr, index, device):
        raise ShapingError(f"what {name_of(ipr, index)} receives does not reach its shaper")


def _is_redirected(ipr: IPRoute, index: int, device: int) -> bool:
    """Whether a filter sends all that device `index` receives to `device`."""
    for found in ipr.get_filters(index=index, parent=_INGRESS):
        options = found.get_attr("TCA_OPTIONS")
        actions = options.get_attr("TCA_U32_ACT") if options else None
        for _, action in actions["attrs"] if actions else ():
            if action.get_attr("TCA_ACT_KIND") == "mirred":
                parameters = action.get_attr("TCA_ACT_OPTIONS").get_attr("TCA_MIRRED_PARMS")
                return bool(parameters["ifindex"] == device)
    return False


def _undo_redirection(ipr: IPRoute, index: int) -> None:
    if any(qdisc["handle"] == _INGRESS for qdisc in ipr.get_qdiscs(index=index)):
        ipr.tc("del", "ingress", index, handle=_INGRESS)
