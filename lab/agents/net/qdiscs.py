"""The cap of one device: set, changed in place, taken off (CAP_NET_ADMIN).

From the packet's side a cap is built so:

    htb class or tbf (rate) → pfifo or bfifo (queue)

Rates count the Ethernet header, as the kernel does.
"""

from __future__ import annotations

import errno
import struct
import time
from typing import Any

from lab.agents.net import rtnetlink
from lab.agents.net.reading import CLASS, FIFO, SHAPER, cap_of, waiting_packets
from lab.agents.net.rtnetlink import ADD, CHANGE, CLASSES, QDISCS, NetlinkError, attribute, text
from lab.wire.shape import Queue, Shape, ShaperKind, ShapingError

FRAME_BYTES = 1514
"""An Ethernet frame of the usual MTU, without FCS."""
BURST_MS = 1.0
"""How much a cap may send at once, in time at its rate: what the kernel's timers need."""

_TBF_CHILD = 0x1_0001
_DRAIN_POLL_S = 0.01
_HTB_VERSION, _HTB_RATE_TO_QUANTUM, _HTB_DEFAULT = 3, 10, 0x10
_LOOPBACK = 1
_ROOT = 0xFFFF_FFFF
"""TC_H_ROOT: the place of a device's first qdisc."""
_TCA_KIND, _TCA_OPTIONS = 1, 2
_TCA_PARMS, _TCA_HTB_INIT = 1, 2
_RATE = struct.Struct("=BBHhHI")
"""struct tc_ratespec."""
_ETHERNET = 1
"""TC_LINKLAYER_ETHERNET: the kernel computes from the rate itself what it takes to send."""
_MOST_RATE = 0xFFFF_FFFF
_TICK_NS = 64
"""What bursts are told in (PSCHED_SHIFT of <net/pkt_sched.h>)."""


def set_cap(index: int, cap: Shape) -> None:
    """Bring device `index` to the rate and queue of `cap`, in place where only figures differ.

    ShapingError where the kernel lacks what is needed, or has something else afterwards.
    """
    wanted = Shape(cap.rate_kbps, cap.queue)
    current = cap_of(index)
    if wanted == current:
        return
    if current is None or _structure(wanted) != _structure(current):
        _remove(index)
        if wanted.rate_kbps is not None:
            _build(index, wanted.rate_kbps, wanted.queue, ADD)
    elif wanted.rate_kbps is not None:
        _build(index, wanted.rate_kbps, wanted.queue, CHANGE)
    found = cap_of(index)
    if found != wanted:
        raise ShapingError(f"asked for {wanted}, but the kernel has {found or 'something else'}")


def remove_drained(index: int, patience_s: float) -> None:
    """Take the cap off a device into which nothing goes any more, once its queue is empty.

    What is still there after `patience_s` is dropped.
    """
    if cap_of(index) == Shape():
        return
    deadline = time.monotonic() + patience_s
    while True:
        # A packet that nothing sent elsewhere yet may still be on its way into the queue.
        time.sleep(_DRAIN_POLL_S)
        if not waiting_packets(index) or time.monotonic() > deadline:
            break
    _remove(index)


def add_qdisc(index: int, kind: str, handle: int, parent: int) -> None:
    """Put a qdisc without options on a device; NetlinkError where the kernel refuses."""
    _put(QDISCS, ADD, index, kind, handle, parent, b"")


def has_qdisc(kind: str) -> bool:
    """Whether the kernel knows the qdisc, found out by trying; it may still want options.

    NetlinkError where it may not be tried.
    """
    try:
        add_qdisc(_LOOPBACK, kind, 0, _ROOT)
        rtnetlink.delete(QDISCS, (0, _LOOPBACK, 0, _ROOT, 0))
    except NetlinkError as error:
        if error.errno == errno.EPERM:
            raise
        return error.errno != errno.ENOENT
    return True


def burst_bytes(rate_kbps: int) -> int:
    """What a cap of that rate may send at once; two frames at least."""
    return max(2 * FRAME_BYTES, int(rate_kbps / 8 * BURST_MS))


def _build(index: int, rate_kbps: int, queue: Queue, how: int) -> None:
    """`ADD` all of a cap to a bare device, or `CHANGE` the figures of one of equal structure."""
    rate = rate_kbps * 125
    burst = burst_bytes(rate_kbps)
    if queue.kind is ShaperKind.HTB:
        if how == ADD:
            _put(QDISCS, ADD, index, ShaperKind.HTB, SHAPER, _ROOT, _htb())
        _put(CLASSES, how, index, ShaperKind.HTB, CLASS, SHAPER, _htb_class(rate, burst))
        fifo_parent = CLASS
    else:
        # The kernel sets the limit of any fifo below a tbf, too; the fifo's own follows.
        _put(QDISCS, how, index, ShaperKind.TBF, SHAPER, _ROOT, _tbf(rate, burst))
        fifo_parent = _TBF_CHILD
    _put(QDISCS, how, index, queue.fifo, FIFO, fifo_parent, struct.pack("=I", queue.limit))


def _put(
    table: int, how: int, index: int, kind: str, handle: int, parent: int, options: bytes
) -> None:
    values = text(_TCA_KIND, kind) + (attribute(_TCA_OPTIONS, options) if options else b"")
    rtnetlink.put(table, how, (0, index, handle, parent, 0), values)


def _htb() -> bytes:
    """A struct tc_htb_glob."""
    figures = (_HTB_VERSION, _HTB_RATE_TO_QUANTUM, _HTB_DEFAULT, 0, 0)
    return attribute(_TCA_HTB_INIT, struct.pack("=5I", *figures))


def _htb_class(rate: int, burst: int) -> bytes:
    """A struct tc_htb_opt: rate and ceiling, the burst of both, one frame at a time."""
    ticks = _ticks(rate, burst)
    figures = struct.pack("=5I", ticks, ticks, FRAME_BYTES, 0, 0)
    return attribute(_TCA_PARMS, _rate(rate) + _rate(rate) + figures)


def _tbf(rate: int, burst: int) -> bytes:
    """A struct tc_tbf_qopt without a peak rate, whose queue is as long as its burst."""
    figures = struct.pack("=3I", burst, _ticks(rate, burst), 0)
    return attribute(_TCA_PARMS, _rate(rate) + _rate(0) + figures)


def _rate(rate: int) -> bytes:
    """Bytes per second; of one beyond what fits the kernel tells another one afterwards."""
    return _RATE.pack(0, _ETHERNET if rate else 0, 0, 0, 0, min(rate, _MOST_RATE))


def _ticks(rate: int, burst: int) -> int:
    """How long a burst takes at a rate, in the kernel's unit; whole microseconds."""
    return 1_000_000 * burst // rate * 1000 // _TICK_NS


def _remove(index: int) -> None:
    for qdisc in rtnetlink.dump(QDISCS, 0, index, 0, 0, 0):
        _, device, handle, parent, _ = qdisc.fields
        if (device, handle, parent) == (index, SHAPER, _ROOT):
            rtnetlink.delete(QDISCS, (0, index, SHAPER, _ROOT, 0))


def _structure(cap: Shape) -> tuple[Any, ...]:
    """What cannot be changed in place."""
    return () if cap.rate_kbps is None else (cap.queue.kind, cap.queue.fifo)
