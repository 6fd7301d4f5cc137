"""Labels on a map that shall not cover one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

ROUNDS = 600
HOMESICK = 0.02
"""How much of its way back a box goes in each round."""
DOT = 7.0
"""Half of what is kept free around a place."""


@dataclass(frozen=True, slots=True)
class Box:
    """A label: its middle and its size."""

    x: float
    y: float
    width: float
    height: float

    def overlap(self, other: Box) -> tuple[float, float]:
        """How far both reach into each other, along x and y; not positive where they do not."""
        return (
            (self.width + other.width) / 2 - abs(self.x - other.x),
            (self.height + other.height) / 2 - abs(self.y - other.y),
        )

    def moved(self, x: float, y: float) -> Box:
        """The same elsewhere."""
        return replace(self, x=self.x + x, y=self.y + y)

    def within(self, width: float, height: float) -> Box:
        """The same inside a drawing."""
        x = min(max(self.x, self.width / 2), width - self.width / 2)
        y = min(max(self.y, self.height / 2), height - self.height / 2)
        return replace(self, x=x, y=y)


def apart(
    boxes: Sequence[Box], dots: Sequence[tuple[float, float]], width: float, height: float
) -> tuple[Box, ...]:
    """The boxes inside a drawing, none over another or over a dot, each near where it was.

    As far as there is room: where there is none, they overlap.
    """
    home = [box.within(width, height) for box in boxes]
    now = list(home)
    fixed = [Box(x, y, 2 * DOT, 2 * DOT) for x, y in dots]
    for left in range(ROUNDS, 0, -1):
        # Towards the end nobody goes home any more, so that what is apart stays so.
        pull = HOMESICK if left > ROUNDS // 3 else 0.0
        now = [
            box.moved((was.x - box.x) * pull, (was.y - box.y) * pull)
            for box, was in zip(now, home, strict=True)
        ]
        pushed = _push_each_other(now)
        for i, box in enumerate(now):
            for dot in fixed:
                x, y = _out_of(now[i], dot)
                now[i] = now[i].moved(x, y)
                pushed = pushed or bool(x or y)
            now[i] = now[i].within(width, height)
            pushed = pushed or now[i] != box
        if not pushed and not pull:
            break
    return tuple(now)


def _push_each_other(now: list[Box]) -> bool:
    """Move every two that overlap half of it each; whether any did."""
    pushed = False
    for i in range(len(now)):
        for j in range(i + 1, len(now)):
            x, y = _out_of(now[i], now[j])
            if x or y:
                pushed = True
                now[i], now[j] = now[i].moved(x / 2, y / 2), now[j].moved(-x / 2, -y / 2)
    return pushed


def _out_of(box: Box, other: Box) -> tuple[float, float]:
    """The shortest way out of another box, a little more than needed; none where it is out."""
    over_x, over_y = box.overlap(other)
    if over_x <= 0 or over_y <= 0:
        return 0.0, 0.0
    if over_x < over_y:
        return (over_x + 0.1) * (1 if box.x >= other.x else -1), 0.0
    return 0.0, (over_y + 0.1) * (1 if box.y >= other.y else -1)
