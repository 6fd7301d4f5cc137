"""What designed experiments are judged by: figures of one call, of its worse end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lab.ends import EACH_END
from lab.measure.differences import paired_interval, paired_share_interval
from lab.measure.good_call import GOOD_DELAY_MS, GOOD_MOS
from lab.measure.record import CallRecord
from lab.measure.statistics import Interval, mean_interval
from lab.report.good_calls import has_good_pesq, is_good, per_cent, share_of


@dataclass(frozen=True, slots=True)
class Response:
    """One figure of a call."""

    name: str
    """In data."""
    title: str
    """In tables, with the unit."""
    word: str
    """In sentences."""
    unit: str
    """In sentences; empty where there is none."""
    digits: int
    of: Callable[[CallRecord], float | None]
    """None where it was not measured. Of a share: 0 or 100."""
    share: bool = False
    """Whether it is 100 for a call that is so, and 0 for one that is not."""

    def values(self, calls: Iterable[CallRecord]) -> list[float]:
        """Of the calls of which it is known."""
        return [value for call in calls if (value := self.of(call)) is not None]

    def mean(self, calls: Iterable[CallRecord]) -> Interval:
        """Over calls; of a share with Wilson's interval, in per cent."""
        values = self.values(calls)
        if not self.share:
            return mean_interval(values)
        return per_cent(share_of(value > 0 for value in values))

    def difference(self, pairs: Iterable[tuple[CallRecord, CallRecord]]) -> Interval:
        """Of the first of each pair to the second; of a share Agresti and Min's, in points."""
        known = [
            (one, other)
            for call, partner in pairs
            if (one := self.of(call)) is not None and (other := self.of(partner)) is not None
        ]
        ones, others = [one for one, _ in known], [other for _, other in known]
        if not self.share:
            return paired_interval(ones, others)
        good, before = ([value > 0 for value in values] for values in (ones, others))
        return per_cent(paired_share_interval(good, before))


def _at_both(column: str, worse: Callable[[list[float]], float]) -> Callable[..., float | None]:
    def of(call: CallRecord) -> float | None:
        values = [getattr(call, f"{end}_{column}") for end in EACH_END]
        return None if any(value is None for value in values) else worse(values)

    return of


def _access_kbps(call: CallRecord) -> float | None:
    out, back = call.kbps_access_eth, call.kbps_access_eth_back
    return None if out is None or back is None else (out + back) / 2


def _in_per_cent(good: bool | None) -> float | None:
    return None if good is None else 100.0 * good


PESQ = Response("pesq_mos", "PESQ, worse end", "PESQ", "", 2, _at_both("pesq_mos", min))
CALLER_PESQ = Response(
    "caller_pesq_mos", "PESQ, caller", "PESQ at the caller", "", 2, lambda c: c.caller_pesq_mos
)
CALLEE_PESQ = Response(
    "callee_pesq_mos", "PESQ, callee", "PESQ at the callee", "", 2, lambda c: c.callee_pesq_mos
)
DELAY = Response("owd_ms_p50", "one-way delay, ms", "delay", "ms", 0, _at_both("owd_ms_p50", max))
JITTER = Response("jitter_mean", "jitter, ms", "jitter", "ms", 1, _at_both("jitter_mean", max))
ACCESS = Response(
    "kbps_access", "kbit/s on the caller's link", "bandwidth", "kbit/s", 0, _access_kbps
)
GOOD = Response(
    "good",
    f"good, %: PESQ > {GOOD_MOS:g}, delay < {GOOD_DELAY_MS:g} ms",
    "good calls",
    "points",
    0,
    lambda call: _in_per_cent(is_good(call, EACH_END)),
    share=True,
)
GOOD_PESQ = Response(
    "good_pesq",
    f"PESQ > {GOOD_MOS:g} alone, %",
    f"calls with PESQ > {GOOD_MOS:g}",
    "points",
    0,
    lambda call: _in_per_cent(has_good_pesq(call, EACH_END)),
    share=True,
)


def size_text(interval: Interval, response: Response) -> str:
    """A difference in a sentence: `-38 ms (-52 to -24)`."""
    if interval.estimate is None:
        return "-"
    text = " ".join(filter(None, [f"{interval.estimate:+.{response.digits}f}", response.unit]))
    return text if interval.low is None else f"{text} ({range_text(interval, response.digits)})"


def range_text(interval: Interval, digits: int) -> str:
    """The ends of an interval of a difference."""
    if interval.low is None or interval.high is None:
        return "no interval"
    return f"{interval.low:+.{digits}f} to {interval.high:+.{digits}f}"
