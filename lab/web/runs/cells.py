"""Runs and points in cells of tables."""

from __future__ import annotations

from typing import Any

from lab.measure.statistics import Counts
from lab.report.good_calls import share_text
from lab.report.pages import interval_text
from lab.web.runs.progress import COMPLETE, INTERRUPTED, UNDER_WAY, PointRow, RunRow, when

TONES = {UNDER_WAY: "lab-accent", INTERRUPTED: "lab-warn", COMPLETE: "lab-good"}
SIGNS = {UNDER_WAY: "▶", INTERRUPTED: "‖", COMPLETE: "✓"}


def run_cells(row: RunRow) -> dict[str, Any]:
    """A run of the list."""
    made = f", {row.share_made:.0%}" if row.state != COMPLETE else ""
    return {
        "run": row.run_id,
        "experiment": experiment_of(row),
        "started": when(row.started_at),
        "points": row.points,
        **_counts(row.counts),
        "wanted": row.still_wanted,
        "lab": row.lab,
        "state": f"{SIGNS[row.state]} {row.state}{made}",
        "tone": TONES[row.state],
        "interrupted": row.state == INTERRUPTED,
    }


def experiment_of(row: RunRow) -> str:
    """What is run: `table1 (quick)`."""
    return f"{row.experiment} (quick)" if row.quick else row.experiment


def point_cells(row: PointRow) -> dict[str, Any]:
    """A point of a run; `-` is what was not measured."""
    return {
        "id": row.point.point_id,
        "point": row.name,
        **_counts(row.counts),
        "wanted": row.still_wanted,
        "scored": row.scored,
        "mos": interval_text(row.mos, 2),
        "delay": interval_text(row.delay_ms, 1),
        "jitter": interval_text(row.jitter_ms, 1),
        "good": share_text(row.good),
    }


def _counts(counts: Counts) -> dict[str, int]:
    return {"valid": counts.valid, "invalid": counts.invalid, "failed": counts.failed}
