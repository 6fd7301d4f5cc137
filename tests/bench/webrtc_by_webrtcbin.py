"""A call by GStreamer's webrtcbin: ICE by libnice, DTLS and SRTP by OpenSSL and libsrtp."""

from __future__ import annotations

import threading
import time
from typing import Any

import gi
from webrtc_engine_call import PTIME_MS, Watched

from lab.wire.ports import TURN_PORT

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
# Of what is in GstSdp nothing is named here, but descriptions are empty without it.
from gi.repository import Gst, GstSdp, GstWebRTC  # noqa: E402, F401

CAPS = "audio/x-opus,rate=48000,channels=1,channel-mapping-family=0"
RTP = "application/x-rtp,media=audio,encoding-name=OPUS,payload=96,clock-rate=48000"
CONNECT_S = 30.0


def call(watched: Watched, address: str, seconds: float, passwords: dict[str, str]) -> None:
    """The first of the two talks."""
    Gst.init(None)
    ways = [
        f"turn://{user}:{password}@{address}:{TURN_PORT}?transport=tcp"
        for user, password in passwords.items()
    ]
    caller, callee = (_Peer(way, watched, talks=way == ways[0]) for way in ways)
    for one, other in ((caller, callee), (callee, caller)):
        one.bin.connect("on-ice-candidate", other.add)
        one.pipeline.set_state(Gst.State.PLAYING)
        if not one.ready.wait(CONNECT_S):
            raise SystemExit("webrtcbin: nothing to negotiate in time")
    callee.take("remote", caller.describe("offer"))
    caller.take("remote", callee.describe("answer"))
    for each in (caller, callee):
        each.wait_connected()
    watched.begin()
    while watched.speaker.sent < watched.speaker.packets:
        time.sleep(watched.speaker.wait_s())
        if spoken := watched.speaker.due():
            caller.say(spoken.opus)
    time.sleep(2)
    for each in (caller, callee):
        each.pipeline.set_state(Gst.State.NULL)


class _Peer:
    def __init__(self, way: str, watched: Watched, *, talks: bool) -> None:
        self._watched = watched
        self.pipeline = Gst.parse_launch(
            f"webrtcbin name=peer bundle-policy=max-bundle ice-transport-policy=relay "
            f"appsrc name=voice is-live=true format=time caps={CAPS} ! rtpopuspay ! {RTP} ! peer."
        )
        self.bin = self.pipeline.get_by_name("peer")
        self.bin.set_property("turn-server", way)
        self.source = self.pipeline.get_by_name("voice")
        self.ready = threading.Event()
        """When it knows what it has to offer."""
        self.bin.connect("on-negotiation-needed", lambda _bin: self.ready.set())
        before = ("srtpenc", "rtp_sink_0", watched.say)
        after = ("srtpdec", "rtp_src", watched.hear)
        self.bin.connect("deep-element-added", self._added, before if talks else after)
        self.bin.connect("pad-added", self._came)

    def add(self, _bin: Any, line: int, candidate: str) -> None:
        """Of the other."""
        self.bin.emit("add-ice-candidate", line, candidate)

    def describe(self, kind: str) -> Any:
        """Its offer or answer, which it has taken for its own."""
        promise = Gst.Promise.new()
        self.bin.emit(f"create-{kind}", None, promise)
        promise.wait()
        reply = promise.get_reply()
        description = reply.get_value(kind)
        self.take("local", description)
        return description.copy()

    def take(self, whose: str, description: Any) -> None:
        """Have it as its `local` or `remote` description."""
        taken = Gst.Promise.new()
        self.bin.emit(f"set-{whose}-description", description, taken)
        taken.wait()

    def wait_connected(self) -> None:
        """SystemExit where it does not come about."""
        until = time.monotonic() + CONNECT_S
        while self.bin.get_property("connection-state") != (
            GstWebRTC.WebRTCPeerConnectionState.CONNECTED
        ):
            if time.monotonic() > until:
                raise SystemExit("webrtcbin: no connection in time")
            time.sleep(0.05)

    def say(self, opus: bytes) -> None:
        """Of Opus, one packet."""
        buffer = Gst.Buffer.new_wrapped(opus)
        buffer.pts = self.pipeline.get_clock().get_time() - self.pipeline.get_base_time()
        buffer.duration = PTIME_MS * Gst.MSECOND
        self.source.emit("push-buffer", buffer)

    def _added(self, _bin: Any, _within: Any, element: Any, watch: tuple[str, str, Any]) -> None:
        """Watch a pad of that kind of element."""
        kind, pad, told = watch
        factory = element.get_factory()
        if factory and factory.get_name() == kind:
            element.get_static_pad(pad).add_probe(Gst.PadProbeType.BUFFER, _probe, told)

    def _came(self, _bin: Any, pad: Any) -> None:
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        sink = Gst.ElementFactory.make("fakesink")
        # Its jitter buffer says when a packet is to be heard, and a sink on the clock keeps to it.
        sink.set_property("sync", True)
        sink.set_property("signal-handoffs", True)
        sink.connect("handoff", lambda *_: self._watched.give())
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))


def _probe(_pad: Any, info: Any, told: Any) -> Any:
    packet = info.get_buffer()
    told(int.from_bytes(packet.extract_dup(4, 4), "big"))
    return Gst.PadProbeReturn.OK
