"""Lends a machine tun devices as long as its input lasts, then takes them away again.

An OpenVPN without capabilities may open them. Runs in a short-lived container that shares the
machine's network namespace, with CAP_NET_ADMIN and /dev/net/tun.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.agents.net import interfaces, routes
from lab.agents.net.interfaces import TunMode
from lab.agents.net.reading import device_called
from lab.agents.net.rtnetlink import NetlinkError
from lab.wire.line import Line
from lab.wire.messages import Failed
from lab.wire.tun_devices import TUN_DEVICES, DevicesMade, LendDevices, LentDevice


class TunError(Exception):
    """A tun device could not be made; the message names it."""


def add_tun(device: str, uid: int, gid: int) -> int:
    """Make a tun device that belongs to `uid` and `gid`, up; its index. One that is there stays."""
    if device_called(device) is None:
        try:
            interfaces.add_tun(device, TunMode.TUN, uid, gid)
        except OSError as error:
            raise TunError(f"cannot make the tunnel device {device}: {error}") from error
    index = device_called(device)
    assert index is not None
    interfaces.bring_up(index)
    return index


def make(lent: LentDevice) -> None:
    """One device with its addresses and routes."""
    index = add_tun(lent.device, lent.uid, lent.gid)
    for address, prefix_length in lent.addresses:
        routes.add_address(index, address, prefix_length)
    for destination, source in lent.routes:
        routes.through_device(destination, index, source=source)


def remove(devices: Sequence[LentDevice]) -> None:
    """Take away what is there of the devices, and their addresses and routes with them."""
    for lent in devices:
        if (index := device_called(lent.device)) is not None:
            interfaces.remove(index)


def main() -> None:
    """Serve one load."""
    line = Line(TUN_DEVICES)
    order = line.hear_first(LendDevices)
    if order is None:
        return
    try:
        remove(order.devices)
        for lent in order.devices:
            make(lent)
        line.say(DevicesMade())
        line.wait_for_end()
    except (TunError, NetlinkError) as error:
        line.say(Failed(str(error)))
    finally:
        remove(order.devices)


if __name__ == "__main__":
    main()
