"""A call as the lists and figures of a run show it: some columns of its record."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.verdict import Judged


@dataclass(frozen=True, slots=True)
class MadeCall(Judged):
    """The columns; see `lab.measure.record.CallRecord`."""

    call_id: str
    started_at: str
    method: str
    codec: str
    point_id: str | None
    point_call: int | None
    status: str
    reason: str | None
    valid: bool
    caller_pesq_mos: float | None
    callee_pesq_mos: float | None
    caller_owd_ms_p50: float | None
    callee_owd_ms_p50: float | None
    caller_jitter_mean: float | None
    callee_jitter_mean: float | None
    caller_loss_pct: float | None
    callee_loss_pct: float | None
    invalid_reasons: list[str] = field(default_factory=list)
