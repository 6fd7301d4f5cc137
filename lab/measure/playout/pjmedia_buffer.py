"""pjmedia's jitter buffer, as pjsua phones have it: fixed, or following the bursts that come.

Written anew after reading pjproject 2.15.1 (`pjmedia/src/pjmedia/jbuf.c`). It counts in frames of
the codec, and knows no time: what matters is in which order frames are put and got. A burst is what
is put between two turns of getting; its length is how much the buffer wants to hold. What it holds
beyond that it leaves out, the sooner the more there is of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lab.wire.playout import PJSUA_OWN, Playout

MAX_BURST_MS = 1000
"""Longer bursts come of a player that stood still, and teach nothing about the network."""
INIT_CYCLES = 10
"""Changes between putting and getting before bursts are counted."""
MAX_MISORDER, MAX_DROPOUT = 100, 3000
"""Frames: what is older than the first one kept by less came too late; what is newer by more
begins anew."""
STABLE_LIMIT = 20
"""So many shorter bursts in a row before the buffer believes them."""
LEAST_DISCARD_GAP_MS = 200
DISCARD_MS_AT, DISCARD_MS_FROM = (2_000, 10_000), (1, 100)
"""How long it takes to leave out one frame too many: at short bursts and at long ones, frames."""
NO_FRAME = -9999
"""What comes before the first frame."""


class Got(Enum):
    """What a buffer gave."""

    FRAME = "frame"
    MISSING = "missing"
    """Frames after it are there: it was lost or is late, or stands for what was left out."""
    EMPTY = "empty"
    """Nothing is there: the buffer has run dry."""
    FILLING = "filling"
    """It waits until it holds enough again."""


@dataclass(frozen=True, slots=True)
class BufferSettings:
    """In frames, but for their length."""

    frame_ms: int
    capacity: int
    begin: int
    """How many must be there before the first is given."""
    least: int
    greatest: int
    discards: bool
    """Whether it leaves out what it holds beyond its need."""

    @classmethod
    def of(cls, playout: Playout, frame_ms: int, ptime_ms: int) -> BufferSettings:
        """As the lab's phones set pjmedia's buffer (`lab.agents.phone.pjsua2`)."""
        if playout == PJSUA_OWN:
            return cls.of_pjsua(frame_ms)
        least_ms = greatest_ms = playout.depth_ms
        if playout.adaptive:
            least_ms, greatest_ms = ptime_ms, playout.max_ms * 4 // 5
        return cls(
            frame_ms,
            -(-playout.max_ms // frame_ms),
            playout.depth_ms // frame_ms,
            max(1, least_ms // frame_ms),
            max(1, greatest_ms // frame_ms),
            playout.adaptive,
        )

    @classmethod
    def of_pjsua(cls, frame_ms: int) -> BufferSettings:
        """What pjsua takes where nobody sets anything: half a second, nothing to begin with."""
        capacity = PJSUA_OWN.max_ms // frame_ms
        return cls(frame_ms, capacity, 0, 1, max(1, capacity * 4 // 5), True)


class JitterBuffer:
    """One run of the buffer; frames go by their index in media time, in frames."""

    def __init__(self, settings: BufferSettings) -> None:
        self._set = settings
        self._there: dict[int, bool] = {}
        """Index → whether the frame is to be left out, of frames that came."""
        self._origin = NO_FRAME
        self._size = 0
        """From the first kept to the last, those between that did not come included."""
        self._left_out = 0
        self._prefetch = settings.begin
        self._filling = settings.begin > 0
        self._putting: bool | None = None
        self._processing = False
        self._cycles = 0
        self._level = self._effective = self._highest = self._stable = 0
        self._discard_from = 0
        self._discard_gap = 0
        self._max_burst = max(MAX_BURST_MS // settings.frame_ms, settings.capacity * 3 // 4)
        self._least_gap = LEAST_DISCARD_GAP_MS // settings.frame_ms
        self.empty = self.lost = self.discarded = 0
        """pjmedia's own counters."""

    @property
    def prefetch(self) -> int:
        """How many frames it fills up to, at present."""
        return self._prefetch

    @property
    def held(self) -> int:
        """How many frames it holds, gaps between them included."""
        return self._size - self._left_out

    @property
    def filling(self) -> bool:
        """Whether it waits until it holds enough."""
        return self._filling

    def put(self, index: int) -> bool:
        """A frame came; False where it is too late, or there already."""
        before = self.held
        stored = self._store(index)
        while stored is None:
            self.discarded += self._drop(index - self._origin - self._set.capacity + 1)
            stored = self._store(index)
        if not stored:
            self.discarded += 1
            return False
        if self._filling and self.held >= self._prefetch:
            self._filling = False
        self._level += max(1, self.held - before)
        self._turn(putting=True)
        return True

    def get(self) -> tuple[Got, int | None]:
        """What is played next, with its index where it has one."""
        index: int | None = None
        if self._filling:
            got = Got.FILLING
            self.empty += 1
        elif (taken := self._take()) is not None:
            got, index = taken
            self.lost += got is Got.MISSING
        else:
            got = Got.EMPTY
            self._filling = self._prefetch > 0
            self.empty += 1
        self._level += 1
        self._turn(putting=False)
        return got, index

    def _store(self, index: int) -> bool | None:
        """Whether the frame was kept; None where there is no room."""
        distance = index - self._origin
        if -MAX_MISORDER < distance < 0:
            return False
        if distance < 0 or distance > max(MAX_DROPOUT, self._set.capacity - 1):
            self._there.clear()
            self._size = self._left_out = 0
        if self._size == 0:
            self._origin, distance = index, 0
        if distance >= self._set.capacity:
            return None
        if index in self._there:
            return False
        self._there[index] = False
        self._size = max(self._size, distance + 1)
        return True

    def _drop(self, count: int) -> int:
        """Remove the oldest; how many there were."""
        count = min(count, self._size)
        for index in range(self._origin, self._origin + count):
            self._left_out -= self._there.pop(index, False)
        self._origin += count
        self._size -= count
        return count

    def _take(self) -> tuple[Got, int] | None:
        """The oldest; behind what is left out comes concealment, for a smooth joint."""
        skipped = False
        while self._there.get(self._origin, False):
            self._drop(1)
            skipped = True
        if not self._size:
            return None
        index = self._origin
        came = index in self._there
        self._drop(1)
        return (Got.FRAME if came and not skipped else Got.MISSING), index

    def _turn(self, *, putting: bool) -> None:
        """Learn from a burst that has ended, and leave out what is too much."""
        if self._putting is not putting:
            self._putting = putting
            if not self._processing:
                self._cycles += 1
                if self._cycles < INIT_CYCLES or putting:
                    self._level = 0
                    return
                self._processing = True
                self._level = min(self._level, self._max_burst)
            if not putting and self._level <= self._max_burst:
                self._learn()
            self._level = 0
        if self._processing and self._set.discards and self._putting:
            self._discard()

    def _learn(self) -> None:
        self._highest = max(self._highest, self._level)
        if self._level < self._effective:
            self._stable += 1
            if self._stable > STABLE_LIMIT:
                self._effective -= max(1, (self._effective - self._highest) // 3)
                self._aim()
                self._highest = self._stable = 0
        elif self._level > self._effective:
            self._effective = min(self._highest, self._set.capacity * 4 // 5)
            self._aim()
            self._stable = 0
        else:
            self._stable = 0

    def _aim(self) -> None:
        if self._set.begin:
            self._prefetch = min(max(self._effective, self._set.least), self._set.greatest)

    def _discard(self) -> None:
        """Progressive discard: the more is held beyond the bursts, the sooner one goes."""
        burst = max(self._effective, self._level)
        if self.held <= burst:
            self._discard_gap = 0
            return
        (short_ms, long_ms), (short, long) = DISCARD_MS_AT, DISCARD_MS_FROM
        within = min(max(burst, short), long) - short
        takes_ms = short_ms + (long_ms - short_ms) * within // (long - short)
        last = self._origin + self._size - 1
        if self._discard_gap == 0 or last < self._discard_from:
            self._discard_from = last
        gap = takes_ms // (self.held - burst) // self._set.frame_ms
        self._discard_gap = max(self._least_gap, gap)
        if last >= self._discard_from + self._discard_gap:
            index = max(self._discard_from + self._discard_gap, self._origin)
            self._left_out += not self._there.get(index, False)
            self._there[index] = True
            self._discard_from = index
