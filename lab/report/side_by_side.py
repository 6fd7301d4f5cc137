"""Curves of several methods against the same traffic as one table: V-Tor beside M-Tor."""

from __future__ import annotations

from collections.abc import Sequence

from lab.report.contention import Curve, Step
from lab.report.naming import told_apart, without
from lab.report.pages import Table, interval_text, mean_text
from lab.sweep.dimensions import DIMENSIONS
from lab.sweep.point import Point

_NOT_TRIED = ("-", "-", "-")


def side_by_side(curves: Sequence[Curve]) -> list[Table]:
    """A table for every set of curves that differ in method, and in nothing that was chosen."""
    by_method = DIMENSIONS.named("method")
    # A method may have a codec of its own, which it does not choose.
    told = (*by_method.coordinates, *by_method.brings)
    names = told_apart([curve.point for curve in curves], told)
    sets: dict[Point, list[int]] = {}
    for position, curve in enumerate(curves):
        sets.setdefault(without(curve.point, told), []).append(position)
    return [
        _table([curves[position] for position in found], names[found[0]])
        for found in sets.values()
        if len({curves[position].point.method for position in found}) == len(found) > 1
    ]


def _table(curves: Sequence[Curve], name: str) -> Table:
    """`name` is what distinguishes these curves from all others."""
    counts = sorted({step.count for curve in curves for step in curve.steps})
    rows = [
        (str(count), *[cell for curve in curves for cell in _cells(curve, count)])
        for count in counts
    ]
    methods = [curve.point.method for curve in curves]
    columns = [
        f"{method}: {figure}" for method in methods for figure in ("MOS-LQO", "delay ms", "valid")
    ]
    title = ", ".join(filter(None, [" beside ".join(methods), name]))
    return Table(title, ("streams", *columns), tuple(rows), 0)


def _cells(curve: Curve, count: int) -> tuple[str, ...]:
    step: Step | None = next((step for step in curve.steps if step.count == count), None)
    if step is None:
        return _NOT_TRIED
    return (
        interval_text(step.mos, 2),
        mean_text(step.owd_ms_p50, 0),
        str(step.counts.valid),
    )
