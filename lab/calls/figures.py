"""What is told of a call that has ended."""

from __future__ import annotations

from typing import Literal, cast

from lab.events import CallEnded
from lab.measure.record import CallRecord

_OF_AN_END = (
    "pesq_mos",
    "window_mos_min",
    "window_mos_max",
    "windows",
    "owd_ms_p50",
    "jitter_mean",
    "loss_pct",
)
FIGURES = (
    *(f"{end}_{name}" for end in ("caller", "callee") for name in _OF_AN_END),
    "setup_ms",
    "rate_achieved_kbps",
    "pacing_ms_p99",
    "cpu_pct",
    "steal_pct",
)
"""The columns of the record that are told; the rest is in the store."""


def ended(record: CallRecord) -> CallEnded:
    """How the call of that record ended."""
    values = {name: getattr(record, name) for name in FIGURES}
    return CallEnded(
        call_id=record.call_id,
        status=cast(Literal["ok", "failed"], record.status),
        valid=record.valid,
        reason=record.reason,
        invalid_reasons=tuple(record.invalid_reasons),
        figures={name: float(value) for name, value in values.items() if value is not None},
    )
