"""One end of the Mumble calls that compete with the measured one: all its clients in one process.

Each client is called after this end, and talks with the client of the same number at the other, in
a channel of their own.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path

from lab.agents.load.streams import Streams, serve
from lab.agents.mumble.crowd import FAILURES, Crowd, Member, encode_clip
from lab.agents.mumble.session import Account, Session
from lab.wire import places
from lab.wire.line import Line
from lab.wire.load import MUMBLE_CALLS, Death, LoadReport, Sample, TalkMumble
from lab.wire.proxy import SocksProxy

LOCALHOST = IPv4Address("127.0.0.1")
OPENERS = 8
"""Connections that are made at once: through Tor each waits for a circuit."""
OPEN_DEADLINE_S = 60.0
SILENT_S = 30.0
"""A client that has heard nothing for so long, after it had heard something, is taken for dead;
on a link that is shared by too many, some wait for seconds."""


class MumbleCalls(Streams):
    """All clients of one end."""

    def __init__(self, order: TalkMumble, crowd: Crowd) -> None:
        super().__init__(order.count)
        self._order = order
        self._crowd = crowd
        self._members: dict[int, Member] = {}
        self._refused: dict[int, str] = {}
        """Client → why it did not come in."""
        self._told: set[int] = set()
        self._sent_before = 0
        self._wanted: queue.SimpleQueue[int] = queue.SimpleQueue()
        for _ in range(OPENERS):
            threading.Thread(target=self._open_wanted, daemon=True).start()

    def start_next(self) -> None:
        """Have one more client connect."""
        self._wanted.put(self.started)

    def connected(self) -> int:
        """Clients in a channel with their peer."""
        return sum(member.failure is None for member in dict(self._members).values())

    def counted_bytes(self) -> list[int]:
        """Opus that each has heard."""
        members = dict(self._members)
        return [members[n].heard_bytes if n in members else 0 for n in range(self.count)]

    def deaths(self, now: float) -> list[Death]:
        """Clients that did not come in, were cut off, or hear nothing any more."""
        found = []
        silent_since = time.monotonic() - SILENT_S
        reasons = dict(self._refused)
        for number, member in dict(self._members).items():
            if member.failure is not None:
                reasons[number] = member.failure
            elif member.heard_at is not None and member.heard_at < silent_since:
                reasons[number] = f"nothing came for {SILENT_S:.0f} s"
        for number in reasons.keys() - self._told:
            self._told.add(number)
            found.append(Death(number, now, reasons[number]))
        return found

    def report(self, samples: Sequence[Sample], died: Sequence[Death]) -> LoadReport:
        """See `Streams`; with what was sent, bytes of Opus, and how late it left."""
        sent = self._crowd.sent_bytes
        since, self._sent_before = sent - self._sent_before, sent
        return LoadReport(tuple(samples), tuple(died), since, self._crowd.lateness.take())

    def _open_wanted(self) -> None:
        while True:
            number = self._wanted.get()
            try:
                self._open(number)
            except FAILURES as error:
                self._refused[number] = str(error)

    def _open(self, number: int) -> None:
        order = self._order
        name, peer, channel = (
            f"{word}-{order.token}-{number}" for word in (order.end, order.peer, "load")
        )
        proxy = None
        if order.socks_port:
            # A SOCKS user of its own, and so a circuit of its own.
            proxy = SocksProxy(LOCALHOST, order.socks_port, name, order.token)
        certificate = Path(places.MUMBLE) if order.creates else None
        account = Account(order.server, name, proxy, certificate=certificate)
        deadline = time.monotonic() + OPEN_DEADLINE_S
        session = Session.open(account, deadline, lambda _: None)
        try:
            session.enter(channel, peer, order.creates, deadline)
        except FAILURES:
            session.close()
            raise
        member = Member(number, session, peer)
        self._members[number] = member
        self._crowd.add(member)


def main() -> None:
    """Serve one load."""
    line = Line(MUMBLE_CALLS)
    order = line.hear_first(TalkMumble)
    if order is None:
        return
    crowd = Crowd(encode_clip(Path(order.clip), order.opus), order.opus.ptime_ms)
    threading.Thread(target=crowd.run, daemon=True).start()
    serve(line, MumbleCalls(order, crowd), order.spacing_s)
    crowd.stop()


if __name__ == "__main__":
    main()
