"""A lab brought up and taken down many times: what is left, and how the times go.

    python tests/bench/up_down_cycles.py [--cycles 100] [--topology small]

Run as root, with `LAB_HOME` and the engine that are meant, and no other lab coming or going. Every
fifth cycle is interrupted while the lab comes up, at another moment each time. Counted before,
after each cycle and at the end: containers, networks, volumes, devices, namespaces, firewall rules,
project files, and the engine's memory.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from what_is_left import engine_process, left

from lab import storage
from lab.engine.client import connect

LAB = str(Path(sys.executable).with_name("lab"))
NAME = "cycles"
INTERRUPTED_EVERY = 5


def main() -> None:
    """Go round, and print what each cycle left, then the whole."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--topology", default="small")
    options = parser.parse_args()
    client = connect()
    engine = engine_process(client)
    before = left(client, engine, storage.home())
    up_s: list[float] = []
    failed = 0
    for cycle in range(1, options.cycles + 1):
        patience_s = None
        if cycle % INTERRUPTED_EVERY == 0 and up_s:
            patience_s = statistics.median(up_s) * (cycle / INTERRUPTED_EVERY % 9 + 0.5) / 9
        start = time.monotonic()
        status = brought_up(options.topology, patience_s)
        if patience_s is None:
            up_s.append(time.monotonic() - start)
            failed += status != 0
        subprocess.run([LAB, "down", NAME], check=True, capture_output=True)
        now = left(client, engine, storage.home())
        beyond = now.beyond(before) or "nothing"
        print(
            f"{cycle}: up and down in {time.monotonic() - start:.1f} s, left {beyond}", flush=True
        )
    print(
        f"{options.cycles} cycles, {failed} of the {len(up_s)} that were let be failed; up in "
        f"{statistics.median(up_s):.1f} s (median), last against first {up_s[-1] / up_s[0]:.2f}; "
        f"left: {beyond}; the engine's memory: {now.engine_kib - before.engine_kib:+d} KiB"
    )


def brought_up(topology: str, patience_s: float | None) -> int:
    """The exit status of `lab up`, interrupted after so many seconds if it has not ended."""
    command = [LAB, "up", topology, "--name", NAME]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            return process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            return process.wait()


if __name__ == "__main__":
    main()
