"""Codecs side by side: the spread of PESQ beside what the codec alone reaches, and bandwidth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lab.calls.methods import METHODS
from lab.measure.pesq_score import LONGEST_S
from lab.measure.record import CallRecord
from lab.measure.statistics import Counts, Interval, count_calls, share_interval
from lab.report.paper import GOOD_PESQ
from lab.report.selection import by_point, mean_of, valid_ones
from lab.report.systems import places
from lab.sweep.point import Point

LINEAR_PCM = "L16"
PERCENTILES = (0, 25, 50, 75, 100)
"""What a distribution is told by: least, quartiles, most."""


@dataclass(frozen=True, slots=True)
class CodecCalls:
    """The calls with one codec by one method over one link; figures are of the valid ones."""

    point: Point
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
        return [asdict(row) | {"percentiles": row.percentiles} for row in self.rows]


def codecs(points: Sequence[Point], calls: Sequence[CallRecord]) -> Codecs | None:
    """Compare the codecs of calls that met no other traffic; None where there is but one.

    A method that has one codec of its own (Mumble) stands beside the others. Calls that are too
    long for one PESQ are left to `lab.report.lengths`.
    """
    quiet = [
        point
        for point in points
        if point.load_kind == "none" and (point.duration_s or 0) <= LONGEST_S
    ]
    by_method: dict[str, set[str]] = {}
    for point in quiet:
        by_method.setdefault(point.method, set()).add(coding(point))
    if all(len(codings) < 2 for codings in by_method.values()):
        return None
    made = by_point(calls)
    rows = [_row(point, made[point.point_id]) for point in quiet if point.point_id in made]
    return Codecs(tuple(rows)) if rows else None


def coding(point: Point) -> str:
    """How voice is coded at a point, in words."""
    words = [point.codec]
    if point.bitrate_kbps is not None:
        words.append(f"{point.bitrate_kbps} kbit/s")
    if point.ptime_ms is not None:
        words.append(f"{point.ptime_ms} ms")
    return " ".join(words)


def encoder_kbps(point: Point) -> float | None:
    """What leaves the encoder; None for a codec whose rate nobody chose."""
    codec = METHODS.named(point.method).codec(point.codec)
    if codec.encoding == LINEAR_PCM:
        return 16 * codec.sample_rate_hz / 1000
    return point.bitrate_kbps or codec.bitrate_kbps


def _row(point: Point, calls: Sequence[CallRecord]) -> CodecCalls:
    valid = valid_ones(calls)
    end = point.hearer
    scores = [mos for call in valid if (mos := getattr(call, f"{end}_pesq_mos")) is not None]
    ceilings = [call.pesq_ceiling_mos for call in calls if call.pesq_ceiling_mos is not None]
    back = "_back" if end == "caller" else ""
    return CodecCalls(
        point=point,
        counts=count_calls([(call.status, call.valid) for call in calls]),
        ceiling_mos=ceilings[0] if ceilings else None,
        mos=tuple(sorted(scores)),
        mean_mos=mean_of(valid, f"{end}_pesq_mos"),
        good=share_interval(sum(mos > GOOD_PESQ for mos in scores), len(scores)),
        owd_ms_p50=mean_of(valid, f"{end}_owd_ms_p50"),
        loss_pct=mean_of(valid, f"{end}_loss_pct"),
        kbps={
            f"{place.point}_{place.level}": mean_of(valid, place.column + back)
            for place in places()
        },
    )
