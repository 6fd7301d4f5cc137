"""When a measured figure is said to agree with one of the paper: one rule for every report."""

from __future__ import annotations

from enum import StrEnum

from lab.measure.statistics import Interval
from lab.report.paper import Figure

TOLERANCE = 0.05
"""Chosen before any result: the paper prints two or three digits without an interval, and
names the speech it played only roughly."""

RULE = (
    f"Rule: a figure agrees where the paper's value lies within the 95 % confidence interval of "
    f"the mean here, or at most {TOLERANCE:.0%} from that mean; a range of the paper where the "
    f"mean here lies in it; a bound (> or <) where the mean here keeps it."
)


class Agreement(StrEnum):
    """What is said of a figure beside the paper's."""

    AGREES = "agrees"
    DIFFERS = "differs"
    UNKNOWN = "not measured"


def compare(paper: Figure, ours: Interval) -> Agreement:
    """Apply `RULE`."""
    mean = ours.estimate
    if mean is None:
        return Agreement.UNKNOWN
    match paper.kind:
        case "above":
            agrees = mean > paper.value
        case "below":
            agrees = mean < paper.value
        case "range":
            agrees = abs(mean - paper.value) <= paper.reach
        case "about":
            inside = (
                ours.low is not None
                and ours.high is not None
                and ours.low <= paper.value <= ours.high
            )
            agrees = inside or abs(mean - paper.value) <= TOLERANCE * paper.value
    return Agreement.AGREES if agrees else Agreement.DIFFERS
