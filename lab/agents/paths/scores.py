"""How late frames come by each path: out of order, by when others overtook them.

After DONAR (Bromberg, Dufour, Frey, Rivière: "Donar: Anonymous VoIP over Tor", NSDI 2022, and the
program that its authors published), which needs no clock that both ends share: a frame that was
overtaken is late by the time from the first frame that overtook it until it comes. A path's score
is the mean of that over the frames of the last two seconds, those that came in order counting 0;
what the other end says of the same path is averaged with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from lab.agents.paths.frames import NO_PATH, UNKNOWN

WINDOW_S = 2.0
"""Frames that came before do not count (DONAR's default)."""
MOST_MS = 32767
"""The largest score that a frame has room for."""


class Lateness:
    """The frames that come from the other end, and by which path each did, or should have."""

    def __init__(self, paths: int) -> None:
        self._paths = paths
        self._highest = 0
        self._came: deque[tuple[float, int, float]] = deque()
        """When, by which path, how late in ms."""
        self._overtaken: dict[int, tuple[float, int]] = {}
        """Number → when it was overtaken, and by which path it should come."""

    def note(self, number: int, path: int, history: Sequence[int], now_s: float) -> bool:
        """A frame came; whether it is the newest so far, whose word on scores is the latest."""
        newest = number > self._highest
        if newest:
            missing = zip(range(number - 1, self._highest, -1), history, strict=False)
            for before, by in missing:
                if by != NO_PATH:
                    self._overtaken.setdefault(before, (now_s, by))
            self._highest = number
        since, _ = self._overtaken.pop(number, (now_s, path))
        self._came.append((now_s, path, (now_s - since) * 1000))
        return newest

    def forget(self, path: int) -> None:
        """The path has ended: nothing is awaited from it any more."""
        self._overtaken = {n: each for n, each in self._overtaken.items() if each[1] != path}

    def scores(self, now_s: float) -> tuple[int, ...]:
        """Of every path, ms; `UNKNOWN` where no frame of the window came by it, or should have."""
        while self._came and self._came[0][0] < now_s - WINDOW_S:
            self._came.popleft()
        late_ms: list[list[float]] = [[] for _ in range(self._paths)]
        for _, path, ms in self._came:
            late_ms[path].append(ms)
        for since, path in self._overtaken.values():
            late_ms[path].append((now_s - since) * 1000)
        return tuple(
            min(MOST_MS, round(sum(each) / len(each))) if each else UNKNOWN for each in late_ms
        )


def joined(own: Sequence[int], others: Sequence[int]) -> tuple[int, ...]:
    """Both ends' scores of the same paths: the mean, or the one that is known."""
    return tuple(
        max(mine, theirs) if UNKNOWN in (mine, theirs) else (mine + theirs) // 2
        for mine, theirs in zip(own, others, strict=True)
    )
