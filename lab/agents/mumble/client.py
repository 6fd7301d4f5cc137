"""A headless Mumble client with one call in it: plays a clip, hears the other, logs every packet.

Orders and events are JSON lines:

`{"op": "join", …}`   connects, goes into the call's channel → `joined`
`{"op": "talk", …}`   plays the clip, repeated or cut → `playing`, then `played` with the number
                      of packets
`{"op": "expect", "packets": n}`  → `received`, when n packets have come or none comes any more
`{"op": "leave"}`     writes recordings and logs → `done`

Whatever goes wrong is `failed`, with `stage` and `reason`, and the program ends. Voice is paced
on a grid: no packet is ever skipped, what is late goes out at once. The logs, one line per
packet, hold Unix times in ns by the clock that all nodes share.
"""

from __future__ import annotations

import resource
import select
import sys
import time
from pathlib import Path
from typing import Any

from lab.agents.mumble.framing import Kind
from lab.agents.mumble.opus import OpusError, version
from lab.agents.mumble.recording import Recorder
from lab.agents.mumble.session import Account, RefusedError, Session
from lab.agents.mumble.socket import ConnectionFailedError, Proxy
from lab.agents.mumble.speaker import Speaker
from lab.agents.mumble.voice import VoiceError
from lab.wire.polled_lines import PolledLines

ORDER_POLL_S = 0.1
"""How long an order may lie before it is looked at; events of the call never wait for it."""
CERTIFICATE = Path("/run/lab/mumble")
"""The directory of this node's own certificate."""


class MumbleClient:
    """The state of one client; `serve` runs it to the end of its orders."""

    def __init__(self, lines: PolledLines) -> None:
        self._lines = lines
        self._session: Session | None = None
        self._speaker: Speaker | None = None
        self._recorder: Recorder | None = None
        self._expected: int | None = None
        self._quiet_s = 3.0
        self._peer: str | None = None
        self._done = False

    def serve(self) -> None:
        """Do what is ordered until `leave`, a failure, or the end of the orders."""
        stage = "orders"
        try:
            while not self._done:
                for order in self._lines.commands():
                    stage = order["op"]
                    self._obey(order)
                if self._lines.ended:
                    self._keep_logs()
                    return
                self._step()
        except (ConnectionFailedError, RefusedError, VoiceError, OpusError, OSError) as error:
            self._lines.emit("failed", stage=stage, reason=str(error))
            self._keep_logs()
        finally:
            if self._session:
                self._session.close()

    def _obey(self, order: dict[str, Any]) -> None:
        match order["op"]:
            case "join":
                self._join(order)
            case "talk":
                self._talk(order)
            case "expect":
                self._expected = order["packets"]
            case "leave":
                self._leave()

    def _join(self, order: dict[str, Any]) -> None:
        began = time.monotonic()
        deadline = began + order["deadline_s"]
        proxy = Proxy(**order["proxy"]) if order["proxy"] else None
        account = Account(
            order["address"],
            order["port"],
            order["fingerprint"],
            order["name"],
            proxy,
            certificate=CERTIFICATE,
        )
        self._recorder = Recorder()
        self._session = Session.open(account, deadline, self._recorder.note)
        synchronised = time.monotonic()
        self._peer = order["peer"]
        self._recorder.session = self._session.enter(
            order["channel"], order["peer"], order["creates"], deadline
        )
        self._lines.emit(
            "joined",
            setup_ms=(synchronised - began) * 1000,
            tls=self._session.secure.cipher,
            opus=version(),
        )

    def _talk(self, order: dict[str, Any]) -> None:
        assert self._session and self._recorder
        self._recorder.prepare(order)
        self._quiet_s = order["quiet_s"]
        self._speaker = Speaker(
            Path(order["clip"]), order["duration_s"], Path(order["sent_log"]), **order["opus"]
        )
        self._speaker.start()
        self._lines.emit("playing")

    def _step(self) -> None:
        """Send what is due and take what comes; waits no longer than the next packet may."""
        if self._session is None:
            select.select([sys.stdin], [], [], ORDER_POLL_S)
            return
        speaker, secure = self._speaker, self._session.secure
        wait_s = min(ORDER_POLL_S, speaker.wait_s() if speaker else ORDER_POLL_S)
        writers = [secure] if secure.wants_to_send else []
        readable, writable, _ = select.select([secure], writers, [], wait_s)
        if speaker:
            while (packet := speaker.due()) is not None:
                self._session.send(Kind.UDP_TUNNEL, packet)
            if speaker.just_finished():
                self._lines.emit("played", packets=speaker.sent)
        if writable:
            secure.flush()
        if readable:
            self._session.read()
        self._session.keep_alive()
        self._watch_arrivals()

    def _watch_arrivals(self) -> None:
        assert self._session and self._recorder
        if self._expected is None:
            return
        quiet = self._recorder.quiet_for_s() > self._quiet_s
        complete = self._recorder.packets >= self._expected
        if complete or quiet:
            self._lines.emit("received", packets=self._recorder.packets, complete=complete)
            self._expected = None
        elif self._peer not in self._session.users:
            raise ConnectionFailedError(f"{self._peer} left before all of its voice had come")

    def _leave(self) -> None:
        assert self._session and self._recorder
        self._keep_logs()
        playouts = self._recorder.play()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self._lines.emit(
            "done",
            playouts=playouts,
            round_trips_ms=self._session.round_trips_ms,
            cpu_s=usage.ru_utime + usage.ru_stime,
            max_rss_kib=usage.ru_maxrss,
        )
        self._done = True

    def _keep_logs(self) -> None:
        if self._speaker:
            self._speaker.write_log()
        if self._recorder:
            self._recorder.write_log()


def main() -> None:
    """Serve the orders on standard input."""
    MumbleClient(PolledLines()).serve()


if __name__ == "__main__":
    main()
