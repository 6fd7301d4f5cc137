"""The links that take time during a call: what was asked of their delay lines, and done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from lab.measure.call.watches import DelayWatch
from lab.measure.record import CallRecord
from lab.wire.links import DelayCounts

MAX_LATE_P99_MS = 1.0
"""As for the clock: a millisecond of delay must be worth something."""
LEAST_PACKETS = 100
"""Of fewer packets the 99th percentile is the latest one."""


@dataclass(frozen=True, slots=True)
class DelaysDone:
    """What a delay line did with the packets of one direction during a call."""

    sent: int
    lost: int
    refused: int
    late_ms_p50: float | None
    """How long after their time packets were sent on; None where none was."""
    late_ms_p99: float | None
    late_ms_max: float | None

    def __str__(self) -> str:
        said = f"{self.sent} packets sent on"
        if self.late_ms_p50 is not None:
            late = (self.late_ms_p50, self.late_ms_p99, self.late_ms_max)
            said += " {:.2f} ms late (median; p99 {:.2f}, at most {:.2f})".format(*late)
        said += f", {self.lost} lost" if self.lost else ""
        return said + (f", {self.refused} refused" if self.refused else "")


def note_delays(record: CallRecord, watches: Sequence[DelayWatch]) -> None:
    """Write the links on the way that take time into the record; the worst one has columns."""
    if not watches:
        return
    done = {watch.point: _done(watch) for watch in watches}
    for watch in watches:
        told = done[watch.point] or "its delay line was gone afterwards"
        record.delays[watch.point] = f"asked: {watch.shape}; done: {told}"
        record.invalid_reasons += delay_faults(watch)
    known = [item for item in done.values() if item is not None]
    record.delay_refused = sum(item.refused for item in known) if known else None
    busy = [item for item in known if item.sent >= LEAST_PACKETS]
    if busy:
        worst = max(busy, key=lambda item: item.late_ms_p99 or 0.0)
        record.delay_late_ms_p50 = worst.late_ms_p50
        record.delay_late_ms_p99 = worst.late_ms_p99
        record.delay_late_ms_max = max(item.late_ms_max or 0.0 for item in busy)


def delay_faults(watch: DelayWatch) -> list[str]:
    """Why the link did not take the time that was asked for, whatever became of its delay line."""
    line, done = f"the delay line of {watch.machine}", _done(watch)
    if watch.after is None:
        return [f"{line} did not answer after the call, which {watch.point} needed"]
    if done is None:
        return [f"{line} was started anew during the call, which {watch.point} needed"]
    faults = []
    if watch.shape_after is not None and watch.shape_after != watch.shape:
        faults.append(
            f"the shape of {watch.point} changed during the call, "
            f"from {watch.shape} to {watch.shape_after}"
        )
    if done.refused:
        faults.append(f"{line} refused {done.refused} packets at {watch.point}")
    late_ms = done.late_ms_p99
    if done.sent >= LEAST_PACKETS and late_ms is not None and late_ms > MAX_LATE_P99_MS:
        faults.append(
            f"{line} was late at {watch.point}, 99th percentile {late_ms:.4g} ms "
            f"> {MAX_LATE_P99_MS:g} ms"
        )
    return faults


def _done(watch: DelayWatch) -> DelaysDone | None:
    """From one reading to the next; None where the later one does not follow from the earlier."""
    before, after = watch.before, watch.after
    if after is None or _went_back(before, after):
        return None
    late = Counter({int(step): count for step, count in after.late.items()})
    late.subtract({int(step): count for step, count in before.late.items()})
    late = +late
    latest_us = _latest_us(before, after, late)
    return DelaysDone(
        sent=after.sent - before.sent,
        lost=after.lost - before.lost,
        refused=after.refused - before.refused,
        late_ms_p50=_late_ms(late, 0.50, after.bin_us, latest_us),
        late_ms_p99=_late_ms(late, 0.99, after.bin_us, latest_us),
        late_ms_max=latest_us / 1000 if late else None,
    )


def _went_back(before: DelayCounts, after: DelayCounts) -> bool:
    counts = ((c.sent, c.lost, c.refused, c.late_max_us) for c in (before, after))
    return any(old > new for old, new in zip(*counts, strict=True))


def _latest_us(before: DelayCounts, after: DelayCounts, late: Counter[int]) -> int:
    """Of the packets of this call: known, or as late as the end of their step."""
    if after.late_max_us > before.late_max_us:
        return after.late_max_us
    return min((max(late, default=-1) + 1) * after.bin_us, after.late_max_us)


def _late_ms(late: Counter[int], share: float, bin_us: int, latest_us: int) -> float | None:
    """A quantile, rounded up to the end of its step; what was later than all steps, the latest."""
    steps = sorted(late)
    total = late.total()
    for step, so_far in zip(steps, accumulate(late[step] for step in steps), strict=True):
        if so_far >= share * total:
            last = step == steps[-1]
            return (latest_us if last else (step + 1) * bin_us) / 1000
    return None
