"""Export: the record's own column names, and null where nothing was measured."""

from __future__ import annotations

import csv
import io
import json

import pyarrow.parquet as pq
from simulated_calls import simulated

from lab.measure.record import COLUMNS, CallRecord
from lab.store.export import to_csv, to_parquet
from lab.sweep.plan import PlannedCall
from lab.sweep.point import Point


def calls() -> list[CallRecord]:
    found = [simulated(PlannedCall(Point("v-tor"), number, seed=number)) for number in range(1, 9)]
    found[0].versions = {"tor": "0.4.9"}
    found[0].invalid_reasons = ["a, b", 'said "no"']
    return found


def test_csv_has_a_line_per_call_under_the_records_names() -> None:
    records = calls()
    rows = list(csv.DictReader(io.StringIO(to_csv(records).decode())))
    assert tuple(rows[0]) == COLUMNS
    assert [row["call_id"] for row in rows] == [record.call_id for record in records]
    assert rows[0]["rtt_ms"] == ""
    assert rows[0]["valid"] in ("true", "false")
    assert json.loads(rows[0]["invalid_reasons"]) == ["a, b", 'said "no"']


def test_parquet_holds_the_same_with_types() -> None:
    records = calls()
    table = pq.read_table(io.BytesIO(to_parquet(records)))
    assert tuple(table.schema.names) == COLUMNS
    assert str(table.schema.field("rtt_ms").type) == "double"
    first = table.to_pylist()[0]
    assert first["rtt_ms"] is None
    assert first["versions"] == [("tor", "0.4.9")]
    assert first["callee_pesq_mos"] == records[0].callee_pesq_mos
    assert [row["valid"] for row in table.to_pylist()] == [record.valid for record in records]


def test_no_calls_still_make_a_table() -> None:
    assert pq.read_table(io.BytesIO(to_parquet([]))).num_columns == len(COLUMNS)
    assert to_csv([]).decode().strip().split(",") == list(COLUMNS)
