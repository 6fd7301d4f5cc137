"""A conversation between two Mumble clients: voice is inside TLS, so the clients log it."""

from __future__ import annotations

import hashlib
import json
import secrets
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import IPv4Address
from statistics import median
from typing import Any

from lab.calls.conversation import CallSite
from lab.calls.mumble.client import (
    Joining,
    MumbleClient,
    SocksProxy,
    TalkOrder,
    converse,
)
from lab.calls.mumble.encoder import OpusSettings
from lab.calls.paths.base import VoicePath
from lab.calls.voice_streams import VoiceStreams
from lab.engine.execution import start_plain_agent
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.measure.mumble_packets import read_voice_log
from lab.measure.rtp import Stream
from lab.topology.model import Role
from lab.wire import places
from lab.wire.playout import ADAPTIVE, FIXED, Playout
from lab.wire.ports import MUMBLE_PORT

AGENT = "mumble.client"
LOCALHOST = "127.0.0.1"


class MumbleConversation:
    """See `Conversation`."""

    def __init__(self, site: CallSite) -> None:
        self._site = site
        coding = site.coding
        assert coding.bitrate_kbps
        self._opus = OpusSettings(1000 * coding.bitrate_kbps, site.vbr, coding.ptime_ms)
        site.record.pbx, site.record.encoder = "murmur", str(self._opus)
        site.record.playout = str(site.playout)
        self._reason: str | None = None
        self._clients: tuple[MumbleClient, MumbleClient] | None = None
        self._events: dict[str, dict[str, dict[str, Any]]] = {}

    @contextmanager
    def at_the_ready(self) -> Iterator[None]:
        """Start the caller's client and the callee's."""
        lab, workspace = self._site.lab, self._site.workspace
        with (
            start_plain_agent(lab.running, lab.caller.name, AGENT) as caller,
            start_plain_agent(lab.running, lab.callee.name, AGENT) as callee,
        ):
            self._clients = MumbleClient("caller", caller), MumbleClient("callee", callee)
            yield
            # They leave and end side by side.
            caller.end()
            callee.end()
        workspace.write_log("mumble-caller", caller.log_text)
        workspace.write_log("mumble-callee", callee.log_text)

    def talk(self, path: VoicePath, duration_s: float) -> None:
        """Bring both clients into a channel of the call's own and let them talk."""
        workspace = self._site.workspace
        assert self._clients
        caller, callee = self._clients
        self._reason = converse(
            caller, callee, self._joinings(path), self._orders(duration_s), duration_s
        )
        self._events = {"caller": caller.events, "callee": callee.events}
        (workspace.host / "mumble.json").write_text(
            json.dumps(self._events, indent=2), encoding="utf-8"
        )

    def note_outcome(self) -> bool:
        """How it ended, how the caller got in, and the round trips of Mumble's own pings."""
        record = self._site.record
        record.status = "failed" if self._reason else "ok"
        record.reason = self._reason
        joined = self._events["caller"].get("joined")
        if joined:
            record.setup_ms = joined["setup_ms"]
            record.phone = f"lab Mumble client, {joined['opus']}, {joined['tls']}"
        record.ptime_ms = float(self._opus.ptime_ms)
        round_trips_ms = self._events["caller"].get("done", {}).get("round_trips_ms")
        if round_trips_ms:
            record.rtt_ms = median(round_trips_ms)
        return self._reason is None

    def find_streams(self, path: VoicePath) -> VoiceStreams:
        """The voice packets as the clients logged them, on the clock all nodes share."""
        home, office = path.caller_address, self._site.lab.callee.links[0].address
        return VoiceStreams(
            from_caller=self._stream("caller-sent", home, office),
            at_callee=self._stream("callee-received", home, office),
            from_callee=self._stream("callee-sent", office, home),
            at_caller=self._stream("caller-received", office, home),
        )

    def note_ratings(self) -> None:
        """The share of packets that playout had to conceal; G.113 has no values for Opus."""
        for end, events in self._events.items():
            scored = events["done"]["playouts"][0]
            played = scored["ticks"] or 1
            setattr(self._site.record, f"{end}_concealed_pct", 100 * scored["concealed"] / played)

    def _stream(self, log: str, source: IPv4Address, destination: IPv4Address) -> Stream:
        file = self._site.workspace.host / f"{log}.csv"
        return read_voice_log(file, source, destination, self._opus.ptime_ms)

    def _joinings(self, path: VoicePath) -> tuple[Joining, Joining]:
        call_id = self._site.record.call_id
        token = call_id.rpartition("-")[2]
        callee = Joining(
            address=path.server_address,
            port=MUMBLE_PORT,
            fingerprint=murmur_fingerprint(self._site.lab),
            name=f"callee-{token}",
            peer=f"caller-{token}",
            channel=f"call-{token}",
            creates=True,
            proxy=None,
        )
        proxy = None
        if path.socks_port is not None:
            proxy = SocksProxy(LOCALHOST, path.socks_port, call_id, secrets.token_hex(8))
        caller = replace(callee, name=callee.peer, peer=callee.name, creates=False, proxy=proxy)
        return caller, callee

    def _orders(self, duration_s: float) -> tuple[TalkOrder, TalkOrder]:
        caller = TalkOrder(
            clip=self._site.clip,
            duration_s=duration_s,
            directory=self._site.workspace.node,
            end="caller",
            rate_hz=self._site.coding.codec.sample_rate_hz,
            opus=self._opus,
            buffers=recordings(self._site.playout),
        )
        return caller, replace(caller, end="callee")


def recordings(playout: Playout) -> dict[str, Playout]:
    """Ending of a recording's name → its buffer: the scored one first, then the other kind."""
    other = ("-fixed", FIXED) if playout.adaptive else ("-adaptive", ADAPTIVE)
    return dict([("", playout), other])


def murmur_fingerprint(lab: ReadyLab) -> str:
    """SHA-256 of the certificate that the lab's Murmur was given; LabError where it is gone."""
    (node,) = lab.topology.with_role(Role.MUMBLE_SERVER)
    file = lab.directory / "nodes" / node.name / places.in_project(places.MUMBLE_CERTIFICATE)
    try:
        certificate = ssl.PEM_cert_to_DER_cert(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LabError(f"the certificate of Murmur cannot be read: {file}: {error}") from error
    return hashlib.sha256(certificate).hexdigest()
