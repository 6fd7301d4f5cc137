"""Joins bridges of this host with those of other hosts by VXLAN devices of the kernel.

Runs in the host's own network namespace with CAP_NET_ADMIN alone, for as long as its input
lasts. A frame that no host is known to have goes to each of them (head-end replication); what
came from a host tells where its sender is.
"""

from __future__ import annotations

import errno
from ipaddress import IPv4Address
from socket import AF_BRIDGE
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from lab.wire.line import Line
from lab.wire.messages import Event, Failed, Order
from lab.wire.vxlan import PORT, VXLAN, Join, Joined, Joint, Part, Parted

ANYONE = "00:00:00:00:00:00"
"""Where frames go whose receiver's host is not known."""


class JointError(Exception):
    """Why a bridge cannot be joined, as the end of a sentence about this host."""


def join(ipr: Any, joint: Joint) -> Joint:
    """Have a bridge joined; what the kernel says of that afterwards. JointError where it cannot."""
    bridge = _index(ipr, joint.bridge)
    if bridge is None:
        raise JointError(f"there is no bridge {joint.bridge}, of network {joint.network}")
    if (old := _index(ipr, joint.device)) is not None:
        ipr.link("del", index=old)
    try:
        ipr.link(
            "add",
            ifname=joint.device,
            kind="vxlan",
            vxlan_id=joint.identifier,
            vxlan_local=str(joint.near),
            vxlan_port=PORT,
            vxlan_learning=True,
        )
    except NetlinkError as error:
        raise JointError(_why(error, joint)) from error
    index = _index(ipr, joint.device)
    assert index is not None
    ipr.link("set", index=index, mtu=joint.mtu, master=bridge)
    for far in joint.far:
        ipr.fdb("append", ifindex=index, lladdr=ANYONE, dst=str(far))
    ipr.link("set", index=index, state="up")
    return _in_force(ipr, joint, index)


def part(ipr: Any, bridges: tuple[str, ...]) -> tuple[str, ...]:
    """Remove every VXLAN device that is a port of these bridges; their names."""
    wanted = {_index(ipr, bridge) for bridge in bridges} - {None}
    ports = [link for link in ipr.get_links() if link.get_attr("IFLA_MASTER") in wanted]
    gone = []
    for link in ports:
        if _kind(link) == "vxlan":
            ipr.link("del", index=link["index"])
            gone.append(str(link.get_attr("IFLA_IFNAME")))
    return tuple(gone)


def _in_force(ipr: Any, wanted: Joint, index: int) -> Joint:
    [link] = ipr.get_links(index)
    data = link.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_DATA")
    [bridge] = ipr.get_links(link.get_attr("IFLA_MASTER"))
    far = [
        IPv4Address(entry.get_attr("NDA_DST"))
        for entry in ipr.get_neighbours(family=AF_BRIDGE, ifindex=index)
        if entry.get_attr("NDA_DST") and entry.get_attr("NDA_LLADDR") == ANYONE
    ]
    return Joint(
        network=wanted.network,
        bridge=bridge.get_attr("IFLA_IFNAME"),
        identifier=data.get_attr("IFLA_VXLAN_ID"),
        near=IPv4Address(data.get_attr("IFLA_VXLAN_LOCAL")),
        far=tuple(sorted(far)),
        mtu=link.get_attr("IFLA_MTU"),
    )


def _why(error: NetlinkError, joint: Joint) -> str:
    if error.code == errno.EOPNOTSUPP:
        return "its kernel has no VXLAN (`modprobe vxlan` loads it)"
    if error.code == errno.EADDRNOTAVAIL:
        return f"it has no address {joint.near}, which is its `underlay`"
    if error.code == errno.EEXIST:
        taken = f"VXLAN {joint.identifier}, that of network {joint.network}"
        return f"another device has {taken}: `ip -d link show type vxlan` shows it"
    return f"its kernel refuses the VXLAN device of network {joint.network}: {error}"


def _index(ipr: Any, name: str) -> int | None:
    found = ipr.link_lookup(ifname=name)
    return int(found[0]) if found else None


def _kind(link: Any) -> str | None:
    info = link.get_attr("IFLA_LINKINFO")
    return info.get_attr("IFLA_INFO_KIND") if info else None


def answer(ipr: Any, order: Order) -> Event:
    """Obey one order."""
    if isinstance(order, Join):
        _refuse_strange_addresses(ipr, order.joints)
        return Joined(tuple(join(ipr, joint) for joint in order.joints))
    assert isinstance(order, Part)
    return Parted(part(ipr, order.bridges))


def _refuse_strange_addresses(ipr: Any, joints: tuple[Joint, ...]) -> None:
    """The kernel takes any address for its own, and then sends nothing."""
    # Of a point-to-point device IFA_ADDRESS is the other end's.
    own = {address.get_attr("IFA_LOCAL") for address in ipr.get_addr(family=2)}
    for joint in joints:
        if str(joint.near) not in own:
            raise JointError(f"it has no address {joint.near}, which is its `underlay`")


def main() -> None:
    """Answer orders until the input ends."""
    line = Line(VXLAN)
    with IPRoute() as ipr:
        while (order := line.hear()) is not None:
            try:
                line.say(answer(ipr, order))
            except (JointError, NetlinkError) as error:
                line.say(Failed(str(error)))


if __name__ == "__main__":
    main()
