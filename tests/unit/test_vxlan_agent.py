"""What joins bridges of two hosts is set as asked, read back, and gone again."""

from __future__ import annotations

import errno
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from pyroute2.netlink.exceptions import NetlinkError

from lab.agents.net.vxlan import ANYONE, JointError, answer
from lab.wire.vxlan import Join, Joined, Joint, Part, Parted

NEAR, FAR = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
JOINT = Joint("lan", "br-1", 0x0A8000, NEAR, (FAR,), 1450)


class Told(dict[str, Any]):
    """A message of the kernel, as pyroute2 gives it."""

    def get_attr(self, name: str) -> Any:
        """An attribute; None where it is not there."""
        return self.get(name)


class Kernel:
    """As much of a host's network as joins bridges."""

    def __init__(self, refuses: int = 0) -> None:
        self.links = {"br-1": Told(index=1, IFLA_IFNAME="br-1"), "eth0": Told(index=2)}
        self.forwarding: list[tuple[int, str, str]] = []
        self._refuses = refuses

    def link_lookup(self, ifname: str) -> list[int]:
        return [self.links[ifname]["index"]] if ifname in self.links else []

    def get_addr(self, family: int) -> list[Told]:
        return [Told(IFA_LOCAL=str(NEAR), IFA_ADDRESS=str(FAR))]

    def get_links(self, index: int | None = None) -> list[Told]:
        return [link for link in self.links.values() if index in (None, link["index"])]

    def get_neighbours(self, family: int, ifindex: int) -> list[Told]:
        every = self.forwarding
        return [Told(NDA_LLADDR=mac, NDA_DST=dst) for own, mac, dst in every if own == ifindex]

    def fdb(self, _: str, ifindex: int, lladdr: str, dst: str) -> None:
        self.forwarding.append((ifindex, lladdr, dst))

    def link(self, what: str, **asked: Any) -> None:
        if what == "add":
            if self._refuses:
                raise NetlinkError(self._refuses)
            assert (asked["kind"], asked["vxlan_port"]) == ("vxlan", 4789)
            data = Told(IFLA_VXLAN_ID=asked["vxlan_id"], IFLA_VXLAN_LOCAL=asked["vxlan_local"])
            info = Told(IFLA_INFO_KIND="vxlan", IFLA_INFO_DATA=data)
            name = asked["ifname"]
            index = 10 + len(self.links)
            self.links[name] = Told(index=index, IFLA_IFNAME=name, IFLA_LINKINFO=info)
            return
        name = next(name for name, link in self.links.items() if link["index"] == asked["index"])
        if what == "del":
            del self.links[name]
            gone = asked["index"]
            self.forwarding = [entry for entry in self.forwarding if entry[0] != gone]
        else:
            set_now = {"master": "IFLA_MASTER", "mtu": "IFLA_MTU"}
            self.links[name].update({set_now[key]: asked[key] for key in set_now.keys() & asked})


def test_a_bridge_is_joined_as_it_was_asked_and_again_when_asked_again() -> None:
    kernel = Kernel()
    for _ in range(2):
        assert answer(kernel, Join((JOINT,))) == Joined((JOINT,))
        assert [name for name in kernel.links if name.startswith("vtlab")] == ["vtlab-0a8000"]
    assert {entry[1:] for entry in kernel.forwarding} == {(ANYONE, str(FAR))}


def test_what_joins_it_goes_and_nothing_else() -> None:
    kernel = Kernel()
    answer(kernel, Join((JOINT,)))
    assert answer(kernel, Part(("br-2",))) == Parted(())
    assert answer(kernel, Part(("br-1",))) == Parted(("vtlab-0a8000",))
    assert {*kernel.links} == {"br-1", "eth0"}
    assert answer(kernel, Part(("br-1",))) == Parted(())


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (errno.EOPNOTSUPP, "its kernel has no VXLAN"),
        (errno.EEXIST, "another device has VXLAN 688128, that of network lan"),
        (errno.EPERM, "its kernel refuses the VXLAN device of network lan"),
    ],
)
def test_a_host_that_cannot_join_says_why(code: int, sentence: str) -> None:
    with pytest.raises(JointError, match=sentence):
        answer(Kernel(code), Join((JOINT,)))


def test_an_address_of_another_host_is_refused_before_anything_is_made() -> None:
    kernel = Kernel()
    with pytest.raises(JointError, match=r"it has no address 192\.0\.2\.2"):
        answer(kernel, Join((replace(JOINT, near=FAR),)))
    assert {*kernel.links} == {"br-1", "eth0"}


def test_a_network_without_a_bridge_is_named() -> None:
    with pytest.raises(JointError, match="there is no bridge br-2, of network lan"):
        answer(Kernel(), Join((replace(JOINT, bridge="br-2"),)))
