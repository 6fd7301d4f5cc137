"""Which codec voice is coded with."""

from __future__ import annotations

from lab.calls.methods import METHODS
from lab.sweep.dimension import Coordinate, Dimension, Option, measured
from lab.sweep.point import Point
from lab.sweep.written import Key, one_of
from lab.wire.codecs import CODECS, Codec, codec_named

CODEC: Coordinate[str] = Coordinate("codec", default="PCMU", note=measured)


def codec_at(point: Point) -> Codec:
    """The codec of calls there: the method's own, where it has none of that name."""
    method = METHODS.named(point.method)
    return method.codec(method.carried(point[CODEC]))


def _check(point: Point) -> None:
    METHODS.named(point.method).codec(point[CODEC])


def _read(text: str) -> str:
    codec = codec_named(text)
    return codec.name if codec else text


DIMENSION = Dimension(
    name="codec",
    description="The codec both phones offer; a method that has none of that name uses its own.",
    position=20,
    turns=100,
    coordinates=(CODEC,),
    written=Key(*one_of(lambda: CODECS)),
    usual=CODEC.default,
    label=lambda point: point[CODEC],
    normalise=lambda point: point.but(codec=codec_at(point).name),
    check=_check,
    plan=lambda point: {"codec": point[CODEC]},
    option=Option(
        "The speech codec; Mumble has OPUS alone, the phones have all (default: PCMU).", read=_read
    ),
)
