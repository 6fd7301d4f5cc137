"""Other users of Tor: each fetches files of drawn sizes through this node's tor, with pauses.

A user connects to tor from an address of its own, by which `tor.user_circuits` knows whose stream
it is. Fetches are requests for the beginning of a file that never ends. They are made here and not
by wget, which takes a process each and tells nothing of how far one came before it failed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv4Address
from random import Random

from lab.agents.load.streams import Streams, serve
from lab.agents.net.connection import ConnectionFailedError, connect
from lab.wire.line import Line
from lab.wire.load import BACKGROUND, Browse, Death, LoadReport, Sample
from lab.wire.proxy import SocksProxy

CONNECT_DEADLINE_S = 30.0
"""For tor, whose circuit may have to be built, and for the exit's connection to the server."""
STALL_S = 30.0
"""A fetch that gets no byte for so long has failed."""
MOST_FAILURES = 3
"""Fetches that fail one after the other; then the user gives up, and the load has lost one."""
CHUNK_BYTES = 65536
LOCALHOST = IPv4Address("127.0.0.1")


class FetchFailedError(Exception):
    """A fetch did not come to its end; the message says why."""


class User:
    """One user; `run` in a thread of its own, while others read what it got."""

    def __init__(self, number: int, order: Browse) -> None:
        self._order = order
        self._source = order.users[number]
        self._sizes = Random(f"{order.seed} {number}")  # noqa: S311 - repeatable on purpose
        self._pauses = Random(f"{order.seed} {number} pauses")  # noqa: S311
        """By itself: a fetch that fails takes a pause more, and sizes stay as they are."""
        self._proxy = SocksProxy(LOCALHOST, order.socks_port, f"user-{number}", "background")
        self.carried_bytes = 0
        """Payload so far."""
        self.failed = 0
        """Fetches so far that did not come to their end."""
        self.reason: str | None = None
        """Why it gave up; None while it has not."""

    def next_size(self) -> int:
        """That of the next file, in bytes."""
        habits = self._order.habits
        (size,) = self._sizes.choices(habits.sizes_bytes, habits.shares)
        return size

    def next_pause_s(self) -> float:
        """How long until the next fetch."""
        return self._pauses.expovariate(1 / self._order.habits.pause_mean_s)

    def run(self, ended: threading.Event) -> None:
        """Fetch, pause, fetch again, until `ended` or nothing can be fetched any more."""
        failures, size = 0, self.next_size()
        while not ended.is_set():
            try:
                self.fetch(size)
            except FetchFailedError as error:
                self.failed += 1
                failures += 1
                if failures == MOST_FAILURES:
                    self.reason = str(error)
                    return
            else:
                failures, size = 0, self.next_size()
            ended.wait(self.next_pause_s())

    def fetch(self, size: int) -> None:
        """Fetch so many bytes; FetchFailedError where fewer come."""
        order = self._order
        deadline = time.monotonic() + CONNECT_DEADLINE_S
        http = HTTPConnection(str(order.server), order.port)
        try:
            http.sock = connect(order.server, order.port, self._proxy, deadline, self._source)
            http.sock.settimeout(STALL_S)
            asked = {"Range": f"bytes=0-{size - 1}", "Connection": "close"}
            http.request("GET", order.path, headers=asked)
            answer = http.getresponse()
            if answer.status != HTTPStatus.PARTIAL_CONTENT:
                raise FetchFailedError(f"the web server answered {answer.status} {answer.reason}")
            while piece := answer.read1(CHUNK_BYTES):
                self.carried_bytes += len(piece)
                size -= len(piece)
        except TimeoutError:
            raise FetchFailedError(f"nothing came for {STALL_S:.0f} s") from None
        except (ConnectionFailedError, HTTPException, OSError) as error:
            raise FetchFailedError(str(error) or type(error).__name__) from error
        finally:
            http.close()
        if size:
            raise FetchFailedError(f"the fetch ended {size} bytes early")


class Background(Streams):
    """All users of one load."""

    def __init__(self, order: Browse, ended: threading.Event) -> None:
        super().__init__(len(order.users))
        self.users = [User(number, order) for number in range(self.count)]
        self._ended = ended
        self._threads: list[threading.Thread] = []
        self._dead: set[int] = set()
        self._failed_before = 0

    def start_next(self) -> None:
        """See `Streams`."""
        user = self.users[len(self._threads)]
        # Daemons: one that waits for its fetch does not keep this program from ending.
        thread = threading.Thread(target=user.run, args=(self._ended,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def connected(self) -> int:
        """Users who go on; whether one fetches or pauses just now is all the same."""
        return sum(thread.is_alive() for thread in self._threads)

    def counted_bytes(self) -> list[int]:
        """See `Streams`."""
        return [user.carried_bytes for user in self.users[: len(self._threads)]]

    def deaths(self, now: float) -> list[Death]:
        """See `Streams`: users who have given up."""
        gone = {number for number, thread in enumerate(self._threads) if not thread.is_alive()}
        found = sorted(gone - self._dead)
        self._dead |= gone
        return [Death(number, now, self.users[number].reason or "it ended") for number in found]

    def is_running(self, recent: Sequence[Sample], *, patient: bool) -> bool:
        """When every user has got something, and so has a circuit that works."""
        carried = recent[-1].carried_bytes
        return len(carried) == self.count and all(carried)

    def report(self, samples: Sequence[Sample], died: Sequence[Death]) -> LoadReport:
        """See `Streams`."""
        failed = sum(user.failed for user in self.users)
        retried, self._failed_before = failed - self._failed_before, failed
        return LoadReport(tuple(samples), tuple(died), retried=retried)


def main() -> None:
    """Serve one load."""
    line = Line(BACKGROUND)
    order = line.hear_first(Browse)
    if order is None:
        return
    ended = threading.Event()
    try:
        serve(line, Background(order, ended), order.spacing_s)
    finally:
        ended.set()


if __name__ == "__main__":
    main()
