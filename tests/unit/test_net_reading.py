"""What is in force in a network namespace, read from the kernel's own tables."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from lab.agents.net import delay_line, reading, rtnetlink
from lab.agents.net.reading import CLASS, FIFO, SHAPER
from lab.agents.net.rtnetlink import Entry
from lab.wire.links import Counters, DelayCounts, ShowLinks
from lab.wire.messages import Failed
from lab.wire.network import MachineLink, MachineNetwork, NetworkInForce, ShowNetwork
from lab.wire.shape import Direction, FifoKind, Queue, Shape, ShaperKind, ShapingError

ETH0, IN_ETH0 = 3, 4
HOME = IPv4Address("10.9.0.2")

Tables = dict[int, list[Entry]]


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded as the kernel pads it."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def device(index: int, name: str) -> Entry:
    return Entry((0, 1, index, 0, 0), {3: name.encode() + b"\0"})


def qdisc(index: int, handle: int, kind: str, options: bytes = b"", sent: int = 0) -> Entry:
    statistics = struct.pack("=QIIIIIII", sent, 7, 2, 5, 0, 0, 1, 1514)
    fields = (0, index, handle, 0xFFFF_FFFF, 0)
    return Entry(fields, {1: kind.encode() + b"\0", 2: options, 3: statistics})


def rate_options(kbps: int) -> bytes:
    """The first parameters of htb's class and of tbf begin with a struct tc_ratespec."""
    return attribute(1, struct.pack("=BBHhHI", 0, 1, 0, -1, 0, kbps * 125) + bytes(24))


def capped(index: int, kbps: int) -> Tables:
    return {
        rtnetlink.QDISCS: [
            qdisc(index, SHAPER, "htb", sent=9_000_000_000),
            qdisc(index, FIFO, "pfifo", struct.pack("=I", 300)),
            qdisc(index + 1, SHAPER, "tbf", rate_options(1)),
        ],
        rtnetlink.CLASSES: [Entry((0, index, CLASS, SHAPER, 0), {2: rate_options(kbps)})],
    }


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Callable[[Tables], None]:
    """Lets the kernel's tables hold what a test says."""

    def holds(tables: Tables) -> None:
        both = {
            rtnetlink.LINKS: [device(1, "lo"), device(ETH0, "eth0"), device(IN_ETH0, "in-eth0")],
            rtnetlink.ADDRESSES: [Entry((2, 24, 0, 0, ETH0), {1: HOME.packed})],
            **tables,
        }
        monkeypatch.setattr(rtnetlink, "dump", lambda table, *_: tuple(both.get(table, ())))

    return holds


def test_this_hosts_own_tables_are_understood() -> None:
    names = reading.devices()
    assert names[reading.device_of(IPv4Address("127.0.0.1"))] == "lo"
    assert names.keys() == {
        int(Path(f"/sys/class/net/{n}/ifindex").read_text()) for n in names.values()
    }
    assert rtnetlink.dump(rtnetlink.ROUTES, 2, *(0,) * 8)


def test_a_table_that_the_kernel_does_not_have_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rtnetlink._BODIES, 0xFFF0, struct.Struct("=I"))
    with pytest.raises(OSError, match=os.strerror(95)):
        rtnetlink.dump(0xFFF0)


def test_attributes_of_odd_lengths_follow_one_another() -> None:
    data = attribute(3, b"eth0\0") + attribute(0x8002, attribute(1, b"x"))
    found = rtnetlink.attributes(data)
    assert found[3] == b"eth0\0"
    assert rtnetlink.attributes(found[2]) == {1: b"x"}


def test_a_cap_and_its_counters(kernel: Callable[[Tables], None]) -> None:
    kernel(capped(ETH0, 10_000))
    shape = Shape(10_000, Queue(ShaperKind.HTB, FifoKind.PFIFO, 300))
    assert reading.in_force(ETH0, Direction.OUT) == shape
    assert reading.counters(ETH0, Direction.OUT) == Counters(9_000_000_000, 7, 2, 5, 1514, 1)
    assert reading.in_force(1, Direction.OUT).is_open
    assert reading.counters(1, Direction.OUT) is None


