"""Which combinations of a grid an experiment calls at: one function per design.

To add a design is to write its function here: schema, checks and plan know it by `DESIGNS`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod
from typing import TYPE_CHECKING, Any

from lab.lazy import Lazy
from lab.sweep.grid import MAX_POINTS, Axis, Grid, Row, every_row
from lab.sweep.point import Point
from lab.sweep.written import JsonSchema
from lab.topology.mistakes import Mistake, Path, did_you_mean, quoted

if TYPE_CHECKING:
    from lab.sweep.two_level import Levels

Rows = Callable[[Sequence[int], int], Iterator[Row]]
"""How many values each axis has, and the experiment's seed → the rows."""


@dataclass(frozen=True, slots=True)
class Design:
    """A way to take points from a grid."""

    name: str
    explanation: str
    rows: Rows
    most_factors: int | None = None
    """Of a design whose axes have two values, or one that stays: how many may have two."""
    counted: bool = False
    """Whether it is written with a number of points: `{sample: 40}`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A design as an experiment asks for it."""

    design: Design
    count: int | None = None
    """Points wanted, of a design that is counted."""


FULL, ONE_AT_A_TIME = "full", "one-at-a-time"
SCREENING, FOLDED, INTERACTIONS = "screening", "folded", "interactions"
DESIGNS: dict[str, Design] = {}
_PLACKETT_BURMAN: Lazy[Callable[[int], Levels]] = Lazy("lab.sweep.two_level", "plackett_burman")
_FOLDED: Lazy[Callable[[int], Levels]] = Lazy("lab.sweep.two_level", "folded")
_FRACTION: Lazy[Callable[[int], Levels]] = Lazy("lab.sweep.two_level", "fraction")


def _design(name: str, explanation: str, **traits: Any) -> Callable[[Rows], Rows]:
    """Register the function under a name."""

    def register(rows: Rows) -> Rows:
        DESIGNS[name] = Design(name, explanation, rows, **traits)
        return rows

    return register


@_design(FULL, "every combination")
def _full(sizes: Sequence[int], _seed: int) -> Iterator[Row]:
    return every_row(sizes)


@_design(ONE_AT_A_TIME, "the first value of every key, and each other value by itself")
def _one_at_a_time(sizes: Sequence[int], _seed: int) -> Iterator[Row]:
    first = (0,) * len(sizes)
    yield first
    for axis, size in enumerate(sizes):
        for index in range(1, size):
            yield (*first[:axis], index, *first[axis + 1 :])


@_design(
    SCREENING,
    "two values of each key, the fewest points that tell their main effects apart "
    "(Plackett-Burman)",
    most_factors=511,
)
def _screening(sizes: Sequence[int], _seed: int) -> Iterator[Row]:
    return _two_level(sizes, _PLACKETT_BURMAN.load())


@_design(
    FOLDED,
    "two values of each key, a screening and its mirror image, in which no interaction of any two "
    "keys is mixed into a main effect",
    most_factors=511,
)
def _folded(sizes: Sequence[int], _seed: int) -> Iterator[Row]:
    return _two_level(sizes, _FOLDED.load())


@_design(
    INTERACTIONS,
    "two values of each key, the fewest points that also tell the interactions of any two keys "
    "apart (a fraction of resolution V or more)",
    most_factors=11,
)
def _interactions(sizes: Sequence[int], _seed: int) -> Iterator[Row]:
    return _two_level(sizes, _FRACTION.load())


@_design("sample", "so many points drawn at random, by the seed", counted=True)
def _sample(sizes: Sequence[int], seed: int) -> Iterator[Row]:
    """Every combination in random order, of which only what is drawn is made (Fisher-Yates)."""
    chance = random.Random(f"sample {seed}")  # noqa: S311 - a choice of points, no secret
    moved: dict[int, int] = {}
    for left in range(prod(sizes), 0, -1):
        place = chance.randrange(left)
        number = moved.get(place, place)
        moved[place] = moved.pop(left - 1, left - 1)
        yield _row(number, sizes)


TWO_LEVEL = tuple(each.name for each in DESIGNS.values() if each.most_factors is not None)
"""Those that compare two values of each key: of their points effects are told."""


def _row(number: int, sizes: Sequence[int]) -> Row:
    indices = []
    for size in reversed(sizes):
        number, index = divmod(number, size)
        indices.append(index)
    return tuple(reversed(indices))


def _two_level(sizes: Sequence[int], levels: Callable[[int], Levels]) -> Iterator[Row]:
    factors = [axis for axis, size in enumerate(sizes) if size > 1]
    for chosen in levels(len(factors)).tolist():
        row = [0] * len(sizes)
        for axis, level in zip(factors, chosen, strict=True):
            row[axis] = level
        yield tuple(row)


