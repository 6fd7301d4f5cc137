"""What is set in a network namespace is what reading finds there, and what the kernel is asked."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from lab.agents.net import interfaces, qdiscs, reading, redirect, routes, rtnetlink
from lab.agents.net.qdiscs import set_cap
from lab.agents.net.rtnetlink import CHANGE, Entry, NetlinkError, attributes
from lab.wire.shape import Direction, FifoKind, Queue, Shape, ShaperKind, ShapingError

ETH0 = 3
HOME = IPv4Network("10.9.0.0/24")
GATEWAY = IPv4Address("10.9.0.9")
QUEUES = [Queue(kind, fifo, 300) for kind in ShaperKind for fifo in FifoKind]


class Kernel:
    """Keeps what it is told; an entry is found again by its table, device and handle."""

    def __init__(self) -> None:
        self.entries: dict[tuple[int, ...], Entry] = {}
        self.asked: list[tuple[int, int]] = []
        """Table, and how its entry was set."""

    def put(self, table: int, how: int, fields: Sequence[int], values: bytes = b"") -> None:
        """Set an entry, as `rtnetlink.put` has the real one do."""
        self.asked.append((table, how))
        self.entries[self._key(table, fields)] = Entry(tuple(fields), attributes(values))

    def delete(self, table: int, fields: Sequence[int], _values: bytes = b"") -> None:
        """Take an entry away, and of a shaper what stands below it."""
        del self.entries[self._key(table, fields)]
        if fields[2] == reading.SHAPER:
            kept = self.entries.items()
            self.entries = {key: entry for key, entry in kept if key[0] == rtnetlink.FILTERS}

    def dump(self, table: int, *_: int) -> tuple[Entry, ...]:
        """Every entry of a table."""
        return tuple(entry for key, entry in self.entries.items() if key[0] == table)

    @staticmethod
    def _key(table: int, fields: Sequence[int]) -> tuple[int, ...]:
        if table == rtnetlink.FILTERS:
            return (table, *fields)
        return table, *fields[1:3]


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    for name in ("put", "delete", "dump"):
        monkeypatch.setattr(rtnetlink, name, getattr(made, name))
    return made


def test_a_drained_cap_is_taken_off(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """One look at an empty queue is not enough: a packet may be on its way into it."""
    slept: list[float] = []
    monkeypatch.setattr("lab.agents.net.qdiscs.time.sleep", slept.append)
    monkeypatch.setattr(qdiscs, "waiting_packets", lambda _: 3 if len(slept) < 3 else 0)
    qdiscs.remove_drained(ETH0, 2.0)
    assert not slept, "there is no cap"
    set_cap(ETH0, Shape(10_000))
    qdiscs.remove_drained(ETH0, 2.0)
    assert len(slept) == 3
    assert reading.cap_of(ETH0) == Shape()


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: f"{queue.kind}-{queue.fifo}")
def test_a_cap_that_was_set_is_read_back(kernel: Kernel, queue: Queue) -> None:
    set_cap(ETH0, Shape(10_000, queue))
    assert reading.cap_of(ETH0) == Shape(10_000, queue)
    kernel.asked.clear()
    set_cap(ETH0, Shape(2_500, queue))
    assert reading.cap_of(ETH0) == Shape(2_500, queue)
    assert {how for _, how in kernel.asked} == {CHANGE}, "in place: nothing that waits is lost"
    set_cap(ETH0, Shape())
    assert not kernel.entries


def test_a_cap_of_another_structure_takes_the_place_of_the_first(kernel: Kernel) -> None:
    for queue in QUEUES:
        set_cap(ETH0, Shape(10_000, queue))
        assert reading.cap_of(ETH0) == Shape(10_000, queue)


def test_a_cap_that_is_as_it_should_be_is_left_alone(kernel: Kernel) -> None:
    set_cap(ETH0, Shape(10_000))
    kernel.asked.clear()
    set_cap(ETH0, Shape(10_000))
    assert not kernel.asked


def test_a_rate_that_the_kernel_has_otherwise_is_told(kernel: Kernel) -> None:
    """32 bits hold 34 gbit/s."""
    with pytest.raises(ShapingError, match=r"asked for 40gbit.*, but the kernel has 34359738kbit"):
        set_cap(ETH0, Shape(40_000_000))


def test_a_burst_is_told_in_the_kernels_ticks(kernel: Kernel) -> None:
    """12,500 bytes at 100 Mbit/s take a millisecond, which is 15,625 times 64 ns."""
    set_cap(ETH0, Shape(100_000))
    (entry,) = kernel.dump(rtnetlink.CLASSES)
    parameters = attributes(entry.attributes[2])[1]
    assert struct.unpack_from("=II", parameters, 24) == (15_625, 15_625)


def test_what_is_redirected_is_found_and_left_alone_again(kernel: Kernel) -> None:
    redirect.redirect(ETH0, Direction.IN, 9, redirect.IP, 1)
    kernel.asked.clear()
    redirect.redirect(ETH0, Direction.IN, 9, redirect.IP, 1)
    assert not kernel.asked, "it is so already"
    (rule,) = kernel.dump(rtnetlink.FILTERS)
    assert rule.fields[3] == reading.HOOKS[Direction.IN]
    assert rule.fields[4] == 1 << 16 | socket.htons(0x0800)
    assert reading.is_redirected(ETH0, Direction.IN, 9)
    assert not reading.is_redirected(ETH0, Direction.IN, 8)
    redirect.leave_alone(ETH0, Direction.IN, 9, redirect.IP)
    assert not kernel.dump(rtnetlink.FILTERS)


def test_routes_have_the_congestion_control_and_the_last_one_closes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[tuple[int, ...], dict[int, bytes]]] = []

    def put(_table: int, _how: int, fields: Any, values: bytes = b"") -> None:
        told.append((tuple(fields), attributes(values)))

    monkeypatch.setattr(rtnetlink, "put", put)
    routes.to_link(HOME, ETH0, HOME[2], "cubic")
    routes.through_gateway(IPv4Network("10.8.0.0/16"), GATEWAY, "cubic")
    routes.close(routes.EVERYWHERE)
    (link, at_link), (far, at_far), (closed, _) = told
    assert (link[1], link[7], at_link[7]) == (24, reading.UNICAST, HOME[2].packed)
    assert (far[1], at_far[1], at_far[5]) == (16, IPv4Address("10.8.0.0").packed, GATEWAY.packed)
    for metrics in (at_link[8], at_far[8]):
        assert attributes(metrics) == {16: b"cubic\0"}
    assert (closed[1], closed[7]) == (0, reading.UNREACHABLE)


def test_only_gateways_of_default_routes_of_the_main_table_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def route(length: int, kind: int = 1, table: int = 254) -> Entry:
        return Entry((2, length, 0, 0, table, 3, 0, kind, 0), {5: GATEWAY.packed})

    table = (route(0), route(8), route(0, kind=7), route(0, table=100))
    monkeypatch.setattr(rtnetlink, "dump", lambda *_: table)
    assert list(routes.default_gateways()) == [GATEWAY]


def test_rules_are_added_once(kernel: Kernel) -> None:
    for _ in range(2):
        routes.have_rule_for_source(GATEWAY, 100, 1000)
    assert kernel.asked == [(rtnetlink.RULES, rtnetlink.ADD)]


def test_the_kernel_says_why_it_refuses() -> None:
    """Of this host's own: there is no such device."""
    with pytest.raises(NetlinkError) as refused:
        interfaces.bring_up(0x7FFF_FFFF)
    assert refused.value.errno in {errno.ENODEV, errno.EPERM}


def test_a_name_that_no_device_can_have_is_refused() -> None:
    with pytest.raises(OSError, match="too long"):
        interfaces.add_tun("a-device-with-a-long-name", interfaces.TunMode.TAP, 0, 0)


def test_a_queue_with_a_cap_counts_whole_microseconds() -> None:
    assert qdiscs._ticks(10_000 * 125, 3028) == 2422 * 1000 // 64
