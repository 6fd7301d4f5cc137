"""Kill a sweep with `kill -9` at random moments: are calls lost, or made twice?

Runs `lab.sweep` over simulated calls in a process of its own, kills that at a random moment,
goes on with the run in a new process, and so on until it has died as often as asked; then the
run is left to finish. A journal beside the database, synced line by line, knows which calls
were begun, and which were reported as stored. Compared: the journal, the database, and an
uninterrupted run with the same seed.

    python tests/bench/kill_points.py [--kills 200] [--seed 1] [--milliseconds 30]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from simulated_calls import simulated

from lab.events import Happening, Listener, RunAdvanced
from lab.measure.record import CallRecord
from lab.store.database import open_store
from lab.sweep.experiment import Experiment
from lab.sweep.ledger import Ledger
from lab.sweep.place import side_by_side
from lab.sweep.plan import Plan, PlannedCall, make_plan
from lab.sweep.point import Point
from lab.sweep.runner import run_plan

RUN = "killed"
CALLS_PER_KILL = 4


def plan_of(kills: int) -> Plan:
    """About four calls for every kill, at 20 points."""
    points = tuple(
        Point("v-tor", load_kind="wget", load_count=count, load_through="tor")
        for count in range(1, 21)
    )
    calls = max(1, kills * CALLS_PER_KILL // len(points))
    return make_plan(
        Experiment("kill-points", "", None, Path(), 1, calls, 3 * calls, points, False, "")
    )


class Journal:
    """Lines that survive a `kill -9`, each written at once."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, what: str, point_id: str, number: int) -> None:
        """Add one line."""
        os.write(self._descriptor, f"{what} {point_id} {number}\n".encode())


class Caller:
    """An executor and a listener that write down what is asked of them and told to them."""

    def __init__(self, journal: Journal, call_s: float) -> None:
        self._journal = journal
        self._call_s = call_s

    def execute(self, planned: PlannedCall, tell: Listener) -> CallRecord:
        """Take the time of a call."""
        self._journal.write("begun", planned.point.point_id, planned.number)
        time.sleep(self._call_s)
        return simulated(planned, RUN)

    def tell(self, happening: Happening) -> None:
        """The run says which call is safe."""
        if isinstance(happening, RunAdvanced):
            self._journal.write("stored", happening.point_id, happening.number)


def sweep(directory: Path, kills: int, call_s: float) -> None:
    """The process that is killed: go on with the run to its end."""
    caller = Caller(Journal(directory / "journal"), call_s)
    with open_store(directory / "results.sqlite") as store:
        ledger = Ledger(plan_of(kills), store.calls(RUN))
        with side_by_side([caller]) as place:
            run_plan(ledger, place, store.add_call, caller.tell)


def killed_run(directory: Path, kills: int, seed: int, call_s: float) -> tuple[int, int]:
    """Run and kill until it has died `kills` times; how often it died, and was started."""
    chance = random.Random(seed)
    command = [sys.executable, __file__, "--sweep", str(directory), "--kills", str(kills)]
    command += ["--milliseconds", str(1000 * call_s)]
    died = started = 0
    while True:
        started += 1
        process = subprocess.Popen(command)
        if died < kills:
            wait_for_first_line(directory / "journal", process)
            # Over as many calls as there are for each kill, whatever stage they are in.
            time.sleep(chance.uniform(0, 2 * CALLS_PER_KILL * 0.6 * call_s))
            process.send_signal(signal.SIGKILL)
        status = process.wait()
        if status == 0:
            return died, started
        if status != -signal.SIGKILL:
            raise SystemExit(f"the sweep ended with status {status}")
        died += 1


def wait_for_first_line(journal: Path, process: subprocess.Popen[bytes]) -> None:
    """Until this process has begun a call, or ended."""
    size = journal.stat().st_size if journal.exists() else 0
    while process.poll() is None and (not journal.exists() or journal.stat().st_size == size):
        time.sleep(0.002)


def lines(journal: Path, what: str) -> Counter[tuple[str, int]]:
    """How often the journal says so of each call."""
    words = [line.split() for line in journal.read_text().splitlines()]
    return Counter((point, int(number)) for kind, point, number in words if kind == what)


def begun_after_stored(journal: Path) -> int:
    """How many calls were made again that had been reported as stored."""
    stored: set[str] = set()
    again = 0
    for line in journal.read_text().splitlines():
        kind, call = line.split(maxsplit=1)
        if kind == "stored":
            stored.add(call)
        else:
            again += call in stored
    return again


def rows(directory: Path) -> list[CallRecord]:
    """What the database holds of the run."""
    with open_store(directory / "results.sqlite") as store:
        return store.calls(RUN)


def main(arguments: Sequence[str] | None = None) -> None:
    """Kill, go on, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--milliseconds", type=float, default=30.0, help="length of a call")
    parser.add_argument("--sweep", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    call_s = options.milliseconds / 1000
    if options.sweep:
        sweep(options.sweep, options.kills, call_s)
        return
    with tempfile.TemporaryDirectory() as killed, tempfile.TemporaryDirectory() as whole:
        died, started = killed_run(Path(killed), options.kills, options.seed, call_s)
        sweep(Path(whole), options.kills, 0.0)
        found = Counter((str(row.point_id), row.point_call or 0) for row in rows(Path(killed)))
        expected = {(str(row.point_id), row.point_call or 0) for row in rows(Path(whole))}
        stored = lines(Path(killed) / "journal", "stored")
        begun = lines(Path(killed) / "journal", "begun")
        again = begun_after_stored(Path(killed) / "journal")
    print(f"killed {died} times, started {started} times; {len(found)} calls stored")
    print(f"rows lost (reported as stored, not there):      {len(stored.keys() - found.keys())}")
    print(f"rows duplicated:                                {sum(found.values()) - len(found)}")
    print(f"calls begun again although they were stored:    {again}")
    repeated = sum(begun[call] - 1 for call in begun)
    print(f"calls begun again because a kill met them:      {repeated}")
    print(f"calls that an unkilled run makes, not there:    {len(expected - found.keys())}")
    print(f"calls there that an unkilled run does not make: {len(found.keys() - expected)}")


if __name__ == "__main__":
    main()
