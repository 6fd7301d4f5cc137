"""The cap on the shared link."""

from __future__ import annotations

from lab.lazy import Lazy
from lab.sweep.dimension import Coordinate, Dimension, Option, column
from lab.sweep.written import Key, or_word, text_like
from lab.topology.units import RATE_PATTERN, parse_rate_kbps
from lab.wire.shape import format_rate

UNCAPPED = "uncapped"


def _in_words(rate_kbps: int | None) -> str:
    return UNCAPPED if rate_kbps is None else format_rate(rate_kbps)


RATE: Coordinate[int | None] = Coordinate(
    "rate_kbps", None, words=_in_words, note=column("link_rate_kbps")
)
"""At Ethernet level; None leaves the topology's own rates."""

DIMENSION = Dimension(
    name="rate",
    description="The cap on the shared link (10mbit), or uncapped: the topology's own rates.",
    position=80,
    turns=20,
    coordinates=(RATE,),
    written=Key(*or_word(UNCAPPED, parse_rate_kbps, text_like(RATE_PATTERN))),
    usual=UNCAPPED,
    label=lambda point: None if point[RATE] is None else _in_words(point[RATE]),
    around=Lazy("lab.sweep.conditions", "capped"),
    option=Option("Cap the shared link during the call, such as 10mbit."),
    choice="link",
    may_fit=True,
)
