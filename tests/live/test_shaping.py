"""Caps on real links: what they let through, how they are changed, what they refuse."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest
from docker import DockerClient
from shaper import RATES_KBPS, VARIANTS, Row, measure, table
from two_hosts import PORT, Host, TwoHosts, two_hosts

from lab.agents.probe.timer import LatenessTimer
from lab.engine.agent import AgentError
from lab.engine.host import read_cpu_times
from lab.images.build import image_tag
from lab.measure.host_load import HostLoad, load_between
from lab.wire.links import ChangeShape, LinkSide, SetShapes, ShapedSide, ShapesSet
from lab.wire.probe import Scheduling
from lab.wire.shape import Direction, FifoKind, Queue, Shape, ShapeChange, ShaperKind

pytestmark = pytest.mark.live

TOLERANCE = 0.01
MEASURED_S = (2.0, 6.0, 4.0)
"""The length of every try."""
MOST_LATE_MS, MOST_STOLEN_PCT = 5.0, 1.0
"""A cap may send 1 ms' worth at once: what a stall of 5 ms keeps back in a second is lost."""
FRAME_BYTES = 1514
DEADLINE_S = 20.0


@pytest.fixture(scope="module")
def hosts(able_host: DockerClient) -> Iterator[TwoHosts]:
    with two_hosts(able_host) as pair:
        yield pair


@pytest.fixture
def sender(hosts: TwoHosts) -> Iterator[Host]:
    """The sending host, uncapped before and after."""
    yield hosts.sender
    for direction in Direction:
        opened = ShapedSide(hosts.sender.side(direction), Shape())
        hosts.sender.links.ask(SetShapes((opened,)), ShapesSet, DEADLINE_S)


def change(host: Host, change: ShapeChange, direction: Direction = Direction.OUT) -> Shape:
    """Change what is named, as `lab link set` does; the shape then in force."""
    order = ChangeShape(host.side(direction), change)
    return host.links.ask(order, ShapesSet, DEADLINE_S).after[0]


def in_force(host: Host, direction: Direction = Direction.OUT) -> Shape:
    return host.in_force(direction).shape


@pytest.mark.slow
def test_caps_hold_within_one_percent(hosts: TwoHosts, capsys: pytest.CaptureFixture[str]) -> None:
    """Every shaper, rate and direction; what a stalling host disturbed is measured again.

    A host that stalls sends less than the cap allows, and never more: it proves nothing then.
    """
    rows: list[Row] = []
    disturbed: list[Row] = []
    for direction, queue in VARIANTS:
        for rate_kbps in RATES_KBPS:
            for seconds in MEASURED_S:
                timer, before = LatenessTimer(), read_cpu_times()
                measured = list(measure(hosts, direction, queue, rate_kbps, seconds))
                stalled = has_stalled(timer.stop(), load_between(before, read_cpu_times()))
                low = [row for row in measured if row.ratio < 1 - TOLERANCE]
                if not low or not stalled:
                    break
            rows += measured
            disturbed += low if stalled else []
    with capsys.disabled():
        print("\n" + "\n".join(table(rows)))
    assert [row for row in rows if off(row) and row not in disturbed] == []
    if disturbed:
        pytest.skip(f"this host stalled in every try at {len(disturbed)} of {len(rows)} caps")


def has_stalled(scheduling: Scheduling, load: HostLoad | None) -> bool:
    """Whether the host kept a process waiting for longer than a queue's timers allow for."""
    late_ms = scheduling.max_ms
    assert late_ms is not None
    assert load is not None
    return late_ms > MOST_LATE_MS or load.steal_pct > MOST_STOLEN_PCT


def off(row: Row) -> bool:
    return abs(row.ratio - 1) > TOLERANCE


def test_nothing_arrives_in_packets_of_several_segments(hosts: TwoHosts) -> None:
    """The control: with the device's own setting, TCP does arrive coalesced."""
    assert max(frames_received(hosts)) <= FRAME_BYTES
    allow_coalescing(hosts.sender, 64)
    try:
        assert max(frames_received(hosts)) > FRAME_BYTES
    finally:
        allow_coalescing(hosts.sender, 1)


