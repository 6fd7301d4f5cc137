"""What the commands cost that only tell: processor time and memory from start to end.

Prints the median of `--runs` executions of each, and how many times `python -c pass` that is,
run in turn with them.

    python tests/bench/cli_start.py [--runs 11]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

TELL = (
    "import atexit; atexit.register(lambda: open(3, 'w').write(open('/proc/self/status').read()))"
)
"""What the kernel says of a process when it has ended includes the most its parent ever had."""
LAB = (sys.executable, "-c", f"{TELL}; from lab.cli import main; main()")
NOTHING = (sys.executable, "-c", f"{TELL}; pass")
COMMANDS = (
    ("--help",),
    ("call", "--help"),
    ("up", "--help"),
    ("rtp", "--help"),
    ("experiment", "list"),
    ("schema",),
    ("schema", "experiment"),
    ("--version",),
)
COMPLETION = {"_LAB_COMPLETE": "bash_complete", "COMP_WORDS": "lab call ", "COMP_CWORD": "2"}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process."""

    cpu_s: float
    """User and system time."""
    memory_mb: float
    """The most it had resident."""


def cost(command: tuple[str, ...], environment: dict[str, str]) -> Cost:
    """Run it to its end, its output thrown away."""
    with tempfile.TemporaryFile() as told:
        files = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (1, 2)]
        streams = [*files, (os.POSIX_SPAWN_DUP2, told.fileno(), 3)]
        process = os.posix_spawn(command[0], command, environment, file_actions=streams)
        _, status, usage = os.wait4(process, 0)
        if status:
            sys.exit(f"{' '.join(command)} ended with status {status}")
        told.seek(0)
        most = next(line for line in told if line.startswith(b"VmHWM:"))
    return Cost(usage.ru_utime + usage.ru_stime, int(most.split()[1]) / 1000)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=11)
    runs = parser.parse_args(arguments).runs
    with tempfile.TemporaryDirectory() as home:
        usual = {**os.environ, "LAB_HOME": home}
        cases = {"python -c pass": (NOTHING, usual)}
        cases |= {f"lab {' '.join(words)}": ((*LAB, *words), usual) for words in COMMANDS}
        cases["completion of `lab call `"] = (LAB, usual | COMPLETION)
        costs: dict[str, list[Cost]] = {name: [] for name in cases}
        for _ in range(runs):
            for name, (command, environment) in cases.items():
                costs[name].append(cost(command, environment))
    print(f"{'median of ' + str(runs):<28}{'CPU s':>8}{'ratio':>8}{'MB':>8}{'ratio':>8}")
    least_s, least_mb = 0.0, 0.0
    for name, each in costs.items():
        cpu_s, mb = median(one.cpu_s for one in each), median(one.memory_mb for one in each)
        least_s, least_mb = least_s or cpu_s, least_mb or mb
        print(f"{name:<28}{cpu_s:>8.3f}{cpu_s / least_s:>8.1f}{mb:>8.1f}{mb / least_mb:>8.1f}")


if __name__ == "__main__":
    main()
