"""A WebRTC phone with one call in it: plays a clip, hears the other, logs every packet's header.

It is the program of the dialogue `lab.wire.webrtc.WEBRTC_PHONE`; whatever goes wrong ends it.
Its voice is relayed by a TURN server that it reaches over TCP, and goes by no other way. The logs
hold RTP's own numbers and Unix times in ns by the clock that all nodes share, taken just before
a packet is encrypted and just after it was decrypted.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from aiortc import __version__ as aiortc_version

from lab.agents.net.connection import ConnectionFailedError
from lab.agents.voice.leaving import left
from lab.agents.voice.log import VoiceLog
from lab.agents.voice.opus import OpusError, version
from lab.agents.voice.recording import Came, Recorder
from lab.agents.voice.speaker import Speaker
from lab.agents.webrtc.one_way import OneWayLoop
from lab.agents.webrtc.peer import CLOCK_HZ, Peer
from lab.wire import places
from lab.wire.line import Line
from lab.wire.messages import Failed, Order
from lab.wire.voice import Expect, Played, Playing
from lab.wire.voice_client import Leave, Talk
from lab.wire.webrtc import WEBRTC_PHONE, Accept, Connected, Described, Gather

ORDER_POLL_S = 0.1
"""How long may pass before the state of the call is looked at; packets never wait for it."""
ASK_EVERY_S = 5.0
"""How often the TURN server is asked to go on relaying."""
_TURN_OF_TIMESTAMPS = 1 << 32


class WebrtcPhone:
    """The state of one phone; `serve` runs it to the end of its orders."""

    def __init__(self, line: Line, loop: OneWayLoop) -> None:
        self._line = line
        self._loop = loop
        self._peer: Peer | None = None
        self._speaker: Speaker | None = None
        self._recorder = Recorder()
        self._sent = VoiceLog("sequence", "timestamp", "time_ns", "bytes")
        self._received = VoiceLog("sequence", "timestamp", "time_ns", "bytes")
        self._began = self._deadline = 0.0
        self._told_connected = False
        self._first: int | None = None
        """The timestamp of the first packet that came."""
        self._talking: Talk | None = None
        self._expected: int | None = None
        self._asking: asyncio.Task[None] | None = None
        self._round_trips_ms: list[float] = []
        self._done = False

    async def serve(self) -> None:
        """Do what is ordered until `Leave`, a failure, or the end of the orders."""
        stage = "start"
        try:
            while not self._done:
                order = await asyncio.to_thread(self._line.hear, ORDER_POLL_S)
                if order is not None:
                    stage = type(order).__name__.lower()
                    await self._obey(order)
                elif self._line.ended:
                    self._keep_logs()
                    return
                self._watch()
        except (ConnectionFailedError, OpusError, OSError) as error:
            self._line.say(Failed(f"{stage} failed: {error}"))
            self._keep_logs()
        finally:
            if self._asking:
                self._asking.cancel()
            if self._peer:
                await self._peer.close()

    async def _obey(self, order: Order) -> None:
        match order:
            case Gather():
                await self._gather(order)
            case Accept(answer):
                assert self._peer
                await self._peer.accept(answer)
            case Talk():
                self._talk(order)
            case Expect(packets):
                self._expected = packets
            case Leave():
                self._leave()

    async def _gather(self, order: Gather) -> None:
        self._began = time.monotonic()
        self._deadline = self._began + order.deadline_s
        loop = self._loop
        loop.server, loop.proxy, loop.deadline = order.turn, order.proxy, self._deadline
        password = Path(places.TURN_PASSWORD).read_text(encoding="utf-8")
        self._peer = Peer(order.turn, password, order.fec, self._said, self._heard)
        try:
            peer, offer = self._peer, order.offer
            sdp = await (peer.offer() if offer is None else peer.answer(offer))
        except ConnectionFailedError as error:
            raise ConnectionFailedError(loop.failure or str(error)) from error
        self._line.say(Described(sdp))

    def _talk(self, order: Talk) -> None:
        assert self._peer
        self._recorder.prepare(order)
        self._talking = order
        self._speaker = Speaker(Path(order.clip), order.duration_s, order.opus)
        self._peer.voice.speak(self._speaker, order.opus.ptime_ms)
        self._line.say(Playing(time.time()))

    def _said(self, time_ns: int, sequence: int, timestamp: int, opus: bytes) -> None:
        self._sent.note(sequence, timestamp, time_ns, len(opus))

    def _heard(self, time_ns: int, sequence: int, timestamp: int, opus: bytes) -> None:
        if self._first is None:
            self._first = timestamp
        half = _TURN_OF_TIMESTAMPS // 2
        ticks = (timestamp - self._first + half) % _TURN_OF_TIMESTAMPS - half
        if self._recorder.take(Came(1000 * ticks // CLOCK_HZ, time_ns, opus)):
            self._received.note(sequence, timestamp, time_ns, len(opus))

    def _watch(self) -> None:
        """Tell what has come about; ConnectionFailedError for what cannot come about any more."""
        peer = self._peer
        if peer is None or self._done:
            return
        if self._asking and self._asking.done():
            self._asking.result()
        if self._loop.broken:
            raise ConnectionFailedError("the TURN server ended the connection")
        if peer.state in ("failed", "closed"):
            raise ConnectionFailedError(
                "the other phone does not answer any more"
                if peer.connected_at
                else "ICE found no way to the other phone"
            )
        if not self._told_connected:
            self._watch_connecting(peer)
        if self._speaker and self._speaker.just_finished():
            self._line.say(Played(self._speaker.sent))
        self._watch_arrivals()

    def _watch_connecting(self, peer: Peer) -> None:
        if peer.connected_at is None:
            if time.monotonic() > self._deadline:
                raise ConnectionFailedError("no connection to the other phone in time")
            return
        self._told_connected = True
        self._asking = asyncio.ensure_future(self._ask_server())
        setup_ms = (peer.connected_at - self._began) * 1000
        engine = f"aiortc {aiortc_version}"
        self._line.say(
            Connected(time.time(), setup_ms, engine, version(), peer.srtp, peer.peer_fec)
        )

    async def _ask_server(self) -> None:
        while True:
            self._round_trips_ms.append(await self._loop.ask_server())
            await asyncio.sleep(ASK_EVERY_S)

    def _watch_arrivals(self) -> None:
        if self._expected is None:
            return
        if received := self._recorder.received(self._expected):
            self._line.say(received)
            self._expected = None

    def _leave(self) -> None:
        self._keep_logs()
        self._line.say(left(self._recorder.play(), self._round_trips_ms))
        self._done = True

    def _keep_logs(self) -> None:
        if self._talking:
            self._sent.write(self._talking.sent_log)
            self._received.write(self._talking.received_log)


def main() -> None:
    """Serve the orders on standard input."""
    loop = OneWayLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(WebrtcPhone(Line(WEBRTC_PHONE), loop).serve())


if __name__ == "__main__":
    main()
