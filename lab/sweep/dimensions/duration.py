"""How long a call lasts."""

from __future__ import annotations

from lab.sweep.dimension import Coordinate, Dimension, Option, measured
from lab.sweep.written import Key, or_word, text_like
from lab.topology.units import DURATION_PATTERN, format_duration, parse_call_s

ONCE = "once"


def _in_words(duration_s: int | None) -> str | None:
    return None if duration_s is None else format_duration(duration_s)


DURATION: Coordinate[int | None] = Coordinate("duration_s", None, words=_in_words, note=measured)

DIMENSION = Dimension(
    name="duration",
    description="How long both ends talk (30s, 2m, 4m): the clip is repeated, or cut; once: its "
    "own length.",
    position=50,
    turns=60,
    coordinates=(DURATION,),
    written=Key(*or_word(ONCE, parse_call_s, text_like(DURATION_PATTERN))),
    usual=ONCE,
    label=lambda point: _in_words(point[DURATION]),
    plan=lambda point: {"duration_s": point[DURATION]},
    option=Option("How long both ends talk, such as 4m; default: the clip once."),
)
