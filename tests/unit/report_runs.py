"""Runs of simulated calls, and what a report says of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from simulated_calls import simulated

from lab.measure.record import CallRecord
from lab.report.build import build_report
from lab.report.pages import Report, print_report
from lab.store.database import Run
from lab.sweep.experiment import Experiment
from lab.sweep.plan import PlannedCall, make_plan
from lab.sweep.point import Point

LINK = Point(
    "v-tor",
    direction="to-caller",
    rate_kbps=10_000,
    placement="server",
    queue_packets=200,
)


def against(count: int) -> Point:
    return LINK.but(load_kind="wget", load_count=count, load_through="tor").normalised()


def call(point: Point, number: int = 1, mos: float = 4.39, **columns: object) -> CallRecord:
    record = simulated(PlannedCall(point, number, seed=number))
    record.status, record.valid, record.reason, record.invalid_reasons = "ok", True, None, []
    record.caller_pesq_mos = record.callee_pesq_mos = mos
    for name, value in columns.items():
        assert hasattr(record, name)
        setattr(record, name, value)
    return record


def report_on(
    points: Sequence[Point],
    calls: Sequence[CallRecord],
    paper_table: int | None,
    fit: tuple[str, ...] = (),
    precision_mos: float | None = None,
) -> Report:
    experiment = Experiment(
        "test", "", paper_table, Path(), 1, 2, 4, tuple(points), False, "", fit, precision_mos
    )
    run = Run(
        run_id="test-1",
        experiment="test",
        started_at="2026-01-01T00:00:00+00:00",
        seed=1,
        definition="",
        plan=make_plan(experiment).to_json(),
        topology="",
        lab="paper",
        paper_table=paper_table,
        ended_at="2026-01-01T01:00:00+00:00",
    )
    return build_report(run, calls)


def text_of(report: Report) -> str:
    file = io.StringIO()
    print_report(report, Console(width=200, file=file))
    return file.getvalue()


MOS = {0: 4.39, 40: 4.38, 74: 4.3, 80: 3.4, 86: 1.8, 95: 1.1}


def contention_calls(mos_by_count: dict[int, float]) -> list[CallRecord]:
    return [
        call(
            against(count),
            number,
            mos=mos,
            kbps_exit_eth=999.0,
            kbps_exit_eth_back=118.0,
            caller_owd_ms_p50=5.0 * (count + 1),
            caller_owd_ms_p95=9.0 * (count + 1),
            caller_loss_pct=0.0,
            load_goodput_kbps_mean=None if count == 0 else 9000 / count,
        )
        for count, mos in mos_by_count.items()
        for number in (1, 2)
    ]
