"""Calls that nobody made: records with an outcome that depends on the planned call alone."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from lab.events import Began, Listener
from lab.measure.record import COLUMNS, CallRecord
from lab.sweep.asked import call_plan
from lab.sweep.dimensions.codec import CODEC
from lab.sweep.plan import PlannedCall


def simulated(planned: PlannedCall, run_id: str = "run") -> CallRecord:
    """A record as good, invalid or failed as the call's own seed has it: 70, 20 and 10 %."""
    chance = random.Random(planned.seed)
    outcome = chance.choices(["valid", "invalid", "failed"], [70, 20, 10])[0]
    record = CallRecord(
        call_id=f"{planned.point.point_id}-{planned.number}",
        started_at="2026-01-01T00:00:00.000+00:00",
        method=planned.point.method,
        codec=planned.point[CODEC],
        lab="simulated",
        topology="none",
        pbx="none",
        seed=planned.seed,
        run_id=run_id,
        status="failed" if outcome == "failed" else "ok",
        valid=outcome == "valid",
        reason="the dice say so" if outcome == "failed" else None,
        invalid_reasons=["the dice say so"] if outcome == "invalid" else [],
    )
    if outcome != "failed":
        record.callee_pesq_mos = record.caller_pesq_mos = chance.uniform(1.0, 4.5)
    for name, value in call_plan(planned.point, planned.number).columns.items():
        if name in COLUMNS:
            setattr(record, name, value)
        else:
            assert value is not None
            record.asked[name] = value
    return record


@dataclass(slots=True)
class SimulatedCalls:
    """An executor that remembers what it was asked for."""

    run_id: str = "run"
    asked: list[PlannedCall] = field(default_factory=list)

    def execute(self, planned: PlannedCall, tell: Listener) -> CallRecord:
        """Make up one call."""
        tell(Began("calling"))
        self.asked.append(planned)
        return simulated(planned, self.run_id)
