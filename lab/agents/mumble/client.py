"""A headless Mumble client with one call in it: plays a clip, hears the other, logs every packet.

It is the program of the dialogue `lab.wire.mumble.MUMBLE_CLIENT`; whatever goes wrong ends it.
Voice is paced on a grid: no packet is ever skipped, what is late goes out at once. The logs, one
line per packet, hold Unix times in ns by the clock that all nodes share.
"""

from __future__ import annotations

import select
import time
from pathlib import Path

from lab.agents.mumble.framing import Kind
from lab.agents.mumble.session import Account, RefusedError, Session
from lab.agents.mumble.voice import FRAME_MS, VoiceError, pack_voice, unpack_voice
from lab.agents.net.connection import ConnectionFailedError
from lab.agents.voice.leaving import left
from lab.agents.voice.log import VoiceLog
from lab.agents.voice.opus import OpusError, version
from lab.agents.voice.recording import Came, Recorder
from lab.agents.voice.speaker import Speaker, Spoken
from lab.wire import places
from lab.wire.line import Line
from lab.wire.messages import Failed, Order
from lab.wire.mumble import MUMBLE_CLIENT, Join, Joined
from lab.wire.voice import Expect, Played, Playing
from lab.wire.voice_client import Leave, Talk

ORDER_POLL_S = 0.1
"""How long an order may lie before it is looked at; events of the call never wait for it."""


class MumbleClient:
    """The state of one client; `serve` runs it to the end of its orders."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._session: Session | None = None
        self._speaker: Speaker | None = None
        self._recorder = Recorder()
        self._sent = VoiceLog("sequence", "due_ns", "time_ns", "bytes")
        self._received = VoiceLog("sequence", "time_ns", "bytes")
        self._talking: Talk | None = None
        self._hears: int | None = None
        """The session of its peer."""
        self._expected: int | None = None
        self._peer: str | None = None
        self._done = False

    def serve(self) -> None:
        """Do what is ordered until `Leave`, a failure, or the end of the orders."""
        stage = "start"
        try:
            while not self._done:
                if (order := self._line.hear(0 if self._session else ORDER_POLL_S)) is not None:
                    stage = type(order).__name__.lower()
                    self._obey(order)
                elif self._line.ended:
                    self._keep_logs()
                    return
                elif self._session:
                    self._step(self._session)
        except (ConnectionFailedError, RefusedError, VoiceError, OpusError, OSError) as error:
            self._line.say(Failed(f"{stage} failed: {error}"))
            self._keep_logs()
        finally:
            if self._session:
                self._session.close()

    def _obey(self, order: Order) -> None:
        match order:
            case Join():
                self._join(order)
            case Talk():
                self._talk(order)
            case Expect(packets):
                self._expected = packets
            case Leave():
                self._leave()

    def _join(self, order: Join) -> None:
        began = time.monotonic()
        deadline = began + order.deadline_s
        account = Account(order.server, order.name, order.proxy, certificate=Path(places.MUMBLE))
        self._session = Session.open(account, deadline, self._take)
        synchronised = time.monotonic()
        self._peer = order.peer
        self._hears = self._session.enter(order.channel, order.peer, order.creates, deadline)
        setup_ms = (synchronised - began) * 1000
        self._line.say(Joined(time.time(), setup_ms, self._session.secure.cipher, version()))

    def _talk(self, order: Talk) -> None:
        self._recorder.prepare(order)
        self._talking = order
        self._speaker = Speaker(Path(order.clip), order.duration_s, order.opus)
        self._speaker.start()
        self._line.say(Playing(time.time()))

    def _step(self, session: Session) -> None:
        """Send what is due and take what comes; waits no longer than the next packet may."""
        speaker, secure = self._speaker, session.secure
        wait_s = min(ORDER_POLL_S, speaker.wait_s() if speaker else ORDER_POLL_S)
        writers = [secure] if secure.wants_to_send else []
        readable, writable, _ = select.select([secure], writers, [], wait_s)
        if speaker:
            while (spoken := speaker.due()) is not None:
                self._speak(session, spoken)
            if speaker.just_finished():
                self._line.say(Played(speaker.sent))
        if writable:
            secure.flush()
        if readable:
            session.read()
        session.keep_alive()
        self._watch_arrivals()

    def _speak(self, session: Session, spoken: Spoken) -> None:
        assert self._talking
        sequence = spoken.number * self._talking.opus.ptime_ms // FRAME_MS
        packet = pack_voice(sequence, spoken.opus, spoken.last)
        self._sent.note(sequence, spoken.due_ns, time.time_ns(), len(spoken.opus))
        session.send(Kind.UDP_TUNNEL, packet)

    def _take(self, data: bytes) -> None:
        """One voice packet, just read from the connection."""
        now_ns = time.time_ns()
        packet = unpack_voice(data)
        if packet is None or packet.session != self._hears:
            return
        if self._recorder.take(Came(packet.sequence * FRAME_MS, now_ns, packet.opus)):
            self._received.note(packet.sequence, now_ns, len(packet.opus))

    def _watch_arrivals(self) -> None:
        if self._expected is None:
            return
        assert self._session
        if received := self._recorder.received(self._expected):
            self._line.say(received)
            self._expected = None
        elif self._peer not in self._session.users:
            raise ConnectionFailedError(f"{self._peer} left before all of its voice had come")

    def _leave(self) -> None:
        assert self._session
        self._keep_logs()
        self._line.say(left(self._recorder.play(), self._session.round_trips_ms))
        self._done = True

    def _keep_logs(self) -> None:
        if self._talking:
            self._sent.write(self._talking.sent_log)
            self._received.write(self._talking.received_log)


def main() -> None:
    """Serve the orders on standard input."""
    MumbleClient(Line(MUMBLE_CLIENT)).serve()


if __name__ == "__main__":
    main()
