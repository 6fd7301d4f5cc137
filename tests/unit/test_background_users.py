"""Other users of Tor: what they fetch, when they pause, and what becomes of fetches that fail."""

from __future__ import annotations

import re
import socket
import socketserver
import statistics
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from typing import Any

import pytest

from lab.agents.load.background import MOST_FAILURES, Background, FetchFailedError, User
from lab.engine.agent import Agent, AgentFailedError
from lab.errors import UsageError
from lab.load.browsing import HABITS, in_words
from lab.load.kinds import LOAD_KINDS
from lab.load.notation import parse_load
from lab.load.spec import LoadSpec
from lab.measure.call.load import note_load
from lab.measure.call.watches import LoadWatch
from lab.measure.record import CallRecord
from lab.sweep.conditions import load_of
from lab.sweep.point import Point
from lab.wire.load import (
    BACKGROUND,
    Browse,
    Death,
    Habits,
    LoadReport,
    Running,
    Sample,
    Take,
)

WEB = IPv4Address("10.9.8.7")
WEB_PORT = 8080
DEADLINE_S = 30.0
QUICK = Habits(sizes_bytes=(1_000, 300_000), shares=(3.0, 1.0), pause_mean_s=0.002)


class TorAndWeb(socketserver.ThreadingTCPServer):
    """Stands for tor's SOCKS port and the web server behind it."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.sources: Counter[str] = Counter()
        """Who has asked, by address."""
        self.sizes: list[int] = []
        self.broken: set[str] = set()
        """Whose fetches end early."""
        self.refused: set[str] = set()
        """Whose connections tor refuses."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Connection(socketserver.BaseRequestHandler):
    """One fetch."""

    server: TorAndWeb
    request: socket.socket

    def handle(self) -> None:
        source = self.client_address[0]
        self.server.sources[source] += 1
        self.request.recv(3)
        self.request.sendall(b"\x05\x02")
        self.request.recv(600)
        self.request.sendall(b"\x01\x00")
        wanted = self.request.recv(10)
        assert wanted == b"\x05\x01\x00\x01" + WEB.packed + WEB_PORT.to_bytes(2, "big")
        refused = source in self.server.refused
        self.request.sendall(bytes([5, 1 if refused else 0, 0, 1]) + bytes(6))
        if refused:
            return
        asked = self.request.recv(4000).decode()
        last = re.search(r"^Range: bytes=0-(\d+)\r$", asked, re.MULTILINE)
        assert last and asked.startswith("GET /endless HTTP/1.1\r\n")
        size = int(last[1]) + 1
        self.server.sizes.append(size)
        head = f"HTTP/1.1 206 Partial Content\r\nContent-Length: {size}\r\n\r\n"
        self.request.sendall(head.encode())
        self.request.sendall(bytes(size // 2 if source in self.server.broken else size))


@pytest.fixture
def tor() -> Iterator[TorAndWeb]:
    with TorAndWeb() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def order(tor_port: int, users: int = 2, seed: int = 5, habits: Habits = QUICK) -> Browse:
    return Browse(
        users=tuple(IPv4Address("127.0.1.1") + number for number in range(users)),
        server=WEB,
        port=WEB_PORT,
        path="/endless",
        socks_port=tor_port,
        habits=habits,
        seed=seed,
        spacing_s=0.01,
    )


@contextmanager
def program(asked: Browse) -> Iterator[Agent]:
    command = [sys.executable, "-m", f"lab.agents.{BACKGROUND.program}"]
    with Agent("background", command, BACKGROUND) as agent:
        agent.send(asked)
        yield agent


def test_users_fetch_again_and_again_from_an_address_each(tor: TorAndWeb) -> None:
    with program(order(tor.port)) as agent:
        agent.expect(Running, DEADLINE_S)
        first = agent.ask(Take(), LoadReport, DEADLINE_S)
        while min(tor.sources.values()) < 5:
            second = agent.ask(Take(), LoadReport, DEADLINE_S)
        second = agent.ask(Take(), LoadReport, DEADLINE_S)
    assert set(tor.sources) == {"127.0.1.1", "127.0.1.2"}
    assert set(tor.sizes) <= {1_000, 300_000}
    assert (first.samples[-1].connected, second.samples[-1].connected) == (2, 2)
    assert all(carried > 0 for carried in first.samples[-1].carried_bytes)
    assert sum(second.samples[-1].carried_bytes) > sum(first.samples[0].carried_bytes)
    assert (second.died, second.retried) == ((), 0)


def test_a_fetch_that_fails_is_made_again_and_counted(tor: TorAndWeb) -> None:
    user = User(0, order(tor.port))
    user.fetch(1_000)
    assert user.carried_bytes == 1_000
    tor.broken.add("127.0.1.1")
    with pytest.raises(FetchFailedError, match="ended 500 bytes early"):
        user.fetch(1_000)
    assert user.carried_bytes == 1_500
    load = Background(order(tor.port), threading.Event())
    load.users[1].failed = 2
    assert load.report((), ()).retried == 2
    load.users[0].failed += 1
    assert load.report((), ()).retried == 1, "since the last time"


def test_a_user_who_can_fetch_nothing_any_more_gives_up(tor: TorAndWeb) -> None:
    tor.refused.add("127.0.1.1")
    user = User(0, order(tor.port))
    user.run(threading.Event())
    assert (user.failed, tor.sources["127.0.1.1"]) == (MOST_FAILURES, MOST_FAILURES)
    assert user.reason and "could not reach 10.9.8.7:8080: general failure" in user.reason


def test_a_load_in_which_one_gets_nothing_does_not_run(tor: TorAndWeb) -> None:
    tor.refused.add("127.0.1.2")
    with program(order(tor.port)) as agent:
        with pytest.raises(AgentFailedError, match="general failure"):
            agent.expect(Running, DEADLINE_S)
        report = agent.ask(Take(), LoadReport, DEADLINE_S)
    assert report.samples[-1].connected == 1
    assert [death.stream for death in report.died] == [1]
    assert report.retried == MOST_FAILURES


def test_it_runs_when_every_user_has_got_something_though_all_pause() -> None:
    load = Background(order(1), threading.Event())
    assert not load.is_running([Sample(1.0, 1, (70,))], patient=True), "one has not begun"
    assert not load.is_running([Sample(1.0, 2, (70, 0))], patient=True)
    still = [Sample(1.0, 2, (70, 80)), Sample(2.0, 2, (70, 80))]
    assert load.is_running(still, patient=True)


def test_what_is_drawn_follows_the_seed_and_the_stated_shares() -> None:
    user = User(0, order(1, habits=HABITS))
    drawn = [user.next_size() for _ in range(3000)]
    counts = Counter(drawn)
    for size, share in zip(HABITS.sizes_bytes, (12 / 15, 2 / 15, 1 / 15), strict=True):
        assert counts[size] / 3000 == pytest.approx(share, abs=4 * 0.5 / 3000**0.5)
    pauses = [user.next_pause_s() for _ in range(3000)]
    assert statistics.mean(pauses) == pytest.approx(HABITS.pause_mean_s, rel=0.1)
    again = User(0, order(1, habits=HABITS))
    assert [again.next_size() for _ in range(3000)] == drawn
    others = (User(1, order(1, habits=HABITS)), User(0, order(1, seed=6, habits=HABITS)))
    assert all([other.next_size() for _ in range(100)] != drawn[:100] for other in others)


def test_it_goes_through_tor_and_downloads_whatever_is_scored() -> None:
    assert parse_load("background:8") == parse_load("background:8:tor")
    assert parse_load("background:8") == LoadSpec("background", 8, "tor")
    with pytest.raises(UsageError, match="background goes through Tor only"):
        parse_load("background:8:direct")
    with pytest.raises(UsageError, match="at most 100 background"):
        parse_load("background:101:tor")
    point = Point("v-tor", load_kind="background", load_count=8, load_through="tor")
    circuit = ("paris", "tokyo", "montreal")
    for direction in ("to-callee", "to-caller"):
        asked = load_of(point.but(direction=direction, placement="relay"), circuit, 7)
        assert (asked.direction, asked.circuit, asked.seed) == ("down", (), 7)
    wget = load_of(point.but(load_kind="wget", placement="relay"), circuit, 7)
    assert (wget.direction, wget.circuit) == ("up", circuit)


def test_lists_tell_what_the_users_do() -> None:
    kind = LOAD_KINDS.named("background")
    assert kind.explanation == f"other users of Tor, from the server ({in_words()})"
    assert "files of 50, 1024, 5120 KiB, drawn 12 : 2 : 1" in in_words()


def record_of(report: LoadReport) -> CallRecord:
    row: Any = CallRecord("c", "2026-01-01", "v-tor", "PCMU", "lab", "world", "kamailio", 1)
    note_load(row, LoadWatch("background", 2, "tor", "down", (), 0, report))
    assert isinstance(row, CallRecord)
    return row


def test_a_user_who_pauses_or_tries_again_makes_no_call_invalid_and_one_who_gave_up_does() -> None:
    samples = (Sample(0.0, 2, (1000, 500)), Sample(1.0, 2, (1000, 2500)))
    row = record_of(LoadReport(samples, retried=1))
    assert (row.load_retried, row.load_died, row.invalid_reasons) == (1, 0, [])
    assert row.load_goodput_kbps_mean == 8.0
    gone = (*samples, Sample(2.0, 1, (1000, 2500)))
    row = record_of(LoadReport(gone, (Death(0, 1.5, "nothing came for 30 s"),), retried=3))
    assert row.invalid_reasons == ["1 of 2 competing streams died: stream 0: nothing came for 30 s"]
