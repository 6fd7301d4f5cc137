"""Calls per minute of `lab field` on one core and on several, in one run.

    python tests/bench/field_speed.py [--rounds 2]

Over the second study's sample (nine calls of 30 s, two recordings and two captures each).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from field_sample import FIELD, MISSING, PRESENT

LAB = str(Path(sys.executable).with_name("lab"))


def seconds(jobs: int, table: Path) -> float:
    """Time of one whole run, start included."""
    line = [LAB, "field", str(FIELD), "--reference", str(FIELD / "reference" / "choppy.wav")]
    start = time.perf_counter()
    subprocess.run(
        [*line, "--out", str(table), "--jobs", str(jobs)], check=True, capture_output=True
    )
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    if not PRESENT:
        print(f"Not measured: {MISSING}.")
        return
    cores = sorted({1, len(os.sched_getaffinity(0))})
    times: dict[int, list[float]] = {jobs: [] for jobs in cores}
    with tempfile.TemporaryDirectory() as directory:
        table = Path(directory) / "field.csv"
        for _ in range(options.rounds):
            for jobs in cores:
                times[jobs].append(seconds(jobs, table))
        calls = len(table.read_text(encoding="utf-8").splitlines()) - 1
    one = statistics.median(times[1])
    for jobs, values in times.items():
        median = statistics.median(values)
        print(
            f"--jobs {jobs}: {calls} calls in {median:.1f} s ({min(values):.1f}-{max(values):.1f}),"
            f" {60 * calls / median:.0f} calls/min, {one / median:.2f} x one core"
        )


if __name__ == "__main__":
    main()
