"""The queueing disciplines of one device: set, changed in place, read back, counted (pyroute2).

A shape is {"rate_kbps", "queue": {"kind", "fifo", "limit"}, "delay_ms", "loss_pct"} as
`lab.topology.shape` writes it: without a rate there is no queue either, and a device that is
not shaped at all has None. From the packet's side it is built so:

    netem (delay, loss) → htb class or tbf (rate) → pfifo or bfifo (queue)

with what is not asked for left out. Rates count the Ethernet header, as the kernel does.
"""

from __future__ import annotations

import errno
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.rtnl import TC_H_ROOT
from pyroute2.netlink.rtnl.tcmsg import common, plugins

# pyroute2 knows pfifo only; the options of both are one and the same number.
plugins.setdefault("bfifo", plugins["pfifo"])

Shape = dict[str, Any]

FRAME_BYTES = 1514
"""An Ethernet frame of the usual MTU, without FCS."""
BURST_MS = 1.0
"""How much a cap may send at once, in time at its rate: what the kernel's timers need."""
NETEM_PACKETS = 100_000
"""Room for what is under way inside a delay; far more than any delay holds here."""

_SHAPER, _CLASS, _FIFO, _NETEM = 0x1_0000, 0x1_0010, 0x10_0000, 0x3_0000
_TBF_CHILD, _NETEM_CHILD = 0x1_0001, 0x3_0001
_HTB_DEFAULT = 0x10


class ShapingError(Exception):
    """The kernel cannot shape as it was asked to; the message names what it lacks."""


def set_shape(ipr: IPRoute, index: int, shape: Shape | None) -> None:
    """Bring device `index` to `shape`, in place where only figures differ.

    ShapingError where the kernel lacks what is needed, or has something else afterwards.
    """
    current = shape_in_force(ipr, index)
    if shape == current:
        return
    if shape is not None and _has_netem(shape):
        require_qdisc(ipr, "netem", "delay and loss on a link")
    if shape is None or current is None or _structure(shape) != _structure(current):
        _remove(ipr, index)
        if shape is not None:
            _build(ipr, index, shape, "add")
    else:
        _build(ipr, index, shape, "change")
    found = shape_in_force(ipr, index)
    if found != shape:
        raise ShapingError(f"asked for {shape}, but the kernel has {found}")


def shape_in_force(ipr: IPRoute, index: int) -> Shape | None:
    """The shape that the kernel reports for device `index`; None where there is none."""
    qdiscs = {
        qdisc["handle"]: qdisc
        for qdisc in ipr.get_qdiscs(index=index)
        if qdisc["handle"] in (_SHAPER, _FIFO, _NETEM)
    }
    if _SHAPER not in qdiscs and _NETEM not in qdiscs:
        return None
    shape: Shape = {"rate_kbps": None, "queue": None, "delay_ms": 0.0, "loss_pct": 0.0}
    if netem := qdiscs.get(_NETEM):
        options = netem.get_attr("TCA_OPTIONS")
        shape["delay_ms"] = round(options["delay"] / common.tick_in_usec / 1000, 3)
        shape["loss_pct"] = round(options["loss"] / (2**32 - 1) * 100, 4)
    if shaper := qdiscs.get(_SHAPER):
        kind, fifo = shaper.get_attr("TCA_KIND"), qdiscs.get(_FIFO)
        rate_bytes = _htb_rate(ipr, index) if kind == "htb" else _tbf_rate(shaper)
        shape["rate_kbps"] = None if rate_bytes is None else rate_bytes * 8 // 1000
        shape["queue"] = {
            "kind": kind,
            "fifo": fifo.get_attr("TCA_KIND") if fifo else None,
            "limit": fifo.get_attr("TCA_OPTIONS")["limit"] if fifo else None,
        }
    return shape


