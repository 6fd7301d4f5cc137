"""The host on which the engine runs: its processors and its clock, read from the kernel."""

from __future__ import annotations

from pathlib import Path

from lab.measure.host_load import CpuTimes, cpu_times

STAT = Path("/proc/stat")


def read_cpu_times() -> CpuTimes:
    """The counters of all processors now."""
    return cpu_times(STAT.read_text(encoding="utf-8"))
