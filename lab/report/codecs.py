"""Codecs side by side: the spread of PESQ beside what the codec alone reaches, and bandwidth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lab.measure.good_call import GOOD_MOS
from lab.measure.pesq_score import LONGEST_S
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls, share_interval
from lab.report.naming import in_words, told_apart
from lab.report.selection import by_point, mean_of, valid_ones
from lab.report.systems import bandwidth_columns
from lab.sweep.dimension import Coordinate
from lab.sweep.dimensions.bitrate import BITRATE
from lab.sweep.dimensions.codec import CODEC, codec_at
from lab.sweep.dimensions.direction import hearer
from lab.sweep.dimensions.duration import DURATION
from lab.sweep.dimensions.load import LOAD_KIND, NONE
from lab.sweep.dimensions.method import METHOD
from lab.sweep.dimensions.ptime import PTIME
from lab.sweep.dimensions.rate import RATE
from lab.sweep.point import Point

LINEAR_PCM = "L16"
CODING: tuple[Coordinate[Any], ...] = (CODEC, BITRATE, PTIME)
"""What `coding` tells of a point."""
PERCENTILES = (0, 25, 50, 75, 100)
"""What a distribution is told by: least, quartiles, most."""


@dataclass(frozen=True, slots=True)
class CodecCalls:
    """The calls with one codec by one method over one link; figures are of the valid ones."""

    point: Point
    link: str
    """In words, with whatever else distinguishes its point from others of the same codec."""
    counts: Counts
    ceiling_mos: float | None
    """MOS-LQO of the clip through the codec alone."""
    mos: tuple[float, ...]
    """Of every call, at the scored end, ascending."""
    mean_mos: Interval
    good: Interval
    """Share of calls with PESQ above 3."""
    owd_ms_p50: Interval
    loss_pct: Interval
    kbps: dict[str, Interval]
    """By measuring point and level (`exit_eth`), in the direction of the scored voice."""

    @property
    def percentiles(self) -> tuple[float, ...] | None:
        """`PERCENTILES` of `mos`; None without a valid call."""
        if not self.mos:
            return None
        return tuple(float(value) for value in np.percentile(self.mos, PERCENTILES))


@dataclass(frozen=True, slots=True)
class Codecs:
    """Every codec, method and link of a run, in the order of its points."""

    rows: tuple[CodecCalls, ...]

    def to_dict(self) -> list[dict[str, Any]]:
        """Plain values."""
        return [
            asdict(row) | {"point": row.point.to_dict(), "percentiles": row.percentiles}
            for row in self.rows
        ]


def codecs(points: Sequence[Point], calls: Sequence[CallRecord]) -> Codecs | None:
    """Compare the codecs of calls that met no other traffic; None where there is but one.

    A method that has one codec of its own (Mumble) stands beside the others. Calls that are too
    long for one PESQ are left to `lab.report.lengths`.
    """
    quiet = [
        point
        for point in points
        if point[LOAD_KIND] == NONE and (point[DURATION] or 0) <= LONGEST_S
    ]
    by_method: dict[str, set[str]] = {}
    for point in quiet:
        by_method.setdefault(point.method, set()).add(coding(point))
    if all(len(codings) < 2 for codings in by_method.values()):
        return None
    made = by_point(calls)
    others = told_apart(quiet, (METHOD, *CODING, RATE))
    rows = [
        _row(point, ", ".join(filter(None, [in_words(point, [RATE]), name])), made[point.point_id])
        for point, name in zip(quiet, others, strict=True)
        if point.point_id in made
    ]
    return Codecs(tuple(rows)) if rows else None


def coding(point: Point) -> str:
    """How voice is coded at a point, in words."""
    words = [point[CODEC]]
    if point[BITRATE] is not None:
        words.append(f"{point[BITRATE]} kbit/s")
    if point[PTIME] is not None:
        words.append(f"{point[PTIME]} ms")
    return " ".join(words)


def encoder_kbps(point: Point) -> float | None:
    """What leaves the encoder; None for a codec whose rate nobody chose."""
    codec = codec_at(point)
    if codec.encoding == LINEAR_PCM:
        return 16 * codec.sample_rate_hz / 1000
    return point[BITRATE] or codec.bitrate_kbps


def _row(point: Point, link: str, calls: Sequence[CallRecord]) -> CodecCalls:
    valid = valid_ones(calls)
    end = hearer(point)
    scores = [mos for call in valid if (mos := getattr(call, f"{end}_pesq_mos")) is not None]
    ceilings = [call.pesq_ceiling_mos for call in calls if call.pesq_ceiling_mos is not None]
    back = "_back" if end == "caller" else ""
    return CodecCalls(
        point=point,
        link=link,
        counts=count_calls(calls),
        ceiling_mos=ceilings[0] if ceilings else None,
        mos=tuple(sorted(scores)),
        mean_mos=mean_of(valid, f"{end}_pesq_mos"),
        good=share_interval(sum(mos > GOOD_MOS for mos in scores), len(scores)),
        owd_ms_p50=mean_of(valid, f"{end}_owd_ms_p50"),
        loss_pct=mean_of(valid, f"{end}_loss_pct"),
        kbps={
            f"{column.point}_{column.level}": mean_of(valid, column.name + back)
            for column in bandwidth_columns()
        },
    )
