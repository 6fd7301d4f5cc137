"""A conversation between two Mumble clients: voice is inside TLS, so the clients log it."""

from __future__ import annotations

import hashlib
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from lab.calls.end import BothEnds, End, EndError, Outcome, both_ends
from lab.calls.paths.base import tor_client
from lab.calls.paths.mumble import murmur_of
from lab.calls.site import CallSite
from lab.ends import EACH_END
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import Reports
from lab.measure.call.path import VoicePath
from lab.wire import places
from lab.wire.messages import Event
from lab.wire.mumble import (
    MUMBLE_CLIENT,
    ClientReport,
    Join,
    Joined,
    Leave,
    Left,
    MumbleServer,
    OpusSettings,
    Recording,
    Talk,
)
from lab.wire.playout import ADAPTIVE, FIXED, Playout
from lab.wire.ports import MUMBLE_PORT
from lab.wire.proxy import SocksProxy
from lab.wire.voice import Expect, Played, Playing, Received

TURN_S = 0.1
"""How long one client is listened to before it is the other's turn."""


class MumbleConversation:
    """See `Conversation`."""

    def __init__(self, site: CallSite) -> None:
        self._site = site
        coding = site.coding
        assert coding.bitrate_kbps
        vbr = site.notes.plan.vbr
        self._opus = OpusSettings(1000 * coding.bitrate_kbps, vbr, coding.ptime_ms)
        site.notes.encoder = str(self._opus)
        self._clients: BothEnds[End] | None = None

    @contextmanager
    def at_the_ready(self) -> Iterator[None]:
        """Start the caller's client and the callee's."""
        site = self._site
        with both_ends(site.lab, site.workspace, MUMBLE_CLIENT, End) as self._clients:
            yield

    def talk(self, path: VoicePath, duration_s: float) -> None:
        """Bring both clients into a channel of the call's own and let them talk."""
        assert self._clients
        caller, callee = self._clients.caller, self._clients.callee
        began = self._site.voice_begins
        outcome = talk(caller, callee, self._joins(path), self._talks(duration_s), began=began)
        notes = self._site.notes
        notes.failure = outcome.reason
        notes.reports = Reports("mumble", outcome.caller, outcome.callee)

    def end(self) -> None:
        """They have left; their programs end."""
        assert self._clients
        self._clients.end()

    def _joins(self, path: VoicePath) -> tuple[Join, Join]:
        call_id, leg = self._site.notes.call_id, path.callee_leg
        token = call_id.rpartition("-")[2]
        callee = Join(
            murmur(self._site.lab),
            name=f"callee-{token}",
            peer=f"caller-{token}",
            channel=f"call-{token}",
            creates=True,
            proxy=_proxy(leg.socks_port if leg else None, call_id),
        )
        proxy = _proxy(path.socks_port, call_id)
        server = replace(callee.server, onion=path.onion.address if path.onion else None)
        caller = replace(
            callee,
            server=server,
            name=callee.peer,
            peer=callee.name,
            creates=False,
            proxy=proxy,
        )
        return caller, callee

    def _talks(self, duration_s: float) -> tuple[Talk, Talk]:
        site, directory = self._site, self._site.workspace.node
        caller, callee = (
            Talk(
                clip=site.clip,
                duration_s=duration_s,
                opus=self._opus,
                sent_log=directory / f"{end}-sent.csv",
                received_log=directory / f"{end}-received.csv",
                recordings=tuple(
                    Recording(
                        directory / f"{end}{ending}.wav", site.coding.codec.sample_rate_hz, playout
                    )
                    for ending, playout in recordings(site.notes.plan.playout).items()
                ),
            )
            for end in EACH_END
        )
        return caller, callee


def _proxy(socks_port: int | None, call_id: str) -> SocksProxy | None:
    """The Tor client on an end's own machine, where the call goes through it."""
    return None if socks_port is None else tor_client(socks_port, call_id)


def recordings(playout: Playout) -> dict[str, Playout]:
    """Ending of a recording's name → its buffer: the scored one first, then the other kind."""
    other = ("-fixed", FIXED) if playout.adaptive else ("-adaptive", ADAPTIVE)
    return dict([("", playout), other])


def murmur(lab: ReadyLab) -> MumbleServer:
    """The lab's Murmur, with the certificate it was given; LabError where either is missing."""
    address = murmur_of(lab)
    (node,) = lab.topology.with_role("mumble-server")
    file = lab.directory / "nodes" / node.name / places.in_project(places.MUMBLE_CERTIFICATE)
    try:
        certificate = ssl.PEM_cert_to_DER_cert(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LabError(f"the certificate of Murmur cannot be read: {file}: {error}") from error
    return MumbleServer(address, MUMBLE_PORT, hashlib.sha256(certificate).hexdigest())


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long each step of a call may take, seconds."""

    start_s: float = 10.0
    late_s: float = 20.0
    """Beyond the length of the call: for a client that stalls, or voice that comes late."""
    finish_s: float = 20.0
    finish_share: float = 0.2
    """Beyond `finish_s`, per second of the call: what was heard is decoded at its end."""


def talk(
    caller: End,
    callee: End,
    joins: tuple[Join, Join],
    talks: tuple[Talk, Talk],
    deadlines: Deadlines = Deadlines(),
    began: Callable[[float], None] = lambda at: None,
) -> Outcome[ClientReport]:
    """One call between two clients; `joins` and `talks` are the caller's and the callee's.

    `began` is told when both play, Unix seconds. Never raises for a call that fails: the reason
    is in the outcome.
    """
    reason = None
    try:
        _talk((caller, callee), joins, talks, deadlines, began)
    except EndError as error:
        reason = error.message
    return Outcome(reason, caller.report(ClientReport), callee.report(ClientReport))


def _talk(
    clients: tuple[End, End],
    joins: tuple[Join, Join],
    talks: tuple[Talk, Talk],
    deadlines: Deadlines,
    began: Callable[[float], None],
) -> None:
    caller, callee = clients
    duration_s = talks[0].duration_s
    for client, join in zip(clients, joins, strict=True):
        client.order(join)
    _wait_all(clients, Joined, joins[0].deadline_s + deadlines.start_s)
    for client, order in zip(clients, talks, strict=True):
        client.order(order)
    _wait_all(clients, Playing, deadlines.start_s)
    began(max(client.wait(Playing, 0).at_s for client in clients))
    _wait_all(clients, Played, duration_s + deadlines.late_s)
    caller.order(Expect(callee.wait(Played, 0).packets))
    callee.order(Expect(caller.wait(Played, 0).packets))
    _wait_all(clients, Received, deadlines.late_s)
    for client in clients:
        client.order(Leave())
    _wait_all(clients, Left, deadlines.finish_s + duration_s * deadlines.finish_share)


def _wait_all(clients: tuple[End, ...], kind: type[Event], timeout_s: float) -> None:
    """Wait until such an event has come from all; whichever fails first is the reason."""
    deadline = time.monotonic() + timeout_s
    pending = list(clients)
    while pending:
        pending = [client for client in pending if not client.has(kind, TURN_S)]
        if pending and time.monotonic() >= deadline:
            raise pending[0].silence(kind, timeout_s)
