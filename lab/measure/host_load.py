"""How busy the host and its nodes were during a call, from two readings of their counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_IDLE, _IOWAIT, _STEAL, _GUEST = 3, 4, 7, 8


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """The counters of all processors together since boot, in ticks."""

    total: int
    idle: int
    steal: int


@dataclass(frozen=True, slots=True)
class HostLoad:
    """Shares of the host's processor time between two readings."""

    cpu_pct: float
    """In use, kernel included. Niced processes count: across control groups, and every node is
    one, a nice value does not make them give way."""
    steal_pct: float
    """Taken by the hypervisor while this host wanted to run."""


def cpu_times(text: str) -> CpuTimes:
    """Parse the `cpu` line of /proc/stat (proc(5)); guest time is part of user time there."""
    ticks = [int(field) for field in text.split("\n", 1)[0].split()[1:]]
    return CpuTimes(sum(ticks[:_GUEST]), ticks[_IDLE] + ticks[_IOWAIT], ticks[_STEAL])


def load_between(before: CpuTimes, after: CpuTimes) -> HostLoad | None:
    """The load from one reading to the next; None where no time passed."""
    total = after.total - before.total
    if total <= 0:
        return None
    steal = after.steal - before.steal
    busy = total - (after.idle - before.idle) - steal
    return HostLoad(cpu_pct=100 * busy / total, steal_pct=100 * steal / total)


@dataclass(frozen=True, slots=True)
class NodeUsage:
    """One reading of one node."""

    at_s: float
    """When it was read, Unix seconds."""
    cpu_s: float
    """Processor time since the node started, all its processes, kernel time included."""
    memory_bytes: int
    """Without cached files that nobody uses."""


def cpu_shares_pct(
    before: Mapping[str, NodeUsage], after: Mapping[str, NodeUsage]
) -> dict[str, float]:
    """Per node the processor time between two readings, in % of one processor.

    Nodes of which there are no two readings are left out.
    """
    return {
        name: 100 * (after[name].cpu_s - before[name].cpu_s) / wall_s
        for name in before
        if name in after and (wall_s := after[name].at_s - before[name].at_s) > 0
    }
