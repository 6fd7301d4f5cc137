"""Calls as CSV or Parquet, with the column names of the record."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab.measure.record import CallRecord
from lab.store.columns import Column, column_of_values
from lab.store.database import CALL_COLUMNS


def to_csv(calls: Sequence[CallRecord]) -> bytes:
    """One line per call, UTF-8; what was not measured is empty, lists and mappings are JSON."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    columns = _columns(calls)
    writer.writerow(column.name for column in columns)
    for row in (call.to_dict() for call in calls):
        writer.writerow(_cell(row, column, column.kind.to_csv) for column in columns)
    return text.getvalue().encode()


def to_parquet(calls: Sequence[CallRecord]) -> bytes:
    """One row per call; what was not measured is null, even where no call measured it."""
    # CSV, and the help of `lab export`, need no pyarrow.
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    columns = _columns(calls)
    rows = [call.to_dict() for call in calls]
    schema = pa.schema([pa.field(column.name, column.kind.arrow(pa)) for column in columns])
    table = pa.table(
        [
            pa.array([_cell(row, column, column.kind.to_arrow) for row in rows], field.type)
            for column, field in zip(columns, schema, strict=True)
        ],
        schema=schema,
    )
    file = io.BytesIO()
    parquet.write_table(table, file)
    return file.getvalue()


def _columns(calls: Sequence[CallRecord]) -> tuple[Column, ...]:
    """Those that every record has, and what was asked for in any of these calls."""
    asked = dict.fromkeys(name for call in calls for name in call.asked)
    others = [column_of_values(name, [call.asked.get(name) for call in calls]) for name in asked]
    return (*CALL_COLUMNS.values(), *others)


def _cell(row: Mapping[str, Any], column: Column, convert: Callable[[Any], Any]) -> Any:
    value = row.get(column.name)
    return None if value is None else convert(value)


FORMATS: Mapping[str, Callable[[Sequence[CallRecord]], bytes]] = {
    "csv": to_csv,
    "parquet": to_parquet,
}
"""Every format, by the name it has on the command line."""
