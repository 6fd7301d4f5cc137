"""What the encoder is set to."""

from __future__ import annotations

from lab.calls.coding import choose_coding
from lab.sweep.dimension import Coordinate, Dimension, Option, measured
from lab.sweep.dimensions.codec import codec_at
from lab.sweep.dimensions.ptime import PTIME
from lab.sweep.point import Point
from lab.sweep.written import Key, or_word, text_like
from lab.topology.units import RATE_PATTERN, parse_rate_kbps
from lab.wire.shape import format_rate

USUAL = "usual"


def _in_words(rate_kbps: int | None) -> str | None:
    return None if rate_kbps is None else format_rate(rate_kbps)


BITRATE: Coordinate[int | None] = Coordinate("bitrate_kbps", None, words=_in_words, note=measured)


def _normalise(point: Point) -> Point:
    codec = codec_at(point)
    usual = codec.bitrates_kbps is None or point[BITRATE] == codec.bitrate_kbps
    return point.but(bitrate_kbps=None) if usual else point


def _check(point: Point) -> None:
    choose_coding(codec_at(point), point[PTIME], point[BITRATE])


DIMENSION = Dimension(
    name="bitrate",
    description="The bit rate of codecs that take one (OPUS: 6kbit to 256kbit), or usual; others: "
    "theirs.",
    position=30,
    turns=90,
    coordinates=(BITRATE,),
    written=Key(*or_word(USUAL, parse_rate_kbps, text_like(RATE_PATTERN))),
    usual=USUAL,
    label=lambda point: _in_words(point[BITRATE]),
    normalise=_normalise,
    check=_check,
    plan=lambda point: {"bitrate_kbps": point[BITRATE]},
    option=Option(
        "kbit/s of a codec that takes one: OPUS, 6 to 256.",
        read=lambda text: f"{text}kbit" if text.isdecimal() else text,
    ),
)
