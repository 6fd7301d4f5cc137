"""Whether the emulation held during a call; each limit with its reason."""

from __future__ import annotations

from lab.measure.record import CallRecord

MAX_PACING_P99_MS = 40.0
"""Two packets' time. On a quiet host pjsua2's 99th percentile is below 5 ms; a sender later
than its playout buffer is deep (200 ms) is heard as a gap that no network made."""

MAX_PACING_MS = 120.0
"""No packet may leave so late that more than half of the playout depth is used up before the
network has touched it."""

MAX_CAPTURE_DROPS = 0
"""Delay, loss and jitter are read from captures: a packet missing there looks lost."""

MAX_CPU_PCT = 95.0
"""Above it nodes wait for a processor, and that wait is no property of the network."""


MAX_SCHEDULING_P99_MS = 10.0
"""Half a packet's time: what wakes later than that adds jitter of its own to every packet."""

MAX_SCHEDULING_MS = 120.0
"""As for a sender's worst packet: the host itself must not use up the playout's depth."""

MAX_CLOCK_SHIFT_MS = 1.0
"""One-way delay is the difference of two readings of one clock, and one of a millisecond must
be worth something."""

MAX_NODE_CPU_PCT = 90.0
"""Tor, OpenVPN and the phones each do their work in one thread: near 100 % of one processor
that thread, and not the network, is what limits the call."""

MAX_STEAL_PCT = 20.0
"""The hypervisor took 5-20 % at times without a stall (docs/measured.md); more was seen with stalls
that a pacing check alone may miss when they hit a relay."""


def judge(record: CallRecord) -> None:
    """Set `valid` and complete the reasons against it; a failed call is never valid."""
    if record.status != "ok":
        record.valid = False
        return
    reasons = record.invalid_reasons
    _limit(reasons, "senders' pace, 99th percentile", record.pacing_ms_p99, MAX_PACING_P99_MS, "ms")
    _limit(reasons, "senders' pace, maximum", record.pacing_ms_max, MAX_PACING_MS, "ms")
    if record.load_pacing_ms_p99 is not None:
        _limit(
            reasons,
            "competing senders' pace, 99th percentile",
            record.load_pacing_ms_p99,
            MAX_PACING_P99_MS,
            "ms",
        )
    _limit(reasons, "packets dropped by captures", record.capture_drops, MAX_CAPTURE_DROPS, "")
    _limit(reasons, "the host's CPU", record.cpu_pct, MAX_CPU_PCT, "%")
    _limit(reasons, "time stolen from the host", record.steal_pct, MAX_STEAL_PCT, "%")
    _limit(
        reasons,
        "scheduling delay, 99th percentile",
        record.scheduling_ms_p99,
        MAX_SCHEDULING_P99_MS,
        "ms",
    )
    _limit(reasons, "scheduling delay, maximum", record.scheduling_ms_max, MAX_SCHEDULING_MS, "ms")
    _limit(reasons, "shift of the clock", record.clock_shift_ms, MAX_CLOCK_SHIFT_MS, "ms")
    _limit(
        reasons,
        f"the CPU of node {record.busiest_node}",
        record.busiest_node_cpu_pct,
        MAX_NODE_CPU_PCT,
        "%",
    )
    record.valid = not reasons


def _limit(reasons: list[str], what: str, value: float | None, limit: float, unit: str) -> None:
    if value is None:
        reasons.append(f"{what} was not measured")
    elif value > limit:
        reasons.append(f"{what} {value:.4g} {unit} > {limit:g} {unit}".replace("  ", " ").rstrip())
