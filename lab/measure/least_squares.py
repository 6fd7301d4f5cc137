"""Ordinary least squares with an interval for every coefficient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from lab.measure.capture import Floats
from lab.measure.statistics import Interval

_EXACT = 1e-12
"""Share of the values' squares below which residuals are rounding, and tell of no variance."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A linear model of some values."""

    coefficients: tuple[Interval, ...]
    """One per column. No estimate where the rows cannot tell a column from others; no interval
    where no degree of freedom is left, or nothing varies about the model."""
    residual_freedom: int
    """Degrees of freedom that the model leaves."""


def least_squares(matrix: Floats, values: Floats, level: float = 0.95) -> Fit:
    """Fit `values` (n) by the columns of `matrix` (n by k).

    Intervals are Student's t on the variance of the residuals, the same for all rows: what the
    model leaves out widens them.
    """
    rows, columns = matrix.shape
    nothing = Interval(None, None, None, rows, rows, level)
    if not rows:
        return Fit((nothing,) * columns, 0)
    solution, _, rank, _ = np.linalg.lstsq(matrix, values)
    inverse = np.linalg.pinv(matrix)
    known = np.abs(inverse @ matrix - np.eye(columns)).max(axis=1, initial=0.0) < 1e-8
    freedom = rows - int(rank)
    squares = float(((values - matrix @ solution) ** 2).sum())
    half: Floats | None = None
    if freedom > 0 and squares > _EXACT * float((values**2).sum()):
        spread = np.sqrt((inverse**2).sum(axis=1) * squares / freedom)
        half = float(stats.t.ppf(0.5 + level / 2, freedom)) * spread
    return Fit(
        tuple(
            nothing
            if not known[column]
            else Interval(
                float(solution[column]),
                None if half is None else float(solution[column] - half[column]),
                None if half is None else float(solution[column] + half[column]),
                rows,
                rows,
                level,
            )
            for column in range(columns)
        ),
        freedom,
    )
