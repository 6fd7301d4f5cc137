"""Calls per hour on a cluster of this host beside `--jobs`, and what a large plan takes.

Runs the same short experiment (direct SIP, 10 s a call) with `--jobs N` and with `--local N`,
in turn, and prints calls per hour as ratios to one job, from the first call that is stored to
the last. Then a plan of 10,000 points goes through simulated hosts, and the submitter's largest
resident memory is printed beside that of a plan of 100.

    python tests/bench/cluster_rate.py [--workers 1 2 4] [--calls 12] [--points 10000]
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from subprocess import run as run_process

from cluster_kills import WORKERS, work
from distributed import LocalCluster

from lab.cluster.connection import connected, quiet
from lab.cluster.place import ClusterPlace
from lab.cluster.travel import Run
from lab.command import WORDS
from lab.errors import LabError
from lab.events import silent
from lab.measure.record import CallRecord
from lab.store.database import open_store
from lab.sweep.experiment import Experiment
from lab.sweep.ledger import Ledger
from lab.sweep.plan import CALIBRATION, Plan, PlannedCall, make_plan
from lab.sweep.point import Point
from lab.sweep.runner import run_plan

EXPERIMENT = """
name: rate
topology: paper
calls: {calls}
attempts: 3
grid:
  method: [sip]
  duration: [10s]
"""
CALLS_OF_PLAN = 50
"""Made of the large plan."""


def calls_per_hour(home: Path, calls: int, option: str, count: int) -> float:
    """The pace of a real run, by when its calls began."""
    file = home / "rate.yaml"
    file.write_text(EXPERIMENT.format(calls=calls))
    words = [*WORDS, "experiment", "run", str(file), option, str(count)]
    run_process(words, env={**os.environ, "LAB_HOME": str(home)}, check=True)
    with open_store(home / "results" / "results.sqlite") as store:
        made = store.calls(store.run("last").run_id)
    began = [datetime.fromisoformat(call.started_at).timestamp() for call in made]
    return 3600 * (len(began) - 1) / max(1.0, max(began) - min(began))


def memory_mib(points: int) -> float:
    """The largest resident memory of a process that has called by a plan of so many points."""
    read, write = os.pipe()
    if pid := os.fork():
        os.close(write)
        with os.fdopen(read) as told:
            kib = told.read()
        if os.waitpid(pid, 0)[1]:
            raise SystemExit(f"the sweep of {points} points failed")
        return int(kib) / 1024
    try:
        _sweep(points)
        os.write(write, str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss).encode())
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        os._exit(1)
    os._exit(0)


def _sweep(points: int) -> None:
    """Make some calls of a large plan, on one host."""
    plan = make_plan(Experiment("rate", "", None, Path(), 1, 2, 6, places(points), False, ""))
    with tempfile.TemporaryDirectory() as scratch, socket.socket() as free:
        os.environ["LAB_HOME"] = scratch
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        # Before this process has threads.
        worker = os.fork()
        if not worker:
            work(Path(scratch), f"tcp://127.0.0.1:{port}", WORKERS[0], 0.0)
        try:
            with LocalCluster(
                n_workers=0,
                processes=False,
                host="127.0.0.1",
                scheduler_port=port,
                dashboard_address="127.0.0.1:0",
            ) as cluster:
                _submit(Path(scratch), cluster.scheduler_address, plan)
        finally:
            os.kill(worker, signal.SIGKILL)
            os.waitpid(worker, 0)


def _submit(directory: Path, address: str, plan: Plan) -> None:
    with (
        open_store(directory / "calls.sqlite") as store,
        connected(address) as client,
    ):

        def keep(record: CallRecord) -> None:
            store.add_call(record)
            if len(store.calls_as(Stored, "rate")) >= CALLS_OF_PLAN:
                raise LabError("that will do")

        place = ClusterPlace(
            client,
            Run("rate", "", plan.points[0], "", stay=True),
            plan,
            PlannedCall(plan.points[0], CALIBRATION, 0),
            {WORKERS[0]},
            store.add_call,
            silent,
            lambda: None,
        )
        place.await_host()
        with suppress(LabError):
            run_plan(Ledger(plan), place, keep, silent)
        place.close()


@dataclass(frozen=True, slots=True)
class Stored:
    """A column of a stored call."""

    call_id: str


def places(count: int) -> tuple[Point, ...]:
    """As many different points."""
    return tuple(
        Point("v-tor", load_kind="wget", load_count=1 + number, load_through="tor")
        for number in range(count)
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--calls", type=int, default=12, help="valid calls wanted of each run")
    parser.add_argument("--points", type=int, default=10_000)
    options = parser.parse_args(arguments)
    quiet()
    few, many = memory_mib(100), memory_mib(options.points)
    print(f"submitter and scheduler, 100 points planned: {few:.0f} MiB at most")
    print(f"{options.points} points planned: {many / few:.2f} times as much ({many:.0f} MiB)")
    with tempfile.TemporaryDirectory(dir=Path.home()) as scratch:
        first: float | None = None
        for count in options.workers:
            for option in ("--jobs", "--local"):
                pace = calls_per_hour(Path(scratch), options.calls, option, count)
                first = first or pace
                print(f"{option} {count}: {pace / first:.2f} times the calls per hour ({pace:.0f})")


if __name__ == "__main__":
    main()
