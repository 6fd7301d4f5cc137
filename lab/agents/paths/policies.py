"""Which packet goes over which paths, as published.

`duplicate` is what TorFone does: every packet over every circuit ("use of duplicate circuits
significantly reduces speech latency", its README; github.com/gegel/torfone). It repeats nothing
else.

`alternate` and `fast-slow` are the two schedules of DONAR (Bromberg, Dufour, Frey, Rivière: "Donar:
Anonymous VoIP over Tor", NSDI 2022; parameters as its authors' program has them by default). Paths
are ranked by how late they bring frames (`lab.agents.paths.scores`). A quarter of them, at least
one, are fast, as many of the next best are slow, and the rest rests; once in 2 s the worst in use
changes places with the one that has rested longest, so that all are known. Of a class the path goes
next that was used longest ago. `alternate` sends one packet over a fast path and the next over a
slow one; `fast-slow` ("double send") sends every packet over one of each. Both repeat earlier
packets in what a cell has left, and with that `alternate`, too, sends every packet over both.

Differences from DONAR: its paths are onion services, opened anew when they break; a path here that
has ended stays so. Where a class has no path left, the other carries its packets; DONAR drops them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Protocol

from lab.agents.paths.frames import UNKNOWN, Layout
from lab.agents.paths.scores import WINDOW_S
from lab.wire.paths import Policy

FAST_SHARE = 4
"""One path in so many is fast (DONAR's default)."""
HISTORY_SHARE = 2
"""A frame names the paths of half as many frames before it as there are paths (DONAR's default)."""
_UNKNOWN_RANK = 1 << 16
"""Behind every path of which something is known."""


class Schedule(Protocol):
    """Chooses paths, counted from 0, for one packet after the other."""

    repeats: bool
    """Whether frames repeat earlier packets."""

    def choose(self, alive: Sequence[int], scores: Sequence[int], now_s: float) -> tuple[int, ...]:
        """The paths, of those that live, over which the next packet goes; () where none does."""


class Duplicate:
    """Every packet over every path."""

    repeats = False

    def choose(self, alive: Sequence[int], scores: Sequence[int], now_s: float) -> tuple[int, ...]:
        """See `Schedule`."""
        return tuple(alive)


class FastAndSlow:
    """Every packet over a fast path and a slow one, or, alternating, over one of them."""

    repeats = True

    def __init__(self, paths: int, *, alternating: bool) -> None:
        self._fast = max(1, paths // FAST_SHARE)
        self._alternating = alternating
        self._turn = 0
        self._uses = count(1)
        self._last_use = [0] * paths
        self._in_use: set[int] = set()
        self._changed_s: float | None = None

    def choose(self, alive: Sequence[int], scores: Sequence[int], now_s: float) -> tuple[int, ...]:
        """See `Schedule`."""
        if not alive:
            return ()
        ranked = sorted(alive, key=lambda path: (_rank(scores[path]), path))
        self._keep_in_use(ranked)
        self._change(ranked, scores, now_s)
        used = [path for path in ranked if path in self._in_use]
        fast = used[: (len(used) + 1) // 2]
        slow = used[len(fast) :] or fast
        classes = [fast, slow]
        if self._alternating:
            classes = [classes[self._turn]]
            self._turn = 1 - self._turn
        chosen = dict.fromkeys(self._next_of(paths) for paths in classes)
        return tuple(chosen)

    def _keep_in_use(self, ranked: Sequence[int]) -> None:
        """As many as there should be: the best of those that rest come in, the worst go out."""
        self._in_use &= set(ranked)
        wanted = min(2 * self._fast, len(ranked))
        for path in ranked:
            if len(self._in_use) < wanted:
                self._in_use.add(path)

    def _change(self, ranked: Sequence[int], scores: Sequence[int], now_s: float) -> None:
        """Once in the window the worst in use changes places with the one that rested longest."""
        if self._changed_s is None:
            self._changed_s = now_s
        resting = [path for path in ranked if path not in self._in_use]
        if not resting or now_s - self._changed_s < WINDOW_S:
            return
        worst = max(self._in_use, key=lambda path: (_rank(scores[path]), path))
        self._in_use.remove(worst)
        self._in_use.add(min(resting, key=lambda path: self._last_use[path]))
        self._changed_s = now_s

    def _next_of(self, paths: Sequence[int]) -> int:
        path = min(paths, key=lambda each: self._last_use[each])
        self._last_use[path] = next(self._uses)
        return path


def _rank(score: int) -> int:
    return _UNKNOWN_RANK if score == UNKNOWN else score


def schedule_of(policy: Policy, paths: int) -> Schedule:
    """The schedule of a policy for so many paths."""
    if policy is Policy.DUPLICATE:
        return Duplicate()
    return FastAndSlow(paths, alternating=policy is Policy.ALTERNATE)


def layout_of(policy: Policy, paths: int) -> Layout:
    """What frames say of paths: nothing where nobody ranks them."""
    if policy is Policy.DUPLICATE:
        return Layout()
    return Layout(history=max(1, paths // HISTORY_SHARE), scores=paths)
