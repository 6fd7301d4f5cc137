"""What methods and measuring points are called in reports, and which row of the paper is whose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.calls.methods import METHODS, every_measuring_point
from lab.report.paper import TABLE_1, BandwidthRow

LEVELS = {"ip": "IP", "eth": "Ethernet"}


@dataclass(frozen=True, slots=True)
class BandwidthColumn:
    """What records hold of one measuring point at one level."""

    point: str
    level: str
    where: str
    """For people."""

    @property
    def name(self) -> str:
        """Its name, without the direction."""
        return f"kbps_{self.point}_{self.level}"


def bandwidth_columns() -> Iterator[BandwidthColumn]:
    """Every point and level at which the calls of some method are counted, from the caller on."""
    for point in every_measuring_point():
        for level in point.levels:
            yield BandwidthColumn(point.name, level, f"{point.where}, {LEVELS[level]}")


def system_of(method: str) -> str:
    """What tables call a method; its own name where it is none of this lab."""
    return METHODS.named(method).system if method in METHODS else method


def row_name(method: str, others: str) -> str:
    """What a row of a table is called: the system, and what else its point differs by."""
    return ", ".join(filter(None, [system_of(method), others]))


def position_of(method: str) -> tuple[float, str]:
    """Where a method stands in tables; those that are none of this lab come last."""
    return (METHODS.named(method).position if method in METHODS else float("inf")), method


def paper_row(method: str) -> BandwidthRow | None:
    """The row of Table 1 for which a method stands; None where the paper has none."""
    system = system_of(method)
    return next((row for row in TABLE_1 if row.system == system), None)