def frames_received(hosts: TwoHosts) -> list[int]:
    """The lengths of frames that the receiver's tcpdump sees of an uncapped TCP connection."""
    dump = subprocess.Popen(
        [
            *("docker", "run", "--rm", "--network", f"container:{hosts.receiver.container}"),
            *("--cap-drop", "ALL", "--cap-add", "NET_RAW", "--cap-add", "SETUID"),
            *("--cap-add", "SETGID", image_tag("net")),
            *("tcpdump", "-e", "-n", "-c", "2000", "-i", "eth0", f"tcp dst port {PORT}"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert dump.stderr
    while "listening" not in dump.stderr.readline():
        assert dump.poll() is None
    hosts.tcp_kbps(0.5, 0.5)
    text, _ = dump.communicate(timeout=DEADLINE_S)
    return [int(length) for length in re.findall(r"IPv4 .*?, length (\d+):", text)]


def allow_coalescing(host: Host, segments: int) -> None:
    code = (
        "from lab.agents.net import interfaces, reading\n"
        f"interfaces.set_most_segments(reading.device_called('eth0'), {segments})"
    )
    helper = ["docker", "run", "--rm", "--network", f"container:{host.container}"]
    helper += ["--cap-drop", "ALL", "--cap-add", "NET_ADMIN", image_tag("net")]
    subprocess.run([*helper, "python3", "-c", code], check=True)


def test_a_change_keeps_what_it_does_not_name(sender: Host) -> None:
    assert change(sender, ShapeChange(rate_kbps=5_000)) == Shape(5_000, Queue())
    assert change(sender, ShapeChange(limit=50)) == Shape(5_000, Queue(limit=50))
    assert change(sender, ShapeChange(rate_kbps=2_000)) == Shape(2_000, Queue(limit=50))
    bytes_ = Queue(ShaperKind.TBF, FifoKind.BFIFO, 30_000)
    change(sender, ShapeChange(kind=ShaperKind.TBF, fifo=FifoKind.BFIFO, limit=30_000))
    assert in_force(sender) == Shape(2_000, bytes_)
    assert change(sender, ShapeChange(rate_kbps=3_000)) == Shape(3_000, bytes_)
    assert change(sender, ShapeChange(uncapped=True)).is_open


def test_directions_are_independent(sender: Host) -> None:
    change(sender, ShapeChange(rate_kbps=5_000), Direction.OUT)
    change(sender, ShapeChange(rate_kbps=2_000, limit=30), Direction.IN)
    assert in_force(sender, Direction.OUT) == Shape(5_000)
    assert in_force(sender, Direction.IN) == Shape(2_000, Queue(limit=30))
    assert change(sender, ShapeChange(uncapped=True), Direction.IN).is_open
    assert in_force(sender, Direction.OUT) == Shape(5_000)


def test_a_change_in_place_keeps_the_counters(hosts: TwoHosts, sender: Host) -> None:
    change(sender, ShapeChange(rate_kbps=5_000))
    hosts.udp_kbps(1000, 3_000, 0.2, 0.5)
    change(sender, ShapeChange(rate_kbps=4_000))
    assert hosts.counters(Direction.OUT).packets > 100


def test_counters_tell_how_full_the_queue_is(hosts: TwoHosts, sender: Host) -> None:
    change(sender, ShapeChange(rate_kbps=2_000, limit=20))
    before = hosts.counters(Direction.OUT)
    # A last acknowledgement of the test before may still pass.
    assert before.packets < 10
    assert before.drops == before.backlog_packets == 0
    began = time.monotonic()
    sending = sender.traffic("udp-send", str(hosts.receiver.address), "9", "1000", "20000", "1")
    longest = 0
    while sending.poll() is None:
        longest = max(longest, hosts.counters(Direction.OUT).backlog_packets)
    after = hosts.counters(Direction.OUT)
    elapsed_s = time.monotonic() - began
    assert 15 <= longest <= 20
    assert after.drops > 100
    assert after.overlimits > 100
    # The sender fills the cap for a second, and the queue is emptied after that.
    assert 0.5 < after.bytes * 8 / 1000 / 2_000 < elapsed_s + 0.1


def test_a_queue_needs_a_rate(sender: Host) -> None:
    with pytest.raises(AgentError, match="a queue needs a rate"):
        change(sender, ShapeChange(limit=50))


def test_all_changes_are_made_or_none(sender: Host) -> None:
    change(sender, ShapeChange(rate_kbps=5_000))
    absent = LinkSide(IPv4Address("192.0.2.1"), Direction.OUT)
    sides = (
        ShapedSide(sender.side(Direction.OUT), Shape(1_000)),
        ShapedSide(absent, Shape(1_000)),
    )
    with pytest.raises(AgentError, match=r"no interface .* has the address 192\.0\.2\.1"):
        sender.links.ask(SetShapes(sides), ShapesSet, DEADLINE_S)
    assert in_force(sender) == Shape(5_000)


def test_delay_is_refused_where_no_delay_line_runs(sender: Host) -> None:
    with pytest.raises(AgentError, match="no delay line answers beside this machine"):
        change(sender, ShapeChange(delay_ms=20.0))
    assert in_force(sender).is_open
