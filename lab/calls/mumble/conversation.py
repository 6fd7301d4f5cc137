"""A conversation between two Mumble clients: voice is inside TLS, so the clients log it."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from lab.calls.end import BothEnds, End, EndError, Outcome, both_ends
from lab.calls.paths.base import tor_client
from lab.calls.paths.mumble import murmur_of
from lab.calls.site import CallSite
from lab.calls.voice_clients import USUAL, Deadlines, let_talk, opus_of, talks_of, wait_all
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import Reports
from lab.measure.call.path import VoicePath
from lab.wire import places
from lab.wire.mumble import MUMBLE_CLIENT, ClientReport, Join, Joined, MumbleServer
from lab.wire.ports import MUMBLE_PORT
from lab.wire.voice_client import Talk


class MumbleConversation:
    """See `Conversation`."""

    def __init__(self, site: CallSite) -> None:
        self._site = site
        self._opus = opus_of(site)
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
        talks = talks_of(self._site, self._opus, duration_s)
        outcome = talk(caller, callee, self._joins(path), talks, began=began)
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
            proxy=tor_client(leg.socks_port if leg else None, call_id),
        )
        proxy = tor_client(path.socks_port, call_id)
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


def talk(
    caller: End,
    callee: End,
    joins: tuple[Join, Join],
    talks: tuple[Talk, Talk],
    deadlines: Deadlines = USUAL,
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
    for client, join in zip(clients, joins, strict=True):
        client.order(join)
    wait_all(clients, Joined, joins[0].deadline_s + deadlines.start_s)
    let_talk(clients, talks, deadlines, began)
