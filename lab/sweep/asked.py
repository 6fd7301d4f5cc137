"""What a point asks of a call: how it is made, and what its record tells of that."""

from __future__ import annotations

from typing import Any

from lab.calls.call import CallPlan
from lab.measure.record import CallRecord
from lab.sweep.point import Point, coordinates, dimensions_of


def call_plan(point: Point, **others: Any) -> CallPlan:
    """The call to make at a point; `others` are arguments of `CallPlan` that no point decides."""
    arguments: dict[str, Any] = {}
    for dimension in dimensions_of([point]):
        if dimension.plan is not None:
            arguments |= dimension.plan(point)
    return CallPlan(**arguments, **others)


def note_asked(record: CallRecord, point: Point) -> None:
    """Write into a record what was asked for, as far as the call has not noted it itself."""
    for coordinate in coordinates(dimensions_of([point])):
        value = point[coordinate]
        if coordinate.note is not None:
            coordinate.note(record, value)
        elif value is not None:
            record.asked[coordinate.name] = value
