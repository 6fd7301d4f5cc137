"""The queue at the cap."""

from __future__ import annotations

from lab.errors import UsageError
from lab.sweep.dimension import Coordinate, Dimension, Option, column
from lab.sweep.dimensions.rate import RATE
from lab.sweep.point import Point
from lab.sweep.written import Key, whole_number


def _in_words(packets: int | None) -> str | None:
    return None if packets is None else f"queue of {packets}"


QUEUE: Coordinate[int | None] = Coordinate(
    "queue_packets", None, words=_in_words, note=column("queue_packets")
)
"""Its length in packets; None where there is no cap, or where it is to drop nothing."""


def _label(point: Point) -> str | None:
    return None if point[QUEUE] is None else f"q{point[QUEUE]}"


def _check(point: Point) -> None:
    if point[QUEUE] is not None and point[RATE] is None:
        raise UsageError("--queue needs --rate", "Only a capped link has a queue.")


DIMENSION = Dimension(
    name="queue",
    description="Length of the queue at the cap, packets.",
    position=100,
    turns=40,
    coordinates=(QUEUE,),
    written=Key(*whole_number(1, 100_000)),
    usual=200,
    label=_label,
    normalise=lambda point: point.but(queue_packets=None) if point[RATE] is None else point,
    check=_check,
    option=Option(
        "Length of the queue there, packets.",
        read=lambda text: int(text) if text.isdecimal() else text,
    ),
    may_fit=True,
)