def counters(ipr: IPRoute, index: int) -> dict[str, int] | None:
    """What passed, was dropped and waits at the shaper of device `index`, since it was added.

    `overlimits` counts how often the cap held a packet back. None where nothing is shaped.
    """
    by_handle = {qdisc["handle"]: qdisc for qdisc in ipr.get_qdiscs(index=index)}
    qdisc = by_handle.get(_SHAPER) or by_handle.get(_NETEM)
    if qdisc is None:
        return None
    statistics = qdisc.get_attr("TCA_STATS")
    return {
        "bytes": statistics["bytes"],
        "packets": statistics["packets"],
        "drops": statistics["drop"],
        "overlimits": statistics["overlimits"],
        "backlog_bytes": statistics["backlog"],
        "backlog_packets": statistics["qlen"],
    }


def require_qdisc(ipr: IPRoute, kind: str, purpose: str) -> None:
    """ShapingError where the kernel does not know the qdisc `kind`, found out by trying."""
    loopback = 1
    try:
        ipr.tc("add", kind, loopback)
        ipr.tc("del", kind, loopback)
    except NetlinkError as error:
        if error.code == errno.ENOENT:
            raise ShapingError(
                f"this kernel has no {kind} qdisc, which {purpose} would need"
            ) from error


def burst_bytes(rate_kbps: int) -> int:
    """What a cap of that rate may send at once; two frames at least."""
    return max(2 * FRAME_BYTES, int(rate_kbps / 8 * BURST_MS))


def _build(ipr: IPRoute, index: int, shape: Shape, verb: str) -> None:
    """`add` all of a shape to a bare device, or `change` the figures of one of equal structure."""
    parent = TC_H_ROOT
    if _has_netem(shape):
        ipr.tc(
            verb,
            "netem",
            index,
            handle=_NETEM,
            parent=parent,
            delay=shape["delay_ms"] * 1000,
            loss=shape["loss_pct"],
            limit=NETEM_PACKETS,
        )
        parent = _NETEM_CHILD
    if shape["rate_kbps"] is None:
        return
    rate = shape["rate_kbps"] * 125
    burst = burst_bytes(shape["rate_kbps"])
    queue = shape["queue"]
    if queue["kind"] == "htb":
        if verb == "add":
            ipr.tc("add", "htb", index, handle=_SHAPER, parent=parent, default=_HTB_DEFAULT)
        ipr.tc(
            f"{verb}-class",
            "htb",
            index,
            handle=_CLASS,
            parent=_SHAPER,
            rate=rate,
            ceil=rate,
            burst=burst,
            cburst=burst,
            quantum=FRAME_BYTES,
        )
        fifo_parent = _CLASS
    else:
        # The kernel sets the limit of any fifo below a tbf, too; the fifo's own follows.
        ipr.tc(
            verb, "tbf", index, handle=_SHAPER, parent=parent, rate=rate, burst=burst, limit=burst
        )
        fifo_parent = _TBF_CHILD
    ipr.tc(verb, queue["fifo"], index, handle=_FIFO, parent=fifo_parent, limit=queue["limit"])


def _remove(ipr: IPRoute, index: int) -> None:
    for qdisc in ipr.get_qdiscs(index=index):
        if qdisc["parent"] == TC_H_ROOT and qdisc["handle"] in (_SHAPER, _NETEM):
            ipr.tc("del", index=index, handle=qdisc["handle"], root=True)


def _has_netem(shape: Shape) -> bool:
    return bool(shape["delay_ms"] or shape["loss_pct"])


def _structure(shape: Shape) -> tuple[Any, ...]:
    """What cannot be changed in place."""
    if shape["rate_kbps"] is None:
        return (_has_netem(shape),)
    return _has_netem(shape), shape["queue"]["kind"], shape["queue"]["fifo"]


def _htb_rate(ipr: IPRoute, index: int) -> int | None:
    """Bytes per second of the one class."""
    for entry in ipr.get_classes(index=index):
        if entry["handle"] == _CLASS:
            return int(entry.get_attr("TCA_OPTIONS").get_attr("TCA_HTB_PARMS")["rate"])
    return None


def _tbf_rate(qdisc: Any) -> int:
    return int(qdisc.get_attr("TCA_OPTIONS").get_attr("TCA_TBF_PARMS")["rate"])
