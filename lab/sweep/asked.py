"""What a point asks of a call: how it is made, and what its record tells of that."""

from __future__ import annotations

from typing import Any

from lab.measure.call.notes import CallPlan
from lab.sweep.point import Point, coordinates, dimensions_of
from lab.sweep.written import Scalar


def call_plan(point: Point, number: int | None = None, **others: Any) -> CallPlan:
    """The call to make at a point; `others` are arguments of `CallPlan` that no point decides.

    `number` counts the calls that a run makes there.
    """
    columns = asked_columns(point)
    if number is not None:
        columns |= {"point_id": point.point_id, "point_call": number}
    arguments: dict[str, Any] = {"columns": columns}
    for dimension in dimensions_of([point]):
        if dimension.plan is not None:
            arguments |= dimension.plan(point)
    return CallPlan(**arguments, **others)


def asked_columns(point: Point) -> dict[str, Scalar]:
    """What the record of a call made at a point tells of that, by column."""
    columns: dict[str, Scalar] = {}
    for coordinate in coordinates(dimensions_of([point])):
        value = point[coordinate]
        columns |= {coordinate.name: value} if coordinate.note is None else coordinate.note(value)
    return {name: value for name, value in columns.items() if value is not None}
