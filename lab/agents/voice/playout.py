"""When each received voice packet is heard: the playout buffer, worked out from arrival times.

A buffer that plays in real time decides from nothing but when packets came, so the same decisions
are made here after the call, undisturbed by the host. Every `ptime_ms` one packet is played,
concealed, or, before the first one, nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from lab.wire.playout import Playout

WINDOW_PACKETS = 500
"""How much of the past the adaptive buffer looks at: 10 s of packets."""
COVERED_SHARE = 0.98
"""Share of recent packets that the adaptive depth would have had in time."""
SHRINK_EVERY_TICKS = 10
"""The adaptive buffer leaves out one packet in ten at most, which is hardly heard."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A packet that came."""

    at_ms: float
    index: int
    """Counts packets, not frames."""


@dataclass(frozen=True, slots=True)
class PlayedOut:
    """What is heard, one entry per tick, beginning with the arrival of the first packet."""

    heard: tuple[int | None, ...]
    """The packet that is played, or None: concealment, or silence before the first packet."""
    concealed: int
    """Ticks at which nothing was there to be played, the first filling apart."""
    skipped: int
    """Packets that came and were left out."""
    delay_ms_mean: float
    """How long a packet that was played had waited since it came, on average."""
    delay_ms_max: float


def play_out(arrivals: Sequence[Arrival], playout: Playout, ptime_ms: float) -> PlayedOut:
    """Play what came, in the order of the packets' numbers; `arrivals` are in order of time."""
    return _Player(playout, ptime_ms).run(arrivals)


class _Player:
    """One run of a buffer."""

    def __init__(self, playout: Playout, ptime_ms: float) -> None:
        self._playout = playout
        self._ptime_ms = ptime_ms
        self._waiting: dict[int, float] = {}
        """Packets that came and have not been played, with their time of arrival."""
        self._lateness: deque[float] = deque(maxlen=WINDOW_PACKETS)
        self._target_ms: float = playout.depth_ms
        self._next = 0
        self._skipped = 0
        self._since_shrunk = 0

    def run(self, arrivals: Sequence[Arrival]) -> PlayedOut:
        """Tick until everything that came has been heard."""
        heard: list[int | None] = []
        waits: list[float] = []
        concealed, filling, started, come = 0, True, False, 0
        now_ms = arrivals[0].at_ms if arrivals else 0.0
        self._next = min((arrival.index for arrival in arrivals), default=0)
        while come < len(arrivals) or self._waiting:
            while come < len(arrivals) and arrivals[come].at_ms <= now_ms:
                self._take(arrivals[come], arrivals[0])
                come += 1
            self._shorten()
            filling = filling and come < len(arrivals) and self._held_ms < self._target_ms
            packet = None
            if not filling:
                if self._next in self._waiting:
                    packet, started = self._next, True
                    waits.append(now_ms - self._waiting.pop(packet))
                    self._next += 1
                elif self._waiting:
                    self._next += 1
                else:
                    filling = True
            concealed += packet is None and started
            heard.append(packet)
            now_ms += self._ptime_ms
        mean_ms = sum(waits) / len(waits) if waits else 0.0
        return PlayedOut(tuple(heard), concealed, self._skipped, mean_ms, max(waits, default=0.0))

    @property
    def _held_ms(self) -> float:
        return len(self._waiting) * self._ptime_ms

    def _take(self, arrival: Arrival, first: Arrival) -> None:
        if arrival.index < self._next:
            self._skipped += 1
            return
        self._waiting[arrival.index] = arrival.at_ms
        if self._playout.adaptive:
            media_ms = (arrival.index - first.index) * self._ptime_ms
            self._lateness.append(arrival.at_ms - first.at_ms - media_ms)
            ordered = sorted(self._lateness)
            late_ms = ordered[int(COVERED_SHARE * (len(ordered) - 1))] - ordered[0]
            self._target_ms = min(self._playout.max_ms, late_ms + 2 * self._ptime_ms)

    def _shorten(self) -> None:
        """Leave out what makes the buffer longer than it may, or needs to, be."""
        while self._held_ms > self._playout.max_ms:
            self._leave_out()
        self._since_shrunk += 1
        spare_ms = self._held_ms - self._target_ms - 2 * self._ptime_ms
        if self._playout.adaptive and spare_ms > 0 and self._since_shrunk >= SHRINK_EVERY_TICKS:
            self._leave_out()
            self._since_shrunk = 0

    def _leave_out(self) -> None:
        oldest = min(self._waiting)
        del self._waiting[oldest]
        self._next = oldest + 1
        self._skipped += 1
