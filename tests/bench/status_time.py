"""How long `lab status` and `lab link show` take, as processes that a user starts.

    python tests/bench/status_time.py [--name NAME] [--runs 10]

The lab has to be up. Processor time is that of the command and of what it starts on this host, not
of the programs in nodes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import time

from lab.command import WORDS

VERBS = {"status": ["status"], "link show": ["link", "show", "--name"]}


def one_run(words: list[str]) -> tuple[float, float]:
    """Wall-clock and processor seconds of one command."""
    began, before = time.monotonic(), os.times()
    subprocess.run([*WORDS, *words], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    spent = after.children_user + after.children_system
    return time.monotonic() - began, spent - before.children_user - before.children_system


def main() -> None:
    """Print median and worst of each command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="paper")
    parser.add_argument("--runs", type=int, default=10)
    options = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.2f}, n={options.runs}")
    for verb, words in VERBS.items():
        runs = [one_run([*words, options.name]) for _ in range(options.runs)]
        wall = [seconds for seconds, _ in runs]
        cpu = statistics.median(seconds for _, seconds in runs)
        print(
            f"lab {verb:10} median {statistics.median(wall):5.2f} s  worst {max(wall):5.2f} s  "
            f"processor {cpu:5.2f} s"
        )


if __name__ == "__main__":
    main()