def choice_of(written: object) -> Choice:
    """What is written as a design; ValueError as the end of a sentence about it."""
    plain = [each.name for each in DESIGNS.values() if not each.counted]
    counted = [each.name for each in DESIGNS.values() if each.counted]
    if isinstance(written, str) and written in plain:
        return Choice(DESIGNS[written])
    if isinstance(written, dict) and len(written) == 1:
        ((name, count),) = written.items()
        if name in counted:
            if type(count) is not int or not 1 <= count <= MAX_POINTS:
                raise ValueError(f"needs a number of points for {name}, from 1 to {MAX_POINTS}")
            return Choice(DESIGNS[name], count)
    known = [*plain, *(f"{{{name}: N}}" for name in counted)]
    meant = did_you_mean(written, DESIGNS) if isinstance(written, str) else ""
    raise ValueError(f"is not one of {', '.join(known)}{meant}")


def design_schema() -> JsonSchema:
    """The schema of what may be written as a design."""
    return {
        "anyOf": [
            {
                "const": each.name,
                "description": f"{each.explanation}.",
            }
            if not each.counted
            else {
                "type": "object",
                "description": f"{each.explanation}.",
                "properties": {each.name: {"type": "integer", "minimum": 1, "maximum": MAX_POINTS}},
                "required": [each.name],
                "additionalProperties": False,
            }
            for each in DESIGNS.values()
        ]
    }


def designed_points(
    choice: Choice, axes: Sequence[Axis], seed: int, path: Path
) -> tuple[tuple[Point, ...], list[Mistake]]:
    """The points of the design that `path` of the file asks for, each once, and what is wrong."""
    grid = Grid(axes)
    if choice.design.most_factors is not None:
        mistakes = _mistakes_of_sizes(choice.design, grid, path)
        return ((), mistakes) if mistakes else _two_level_points(choice.design, grid, seed)
    rows = choice.design.rows(grid.sizes, seed)
    if choice.count is None:
        return tuple(dict.fromkeys(map(grid.point, rows))), []
    return _counted_points(choice.count, grid, rows, path)


def _counted_points(
    count: int, grid: Grid, rows: Iterator[Row], path: Path
) -> tuple[tuple[Point, ...], list[Mistake]]:
    """The first `count` that differ, or all; combinations that mean the same are one."""
    points: dict[Point, None] = {}
    at_most = 1000 + 20 * count
    for row in islice(rows, at_most):
        points[grid.point(row)] = None
        if len(points) == count:
            break
    mistakes = []
    if len(points) < count and prod(grid.sizes) > at_most:
        what = (
            f"finds only {len(points)} points that differ in {at_most} draws of "
            f"{prod(grid.sizes)} combinations; leave out of the grid what has no effect"
        )
        mistakes.append(Mistake(path, what))
    return tuple(points), mistakes


def _mistakes_of_sizes(design: Design, grid: Grid, path: Path) -> list[Mistake]:
    """Keys with more values than two; too many keys with two, or none."""
    mistakes = [
        Mistake(axis.path, f"has {size} values; design {design.name} compares two of each key")
        for axis, size in zip(grid.axes, grid.sizes, strict=True)
        if size > 2
    ]
    factors = sum(size == 2 for size in grid.sizes)
    if not mistakes and not factors:
        mistakes.append(Mistake(path, f"{quoted(design.name)} needs a key with two values"))
    if design.most_factors is not None and factors > design.most_factors:
        what = (
            f"{quoted(design.name)} takes at most {design.most_factors} keys with two values, and "
            f"the grid has {factors}"
        )
        mistakes.append(Mistake(path, what))
    return mistakes


def _two_level_points(
    design: Design, grid: Grid, seed: int
) -> tuple[tuple[Point, ...], list[Mistake]]:
    """One point per row; it is a mistake where a key has no effect, for then rows tell less than
    the design promises."""
    points: dict[Point, Row] = {}
    mistakes: dict[Path, Mistake] = {}
    for row in design.rows(grid.sizes, seed):
        point = grid.point(row)
        same = [
            number
            for number, size in enumerate(grid.sizes)
            if size == 2
            and grid.point((*row[:number], 1 - row[number], *row[number + 1 :])) == point
        ]
        if not same and point in points:
            other = points[point]
            same = [number for number, index in enumerate(row) if index != other[number]]
        points.setdefault(point, row)
        for number in same:
            axis = grid.axes[number]
            what = (
                f"makes no difference at {point.point_id}, so that design {design.name} could not "
                "tell what it does; take it out of the grid, or what is without it"
            )
            mistakes.setdefault(axis.path, Mistake(axis.path, what))
    return tuple(points), list(mistakes.values())
