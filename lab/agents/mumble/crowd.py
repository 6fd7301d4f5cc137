"""Many Mumble clients in one process: all talk all the time, and what each hears is counted.

One loop serves every connection and sends every packet when it is due. The clients share the
packets of one clip, encoded once, each from another place in it, and their grids lie evenly
spread over a packet's time: as of many callers, no two of whom began together.
"""

from __future__ import annotations

import heapq
import selectors
import time
import wave
from collections import deque
from pathlib import Path

from lab.agents.mumble.framing import Kind
from lab.agents.mumble.session import RefusedError, Session
from lab.agents.mumble.voice import FRAME_MS, VoiceError, pack_voice, unpack_voice
from lab.agents.net.connection import ConnectionFailedError
from lab.agents.voice.opus import OpusEncoder, OpusError
from lab.wire.load import Lateness
from lab.wire.voice_client import OpusSettings

FAILURES = (ConnectionFailedError, RefusedError, VoiceError, OpusError, OSError)
"""What ends one client, and none of the others."""
IDLE_S = 0.02
"""How soon a client that has just come in is noticed where nobody talks yet."""
KEEP_ALIVE_PACKETS = 25
"""After so many packets sent, it is seen whether the server is to be pinged."""
_GOLDEN = (5**0.5 - 1) / 2
"""Multiples of it, modulo 1, lie evenly however many there are."""


def encode_clip(clip: Path, opus: OpusSettings) -> list[bytes]:
    """The Opus packets of a 16-bit mono WAV, without what is left over at its end."""
    with wave.open(str(clip)) as wav:
        rate_hz, pcm = wav.getframerate(), wav.readframes(wav.getnframes())
    length = 2 * rate_hz * opus.ptime_ms // 1000
    encoder = OpusEncoder(rate_hz, opus.bitrate_bps, opus.vbr)
    packets = [
        encoder.encode(pcm[start : start + length])
        for start in range(0, len(pcm) - length + 1, length)
    ]
    encoder.close()
    return packets


class Member:
    """One client of the crowd, from its place in the channel to its end."""

    def __init__(self, number: int, session: Session, peer: str) -> None:
        self.number = number
        self.session = session
        self.peer = peer
        self.heard_bytes = 0
        """Opus that came from the peer."""
        self.heard_at: float | None = None
        """When voice came last, by time.monotonic(); None before there was any."""
        self.failure: str | None = None
        """Why it ended; None while it talks."""
        self.sent = 0
        session.on_voice = self._hear

    def _hear(self, data: bytes) -> None:
        packet = unpack_voice(data)
        if packet is not None:
            self.heard_bytes += len(packet.opus)
            self.heard_at = time.monotonic()


class LatenessCounter:
    """How late packets left, in steps of a millisecond, since it was taken last."""

    STEPS = 10_000

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}

    def note(self, late_s: float) -> None:
        """Count one packet."""
        step = min(int(late_s * 1000), self.STEPS)
        self._counts[step] = self._counts.get(step, 0) + 1

    def take(self) -> Lateness:
        """What was counted; then it begins anew."""
        counts, self._counts = self._counts, {}
        wanted, seen = 0.99 * sum(counts.values()), 0
        for step in sorted(counts):
            seen += counts[step]
            if seen >= wanted:
                return Lateness(float(step + 1), float(max(counts) + 1))
        return Lateness(None, None)


class Crowd:
    """Serves its members; `run` is for a thread of its own."""

    def __init__(self, packets: list[bytes], ptime_ms: int) -> None:
        self.lateness = LatenessCounter()
        self.sent_bytes = 0
        """Opus that all members have sent."""
        self._packets = packets
        self._ptime_ms = ptime_ms
        self._arriving: deque[Member] = deque()
        self._due: list[tuple[float, int, Member]] = []
        self._selector = selectors.DefaultSelector()
        self._stopped = False

    def add(self, member: Member) -> None:
        """Let one more talk; from any thread."""
        self._arriving.append(member)

    def stop(self) -> None:
        """Let `run` return."""
        self._stopped = True

    def run(self) -> None:
        """Send what is due, take what comes."""
        while not self._stopped:
            while self._arriving:
                self._begin(self._arriving.popleft())
            wait_s = IDLE_S
            if self._due:
                wait_s = min(wait_s, max(0.0, self._due[0][0] - time.monotonic()))
            for key, events in self._selector.select(wait_s):
                self._serve(key.data, events)
            self._send_what_is_due()

    def _begin(self, member: Member) -> None:
        self._selector.register(member.session.secure, selectors.EVENT_READ, member)
        period_s = self._ptime_ms / 1000
        # On a grid that all members share, each shifted by its own share of it.
        shift_s = member.number * _GOLDEN % 1 * period_s
        first = (time.monotonic() // period_s + 1) * period_s + shift_s
        heapq.heappush(self._due, (first, member.number, member))

    def _serve(self, member: Member, events: int) -> None:
        if member.failure is not None:
            return
        try:
            if events & selectors.EVENT_WRITE:
                member.session.secure.flush()
                self._watch(member)
            if events & selectors.EVENT_READ:
                member.session.read()
                if member.peer not in member.session.users:
                    raise ConnectionFailedError(f"{member.peer} left")
        except FAILURES as error:
            self._end(member, str(error))

    def _send_what_is_due(self) -> None:
        while self._due and self._due[0][0] <= (now := time.monotonic()):
            due, number, member = self._due[0]
            if member.failure is not None:
                heapq.heappop(self._due)
                continue
            self.lateness.note(now - due)
            self._send(member)
            # None is left out: what could not go in time goes late.
            heapq.heapreplace(self._due, (due + self._ptime_ms / 1000, number, member))

    def _send(self, member: Member) -> None:
        count = len(self._packets)
        opus = self._packets[(member.sent + int(member.number * _GOLDEN * count)) % count]
        sequence = member.sent * self._ptime_ms // FRAME_MS
        try:
            member.session.send(Kind.UDP_TUNNEL, pack_voice(sequence, opus, last=False))
            if member.sent % KEEP_ALIVE_PACKETS == 0:
                member.session.keep_alive()
            self._watch(member)
        except FAILURES as error:
            self._end(member, str(error))
            return
        member.sent += 1
        self.sent_bytes += len(opus)

    def _watch(self, member: Member) -> None:
        """Wait for room in the socket as long as something waits for it."""
        secure = member.session.secure
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if secure.wants_to_send else 0)
        if self._selector.get_key(secure).events != wanted:
            self._selector.modify(secure, wanted, member)

    def _end(self, member: Member, reason: str) -> None:
        self._selector.unregister(member.session.secure)
        member.failure = reason
        member.session.close()
