"""The two directions of a link in this network namespace (CAP_NET_ADMIN).

A direction that only has a cap has it on the link's own device, or, for what the node receives,
on an ifb device to which that is redirected. A direction that takes time goes through a TAP
device with the cap on it, behind which the delay line keeps every packet; it stays that way, open
or not, as long as the namespace lasts, so that no change loses a packet. No device makes or
passes packets of several segments: a queue would count 64 KB of TCP as one packet.
"""

from __future__ import annotations

import errno
import time
from pathlib import Path

from lab.agents.net import delay_line, delay_rules, interfaces, qdiscs
from lab.agents.net.delay_rules import Profile
from lab.agents.net.interfaces import TunMode
from lab.agents.net.reading import (
    delaying_device,
    device_called,
    devices,
    in_force,
    is_redirected,
    receiving_name,
)
from lab.agents.net.redirect import EVERYTHING, IP, leave_alone, redirect
from lab.agents.net.rtnetlink import NetlinkError
from lab.wire.shape import Direction, Shape, ShapingError, delay_device

LINE_PATIENCE_S = 10.0
"""Within which a delay line that was started beside this machine answers."""
_DRAIN_S = 2.0
_CARRIER_S = 1.0
_TAP_PACKETS = 4096
"""What may wait between the kernel and the delay line, whose turn comes within a millisecond."""
_FIRST, _SECOND = 1, 2
"""Priorities: a TAP device goes before an ifb device, so that one can follow the other."""
_STRICT = "1"
"""Of rp_filter: what comes in must come from where answers go out (RFC 3704)."""


def set_link(index: int, sends: Shape, receives: Shape) -> None:
    """Bring both directions of the link on device `index` to what is asked for."""
    forbid_coalescing(index)
    set_direction(index, Direction.OUT, sends)
    set_direction(index, Direction.IN, receives)


def set_direction(index: int, direction: Direction, shape: Shape) -> None:
    """Bring one direction of the link on device `index` to `shape`.

    ShapingError where the kernel cannot, no delay line answers, or either has something else
    afterwards.
    """
    tap = device_called(delay_device(devices()[index], direction))
    if tap is not None or shape.takes_time:
        _set_delayed(index, direction, shape)
    elif direction is Direction.OUT:
        qdiscs.set_cap(index, shape)
    else:
        _set_received(index, shape)


def have_line(index: int, direction: Direction) -> str:
    """Have one direction go through the delay line, with the shape that it has; its TAP device.

    ShapingError where the kernel cannot, or no delay line answers.
    """
    if delaying_device(index, direction) is None:
        _set_delayed(index, direction, in_force(index, direction))
    return delay_device(devices()[index], direction)


def set_profile(index: int, direction: Direction, profile: Profile | None) -> None:
    """Let voice meet what a profile says, or no more; ShapingError where nothing takes time."""
    tap = delay_device(devices()[index], direction)
    if device_called(tap) is None:
        raise ShapingError(f"{devices()[index]} has no delay line that could replay a profile")
    delay_rules.set_way(tap, in_force(index, direction), profile)


def forbid_coalescing(index: int) -> None:
    """Let device `index` carry one segment per packet only; ShapingError where it does not."""
    interfaces.set_most_segments(index, 1)
    found = interfaces.most_segments(index)
    if found != 1:
        name = devices()[index]
        raise ShapingError(f"{name} still joins up to {found} segments in one packet")


def _set_delayed(index: int, direction: Direction, shape: Shape) -> None:
    device = devices()[index]
    name = delay_device(device, direction)
    delay_line.await_line(LINE_PATIENCE_S)
    tap = device_called(name)
    if tap is None:
        tap = _add_tap(index, name, direction)
    qdiscs.set_cap(tap, shape)
    delay_rules.have_pipe(name, device if direction is Direction.OUT else name)
    # Only now, with the delay line at it: a device that is up before drops packets until the kernel
    # comes to notice that somebody reads them.
    interfaces.bring_up(tap)
    _await_carrier(tap)
    delay_rules.set_way(name, shape)
    # Who answers "who has" is known by the link's own device: ARP comes in as ever.
    protocol = EVERYTHING if direction is Direction.OUT else IP
    redirect(index, direction, tap, protocol, _FIRST)
    if direction is Direction.OUT:
        qdiscs.remove_drained(index, _DRAIN_S)
    else:
        _remove_receiving_device(index)
    found = in_force(index, direction)
    if found != shape:
        raise ShapingError(f"asked for {shape}, but {device} has {found}")


def _add_tap(index: int, name: str, direction: Direction) -> int:
    if direction is Direction.IN:
        _refuse_strict_filter()
    try:
        interfaces.add_tun(name, TunMode.TAP, uid=0, gid=0)
    except OSError as error:
        raise ShapingError(
            f"no TAP device can be made, which delay and loss on a link need ({error}): "
            "`modprobe tun` on the host, or a kernel that has it"
        ) from error
    tap = device_called(name)
    assert tap is not None
    forbid_coalescing(tap)
    interfaces.set_queue_length(tap, _TAP_PACKETS)
    if direction is Direction.IN:
        # What comes back in there must be for this machine.
        interfaces.set_hardware_address(tap, interfaces.hardware_address(index))
    return tap


def _await_carrier(tap: int) -> None:
    """Return when packets go through: the kernel drops them until it has seen the delay line."""
    deadline = time.monotonic() + _CARRIER_S
    while time.monotonic() < deadline:
        if interfaces.operates(tap):
            return
        time.sleep(0.001)


def _refuse_strict_filter() -> None:
    """What was delayed comes in by another device than answers leave by."""
    settings = Path("/proc/sys/net/ipv4/conf")
    for scope in ("all", "default"):
        if (settings / scope / "rp_filter").read_text().strip() == _STRICT:
            raise ShapingError(
                f"net.ipv4.conf.{scope}.rp_filter is strict here, and would drop what a node "
                "receives late: set it to 0 or 2 on the host"
            )


def _set_received(index: int, cap: Shape) -> None:
    if cap.rate_kbps is None:
        _remove_receiving_device(index)
        return
    device = device_called(receiving_name(devices()[index]))
    if device is None:
        device = _add_receiving_device(index)
    qdiscs.set_cap(device, cap)
    redirect(index, Direction.IN, device, EVERYTHING, _SECOND)
    if not is_redirected(index, Direction.IN, device):
        raise ShapingError(f"what {devices()[index]} receives does not reach its shaper")


def _add_receiving_device(index: int) -> int:
    name = receiving_name(devices()[index])
    try:
        interfaces.add(name, "ifb")
    except NetlinkError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        raise ShapingError(
            "this kernel has no ifb device, which shaping what a node receives would need"
        ) from error
    device = device_called(name)
    assert device is not None
    forbid_coalescing(device)
    interfaces.bring_up(device)
    return device


def _remove_receiving_device(index: int) -> None:
    device = device_called(receiving_name(devices()[index]))
    if device is None:
        return
    leave_alone(index, Direction.IN, device, EVERYTHING)
    qdiscs.remove_drained(device, _DRAIN_S)
    interfaces.remove(device)