def test_a_tbf_says_its_own_rate(kernel: Callable[[Tables], None]) -> None:
    queue = qdisc(ETH0, FIFO, "bfifo", struct.pack("=I", 30_000))
    kernel({rtnetlink.QDISCS: [qdisc(ETH0, SHAPER, "tbf", rate_options(2_000)), queue]})
    shape = Shape(2_000, Queue(ShaperKind.TBF, FifoKind.BFIFO, 30_000))
    assert reading.in_force(ETH0, Direction.OUT) == shape


def test_what_takes_time_is_told_by_the_delay_line_and_its_cap_by_the_kernel(
    kernel: Callable[[Tables], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = DelayCounts(5, 0, 0, 1, 90, 10, {"2": 5})
    way = Shape(delay_ms=20.0, loss_pct=0.5)
    monkeypatch.setattr(
        delay_line, "pipes", lambda: {"delay-out-eth0": delay_line.PipeInForce(way, counts)}
    )
    tap = 9
    names = [device(ETH0, "eth0"), device(tap, "delay-out-eth0")]
    tables = {**capped(tap, 10_000), rtnetlink.LINKS: names}
    kernel({**tables, rtnetlink.FILTERS: [redirection(Direction.OUT, tap)]})
    queue = Queue(ShaperKind.HTB, FifoKind.PFIFO, 300)
    assert reading.in_force(ETH0, Direction.OUT) == Shape(
        10_000, queue, delay_ms=20.0, loss_pct=0.5
    )
    assert reading.delays(ETH0, Direction.OUT) == counts
    kernel(tables)
    assert reading.in_force(ETH0, Direction.OUT).is_open, "nothing goes through it"


def redirection(direction: Direction, target: int) -> Entry:
    """A filter that sends one direction of eth0 to another device."""
    mirred = attribute(2, attribute(2, struct.pack("=IIiiiiI", 1, 0, 4, 1, 1, 1, target)))
    action = attribute(7, attribute(1, attribute(1, b"mirred\0") + mirred))
    return Entry((0, ETH0, 0, reading.HOOKS[direction], 1 << 16), {1: b"u32\0", 2: action})


@pytest.mark.parametrize(("target", "is_shaped"), [(IN_ETH0, True), (1, False)])
def test_what_comes_in_is_shaped_where_it_is_redirected(
    kernel: Callable[[Tables], None], target: int, is_shaped: bool
) -> None:
    filters = [redirection(Direction.IN, target)]
    kernel({**capped(IN_ETH0, 500), rtnetlink.FILTERS: filters})
    found = reading.in_force(ETH0, Direction.IN)
    assert found.rate_kbps == (500 if is_shaped else None)


def test_a_queue_that_is_not_the_labs_is_told(kernel: Callable[[Tables], None]) -> None:
    kernel({rtnetlink.QDISCS: [qdisc(ETH0, SHAPER, "sfq")]})
    with pytest.raises(ShapingError, match="another way than any that the lab sets"):
        reading.in_force(ETH0, Direction.OUT)
    assert isinstance(reading.answer(ShowLinks((HOME,))), Failed)


def test_a_machine_is_closed_by_an_unreachable_default_route(
    kernel: Callable[[Tables], None],
) -> None:
    algorithm = attribute(16, b"reno\0")

    def route(length: int, kind: int, table: int = 254, metrics: bytes = b"") -> Entry:
        return Entry((2, length, 0, 0, table, 4, 0, kind, 0), {8: metrics})

    subnet = IPv4Network("10.9.0.0/24")
    link = MachineLink("home", HOME, subnet, subnet[1], Shape(10_000), None)
    order = ShowNetwork(MachineNetwork("caller", "reno", (link,), (), None))

    def shown(*routes: Entry) -> NetworkInForce:
        kernel({**capped(ETH0, 9_000), rtnetlink.ROUTES: list(routes)})
        answer = reading.answer(order)
        assert isinstance(answer, NetworkInForce)
        return answer

    closed = shown(route(24, 1, metrics=algorithm), route(0, 7), route(0, 1, table=100))
    assert (closed.closed, closed.congestion_control, closed.tunnel) == (True, ("reno",), None)
    assert [(each.interface, each.rate_in_force_kbps) for each in closed.links] == [("eth0", 9_000)]
    assert not shown(route(0, 1), route(0, 7, table=100), route(8, 7)).closed
