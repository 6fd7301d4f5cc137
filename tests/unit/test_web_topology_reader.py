"""What is read of a lab beside its stream, and when it is not."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from types import SimpleNamespace
from typing import Any

import pytest
from web_call import BEGAN

from lab.engine.agent import AgentEndedError
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind
from lab.topology.resolve import resolve
from lab.web.now import CallNow, LabNow, LinkNow, NodeNow
from lab.web.topology import reader as under_test
from lab.web.topology.reader import AWAY_S, Reader
from lab.wire.links import Counters, LinkInForce, LinksShown, ShowLinks, SideInForce
from lab.wire.shape import Direction, Shape

BLOCK = IPv4Network("10.99.0.0/20")
HOME = ("caller", "home")


class Machine:
    """Stands for the program that reads in a node."""

    def __init__(self, name: str, readers: Readers) -> None:
        self.name = name
        self.readers = readers
        readers.begun.append(name)
        readers.open.add(name)

    def ask(self, order: ShowLinks, kind: type[LinksShown], _deadline_s: float) -> LinksShown:
        if self.name in self.readers.dead:
            raise AgentEndedError(f"{self.name} has ended")
        counters = Counters(0, 0, self.readers.drops, 0, 2140, 10)
        sends = SideInForce(Shape(rate_kbps=self.readers.rate_kbps), counters)
        link = LinkInForce("eth0", sends, SideInForce(Shape(), None))
        return kind((link,) * len(order.addresses))

    def close(self) -> None:
        self.readers.open.discard(self.name)


class Readers:
    def __init__(self) -> None:
        self.begun: list[str] = []
        self.open: set[str] = set()
        self.dead: set[str] = set()
        self.drops = 0
        self.rate_kbps = 500


@pytest.fixture(name="readers")
def stood_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Readers]:
    readers = Readers()
    topology = resolve(load_topology(find_topology("paper")), "demo", BLOCK, PbxKind.KAMAILIO)
    nodes = [SimpleNamespace(name=node.name, has_agents=True) for node in topology.nodes]
    ready = SimpleNamespace(
        topology=topology,
        running=SimpleNamespace(name="demo", nodes=nodes),
        net_image="net",
        owner=None,
    )
    monkeypatch.setattr(under_test, "open_lab_as_it_is", lambda *_: ready)
    monkeypatch.setattr(under_test, "start_reader", lambda _, name, *__: Machine(name, readers))
    yield readers
    assert not readers.open


@pytest.fixture(name="now")
def paper_lab() -> LabNow:
    topology = resolve(load_topology(find_topology("paper")), "demo", BLOCK, PbxKind.KAMAILIO)
    now = LabNow("demo", "paper", is_up=True, caught_up=True)
    for node in topology.nodes:
        now.nodes[node.name] = NodeNow(node.role, "running")
        for link in node.links:
            now.links[node.name, link.network] = LinkNow(str(link.address), 500, {}, 3.0, 3.0)
    return now


class Looked:
    """A reader that is driven by hand; `at` is the time of its looks, s."""

    def __init__(self, now: LabNow) -> None:
        hub: Any = SimpleNamespace(now=now, client=None)
        self.reader = Reader(hub)
        self.at = 1000.0

    def once(self, *, looking: bool = True) -> None:
        self.at += 2.0
        if looking:
            self.reader._looked_at = self.at
        self.reader._once(self.at)


@pytest.fixture(name="looked")
def looks(now: LabNow, readers: Readers) -> Iterator[Looked]:
    looked = Looked(now)
    yield looked
    looked.reader._forget_agents()


def test_first_every_machine_tells_what_its_links_do(looked: Looked, readers: Readers) -> None:
    looked.once()
    assert looked.reader.plan is not None
    assert looked.reader.read.shapes[(*HOME, Direction.OUT)].rate_kbps == 500
    assert len(set(readers.begun)) == len(readers.begun) == 8
    assert not readers.open
    looked.once()
    assert len(readers.begun) == 8
    assert looked.reader.read.backlogs == {}


def test_a_cap_in_use_is_read_on_by_one_reader(
    looked: Looked, now: LabNow, readers: Readers
) -> None:
    looked.once()
    now.links[HOME].sent_kbps = 300.0
    for _ in range(3):
        looked.once()
    assert readers.begun[8:] == ["caller"]
    backlog = looked.reader.read.backlogs[(*HOME, Direction.OUT)]
    assert (backlog.waiting_packets, backlog.is_dropping) == (10, False)
    readers.drops = 3
    looked.once()
    assert looked.reader.read.backlogs[(*HOME, Direction.OUT)].is_dropping
    now.links[HOME].sent_kbps = 0.0
    for _ in range(12):
        looked.once()
    assert not readers.open
    assert looked.reader.read.backlogs == {}


def test_nothing_is_read_on_when_nobody_looks(
    looked: Looked, now: LabNow, readers: Readers
) -> None:
    now.links[HOME].sent_kbps = 300.0
    looked.once()
    assert readers.open == {"caller"}
    looked.at += AWAY_S
    looked.once(looking=False)
    assert not readers.open


def test_a_call_is_left_alone_with_all_but_queues(
    looked: Looked, now: LabNow, readers: Readers
) -> None:
    now.call = CallNow("c1", "sip", "PCMU", None, BEGAN)
    now.links[HOME].sent_kbps = 300.0
    looked.once()
    assert readers.begun == ["caller"]
    now.call = None
    looked.once()
    assert len(readers.begun) == 8


def test_a_link_that_was_changed_is_read_again(
    looked: Looked, now: LabNow, readers: Readers
) -> None:
    looked.once()
    now.links[HOME].shapes["in"] = "1mbit, htb pfifo 200 packets"
    looked.once()
    assert readers.begun[8:] == ["caller"]


def test_a_machine_that_does_not_answer_is_left_out(
    looked: Looked, now: LabNow, readers: Readers
) -> None:
    readers.dead.add("caller")
    now.links[HOME].sent_kbps = 300.0
    looked.once()
    assert (*HOME, Direction.OUT) not in looked.reader.read.shapes
    assert ("relay1", "transit-3", Direction.OUT) in looked.reader.read.shapes
    readers.dead.clear()
    looked.once()
    assert (*HOME, Direction.OUT) in looked.reader.read.backlogs


def test_a_lab_that_has_gone_leaves_nothing_to_draw(looked: Looked, now: LabNow) -> None:
    looked.once()
    now.is_up = False
    looked.once()
    assert looked.reader.plan is None
    assert looked.reader.read.shapes == {}
