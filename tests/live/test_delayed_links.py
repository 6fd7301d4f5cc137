"""Links that take time: as long as they are asked to, with the loss, order and rate asked for."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from delay_line import BUFFERED_S, Passage, beat, captured, numbered, passage
from docker import DockerClient
from docker.models.containers import Container
from lab_command import LabCommand
from live_lab import LiveLab
from scipy.stats import binom
from shaper import measure
from two_hosts import Host, TwoHosts, delay_line_beside, two_hosts
from valid_calls import call

from lab.agents.probe.timer import LatenessTimer
from lab.topology.load import find_topology
from lab.wire.links import ChangeShape, ShapesSet
from lab.wire.shape import Direction, Distribution, Queue, Shape, ShapeChange

pytestmark = pytest.mark.live

TRIES = 4
MEDIAN_MS, P99_MS = 0.3, 1.0
RATE_TOLERANCE = 0.01
DEADLINE_S = 20.0
NET_RAW = 1 << 13
"""CAP_NET_RAW of <linux/capability.h>, as a set of capabilities has it."""


@pytest.fixture(scope="module")
def hosts(able_host: DockerClient) -> Iterator[TwoHosts]:
    with two_hosts(able_host, delay_lines=True) as pair:
        yield pair


@pytest.fixture
def open_hosts(hosts: TwoHosts) -> Iterator[TwoHosts]:
    """The hosts, whose links take no time before and after."""
    yield hosts
    for direction in Direction:
        hosts.shape(direction, Shape())


def change(host: Host, what: ShapeChange, direction: Direction = Direction.OUT) -> Shape:
    """As `lab link set` does; the shape then in force."""
    order = ChangeShape(host.side(direction), what)
    return host.links.ask(order, ShapesSet, DEADLINE_S).after[0]


# First: a device that took time once keeps its delay line.
def test_no_change_loses_a_packet(open_hosts: TwoHosts, tmp_path: Path) -> None:
    """Neither the first delay of a capped link, nor another one, nor none any more."""
    hosts = open_hosts
    change(hosts.sender, ShapeChange(rate_kbps=5_000))
    sent: list[int] = []
    sending = threading.Thread(target=lambda: sent.append(beat(hosts, 500, 4.0)))
    with captured(hosts.receiver, "eth0", "in", tmp_path / "arrived"):
        sending.start()
        for delay_ms in (40.0, 120.0, 5.0, 0.0):
            time.sleep(0.7)
            changed = change(hosts.sender, ShapeChange(delay_ms=delay_ms))
            assert changed == Shape(5_000, delay_ms=delay_ms)
        sending.join()
        time.sleep(BUFFERED_S)
    arrived = [number for number, _ in numbered(tmp_path / "arrived")]
    assert sorted(arrived) == list(range(*sent))


@pytest.mark.parametrize(
    ("delay_ms", "packets_per_s"),
    [
        (100, 10),
        pytest.param(30, 100, marks=pytest.mark.slow),
        (100, 100),
        (300, 100),
        pytest.param(100, 5_000, marks=pytest.mark.slow),
    ],
)
def test_packets_take_as_long_as_asked(
    open_hosts: TwoHosts, delay_ms: float, packets_per_s: float
) -> None:
    """A host that stalls makes everything late: then it is measured again."""
    open_hosts.shape(Direction.OUT, Shape(delay_ms=delay_ms))
    tries = []
    for _ in range(TRIES):
        timer = LatenessTimer()
        found = passage(open_hosts, packets_per_s, 2.0)
        host = timer.stop()
        assert (found.lost, found.overtaken) == (0, 0)
        assert found.sent == 2 * packets_per_s
        median, p99 = (found.late_ms(share, delay_ms) for share in (50, 99))
        if abs(median) <= MEDIAN_MS and abs(p99) <= P99_MS:
            return
        tries.append(
            f"median {median:.3f}, p99 {p99:.3f}; host late by {host.p99_ms}/{host.max_ms}"
        )
    pytest.fail(f"the delay line was late by (ms): {'; '.join(tries)}")


def test_directions_differ_as_asked(open_hosts: TwoHosts) -> None:
    """What a host sends, what it receives, and what the other one sends."""
    hosts = open_hosts
    hosts.shape(Direction.OUT, Shape(delay_ms=30))
    hosts.shape(Direction.IN, Shape(delay_ms=80))
    back = TwoHosts(hosts.name, hosts.receiver, hosts.sender)
    change(hosts.receiver, ShapeChange(delay_ms=10))
    try:
        for pair, received_late, asked_ms in (
            (hosts, False, 30),
            (hosts, True, 80),
            (back, False, 10),
        ):
            found = passage(pair, 100, 1.5, received_late=received_late)
            assert found.lost == 0
            assert found.late_ms(50, asked_ms) == pytest.approx(0, abs=MEDIAN_MS)
    finally:
        change(hosts.receiver, ShapeChange(delay_ms=0))


@pytest.mark.parametrize("distribution", list(Distribution))
def test_delays_scatter_as_asked(open_hosts: TwoHosts, distribution: Distribution) -> None:
    """Where packets may pass others they do; the standard deviation is the jitter."""
    shape = Shape(delay_ms=60, jitter_ms=8, distribution=distribution, reorders=True)
    open_hosts.shape(Direction.OUT, shape)
    found = passage(open_hosts, 500, 2.0)
    assert found.lost == 0
    assert found.overtaken > found.sent / 100
    # Of 1,000 packets the deviation has a standard error of 2 %; of a heavy tail, far more.
    tolerance = 0.4 if distribution is Distribution.PARETO else 0.1
    assert np.std(found.delay_ms) == pytest.approx(8, rel=tolerance)


def test_packets_keep_their_order_unless_asked(open_hosts: TwoHosts) -> None:
    open_hosts.shape(Direction.OUT, Shape(delay_ms=60, jitter_ms=8))
    found = passage(open_hosts, 500, 1.5)
    assert (found.lost, found.overtaken) == (0, 0)
    assert np.std(found.delay_ms) > 1


def test_packets_are_lost_as_asked(open_hosts: TwoHosts) -> None:
    open_hosts.shape(Direction.OUT, Shape(loss_pct=5))
    found: Passage = passage(open_hosts, 1_500, 2.0)
    least, most = binom.interval(0.999, found.sent, 0.05)
    assert least <= found.lost <= most
    counts = open_hosts.sender.in_force(Direction.OUT).delays
    assert counts
    assert (counts.refused, counts.on_the_way) == (0, 0)
    assert counts.lost >= found.lost


def test_a_cap_holds_in_front_of_a_delay(open_hosts: TwoHosts) -> None:
    """What a stall keeps back is not sent later, so that a rate too low may be measured again."""
    for _ in range(TRIES):
        rows = list(measure(open_hosts, Direction.OUT, Queue(), 5_000, 2.0, delay_ms=30))
        off = [row for row in rows if abs(row.ratio - 1) > RATE_TOLERANCE]
        assert all(row.ratio < 1 + RATE_TOLERANCE for row in rows)
        if not off:
            return
    pytest.fail(f"less than the cap passed in {TRIES} tries: {off}")


def test_a_delay_line_may_do_nothing_but_send_frames(
    able_host: DockerClient, hosts: TwoHosts
) -> None:
    for machine in ("2", "3"):
        check_privileges(delay_line_beside(able_host, hosts.name, machine))


def check_privileges(line: Container) -> None:
    host = line.attrs["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert not host["Privileged"]
    assert not host["Binds"]
    assert host["CapDrop"] == ["ALL"]
    assert [cap.removeprefix("CAP_") for cap in host["CapAdd"]] == ["NET_RAW"]
    assert [device["PathOnHost"] for device in host["Devices"]] == ["/dev/net/tun"]
    status = line.exec_run(["cat", "/proc/1/status"]).output.decode()
    fields = dict(text.split(":\t", 1) for text in status.splitlines() if ":\t" in text)
    for kind in ("CapPrm", "CapEff", "CapBnd"):
        assert int(fields[kind], 16) == NET_RAW, kind
    assert fields["NoNewPrivs"] == "1"


def test_a_delay_line_that_dies_in_a_call_is_named(
    able_host: DockerClient, lab: LabCommand, lab_name: str, tmp_path: Path
) -> None:
    """The call is invalid, `lab status` tells, and `lab up` brings the line back."""
    text = find_topology("paper").read_text(encoding="utf-8")
    before, caller, after = text.partition("\n  caller:\n")
    topology = tmp_path / "far.yaml"
    late = after.replace("{rate: 100mbit}", "{rate: 100mbit, delay: 20ms}", 1)
    topology.write_text(before + caller + late, encoding="utf-8")
    up = ("up", str(topology), "--name", lab_name)
    done = lab.run(*up)
    assert done.returncode == 0, done.stderr
    line = delay_line_beside(able_host, lab_name, "caller")
    check_privileges(line)

    record = call(LiveLab(lab_name, lab, {}), "sip", "--duration", "8s")
    assert record["delays"]["caller/home/out"].startswith("asked: 100mbit")
    assert "delay 20 ms; done: " in record["delays"]["caller/home/out"]
    assert 0 < record["delay_late_ms_p50"] <= record["delay_late_ms_p99"] < P99_MS
    assert record["delay_refused"] == 0
    assert record["callee_owd_ms_p50"] == pytest.approx(20, abs=5)

    calling = lab.start("call", "sip", "--name", lab_name, "--duration", "12s", "--json")
    await_packets(lab, lab_name)
    line.kill()
    said, _ = calling.communicate(timeout=90)
    spoilt: dict[str, Any] = json.loads(said)
    assert not spoilt["valid"]
    reasons = (*spoilt["invalid_reasons"], spoilt["reason"] or "")
    assert any("the delay line of caller" in reason for reason in reasons), reasons
    problems = lab.json("status", lab_name)["problems"]
    assert any(problem.startswith("the delay line of caller is exited") for problem in problems)

    done = lab.run(*up)
    assert done.returncode == 0, done.stderr
    assert lab.json("status", lab_name)["problems"] == []
    assert sending_delay_ms(lab, lab_name, "caller") == 20

    # One that the topology does not ask for.
    set_ = ("link", "set", "client", "home", "--name", lab_name, "--delay", "30ms")
    assert lab.run(*set_).returncode == 0
    assert sending_delay_ms(lab, lab_name, "client") == 30
    delay_line_beside(able_host, lab_name, "client").kill()
    refused = lab.run(*set_)
    assert "the delay line of client (exited)" in refused.stderr
    done = lab.run(*up)
    assert done.returncode == 0, done.stderr
    assert lab.json("status", lab_name)["problems"] == []
    assert sending_delay_ms(lab, lab_name, "client") == 0
    assert lab.run(*set_).returncode == 0
    assert sending_delay_ms(lab, lab_name, "client") == 30


def sending_delay_ms(lab: LabCommand, lab_name: str, node: str) -> float:
    """Of a node's link to `home`, read back."""
    shown = lab.json("link", "show", node, "home", "--name", lab_name)
    [delay_ms] = [link["in_force"]["delay_ms"] for link in shown if link["direction"] == "out"]
    return float(delay_ms)


def await_packets(lab: LabCommand, lab_name: str) -> None:
    """Return when a call's voice has begun: its delay line sends some packets a second."""
    deadline, before = time.monotonic() + 30, None
    while time.monotonic() < deadline:
        shown = lab.json("link", "show", "caller", "home", "--name", lab_name)
        [now] = [link["counters"]["packets"] for link in shown if link["direction"] == "out"]
        if before is not None and now - before > 20:
            return
        before = now
        time.sleep(0.3)
    pytest.fail("no call began")
