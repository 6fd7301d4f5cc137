"""Calls as CSV or Parquet, with the column names of the record."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lab.measure.record import COLUMNS, CallRecord

_TYPES = {"str": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
_NESTED = {
    "list[str]": pa.list_(pa.string()),
    "dict[str, str]": pa.map_(pa.string(), pa.string()),
    "dict[str, float]": pa.map_(pa.string(), pa.float64()),
}


def to_csv(calls: Sequence[CallRecord]) -> bytes:
    """One line per call, UTF-8; what was not measured is empty, lists and mappings are JSON."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for call in calls:
        writer.writerow(_csv_cell(value) for value in call.to_dict().values())
    return text.getvalue().encode()


def _csv_cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else value


def to_parquet(calls: Sequence[CallRecord]) -> bytes:
    """One row per call; what was not measured is null, even where no call measured it."""
    rows = [call.to_dict() for call in calls]
    schema = pa.schema([pa.field(item.name, _arrow_type(str(item.type))) for item in _FIELDS])
    table = pa.table(
        {
            item.name: pa.array([_arrow_value(row[item.name]) for row in rows], field.type)
            for item, field in zip(_FIELDS, schema, strict=True)
        },
        schema=schema,
    )
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def _arrow_type(annotation: str) -> pa.DataType:
    plain = annotation.removesuffix(" | None")
    return _NESTED[plain] if plain in _NESTED else _TYPES[plain]


def _arrow_value(value: Any) -> Any:
    return list(value.items()) if isinstance(value, dict) else value


_FIELDS = fields(CallRecord)

FORMATS: Mapping[str, Callable[[Sequence[CallRecord]], bytes]] = {
    "csv": to_csv,
    "parquet": to_parquet,
}
"""Every format, by the name it has on the command line."""
