"""The host on which the engine runs: its processors and its clock, read from the kernel."""

from __future__ import annotations

from pathlib import Path

from lab.measure.host_load import CpuTimes, cpu_times

STAT = Path("/proc/stat")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""See random(4)."""


def read_cpu_times() -> CpuTimes:
    """The counters of all processors now."""
    return cpu_times(STAT.read_text(encoding="utf-8"))


def clock_name() -> str:
    """Which kernel's clock this is: another one after every boot."""
    return BOOT_ID.read_text(encoding="ascii").strip()
