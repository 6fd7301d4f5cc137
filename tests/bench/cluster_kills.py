"""Kill workers, the submitter and the scheduler of a sweep: are calls lost, or made twice?

Simulated calls on three workers of dask, each a process with a disk of its own, by way of a
scheduler that is a process too. At random moments one of them dies of `kill -9` and is started
anew. A journal, written line by line, knows which calls were begun, which were finished on
their host's disk, and which were reported as stored. Compared: the journal, the database, and
what hosts still keep.

    python tests/bench/cluster_kills.py [--kills 200] [--seed 1] [--milliseconds 30] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import distributed.dashboard.scheduler  # noqa: F401 - else each process loads it when it starts
from distributed import LocalCluster
from kill_points import Journal
from simulated_calls import simulated

from lab.cluster import place as cluster_place
from lab.cluster import post as cluster_post
from lab.cluster import worker as cluster_worker
from lab.cluster.connection import connected, quiet
from lab.cluster.host import Host, LabProcess
from lab.cluster.place import ClusterPlace
from lab.cluster.travel import Run
from lab.cluster.worker import Work, serve
from lab.errors import LabError
from lab.events import Listener, RunAdvanced, silent
from lab.measure.record import CallRecord
from lab.store.database import open_store
from lab.sweep.experiment import Experiment
from lab.sweep.ledger import Ledger
from lab.sweep.outbox import CallName, Outbox
from lab.sweep.plan import CALIBRATION, Plan, PlannedCall, make_plan
from lab.sweep.point import Point
from lab.sweep.runner import run_plan

WORKERS = ("one", "two", "three")
CALLS_A_RUN = 40
TROUBLE = 3
"""Exit status of a process that has met a LabError."""
DEADLINE_S = 600.0
"""For whatever is waited for."""


@dataclass(frozen=True, slots=True)
class Found:
    """What became of all calls."""

    killed: int
    """Processes."""
    workers_killed: int
    stored: int
    """Calls in the database."""
    lost: int
    """Calls that were reported as stored and are not, or finished and are neither stored nor
    kept by their host."""
    duplicated: int
    """Rows of one call, beyond the first."""
    repeated: int
    """Calls that hosts were asked for although they were stored."""
    overtaken: int
    """Calls that another host was asked for as theirs had been killed, and whoever waited for its
    return too, between finishing and delivery."""
    incomplete: int
    """Runs that ended although calls were wanted."""


def plan_of(number: int) -> Plan:
    """The plan of a run: 20 points."""
    points = tuple(
        Point("v-tor", load_kind="wget", load_count=count, load_through="tor")
        for count in range(1, 21)
    )
    calls = CALLS_A_RUN // len(points)
    return make_plan(
        Experiment("kills", "", None, Path(), number, calls, 3 * calls, points, False, "")
    )


class Caller:
    """Calls as a lab's process makes them: finished is what is in the outbox."""

    def __init__(self, run_id: str, journal: Journal, outbox: Outbox, call_s: float) -> None:
        self._run_id, self._journal = run_id, journal
        self._outbox, self._call_s = outbox, call_s

    def versions(self, _tell: Listener) -> dict[str, str]:
        """Nothing is known of a lab that is not there."""
        return {}

    def execute(self, planned: PlannedCall, tell: Listener) -> CallRecord:
        """Take the time of a call."""
        name = CallName.of(self._run_id, planned)
        where = f"{name.run_id}/{name.point_id}"
        self._journal.write("begun", where, name.number)
        time.sleep(self._call_s)
        record = simulated(planned, self._run_id)
        record.call_id = f"{record.call_id}-{self._run_id}-{os.getpid()}"
        self._outbox.put(name, record)
        self._journal.write("finished", where, name.number)
        return record


def work(directory: Path, address: str, name: str, call_s: float) -> None:
    """A worker's process."""
    outbox, journal = Outbox(directory / name), Journal(directory / "journal")
    mine = Journal(directory / f"{name}.lives")

    @contextmanager
    def open_lab(_lab: str, run: Run) -> Iterator[LabProcess]:
        mine.write("called", name, os.getpid())
        yield Caller(run.run_id, journal, outbox, call_s)

    host = Host(name, [f"{name}-1"], outbox, open_lab)
    serve(Work(address, name, 1, name, DEADLINE_S), host, silent)


def submit(directory: Path, address: str, run_id: str, number: int) -> None:
    """The process that runs the experiment: go on with a run to its end."""
    journal, lives = Journal(directory / "journal"), Journal(directory / "submitter.lives")
    plan = plan_of(number)

    def tell(happening: object) -> None:
        if isinstance(happening, RunAdvanced):
            where = f"{run_id}/{happening.point_id}"
            journal.write("stored", where, happening.number)
            lives.write("called", "submitter", os.getpid())

    with open_store(directory / "results.sqlite") as store, connected(address) as client:
        calibration = PlannedCall(plan.points[0], CALIBRATION, 0)
        run = Run(run_id, "", plan.points[0], f"submitter {os.getpid()}", stay=True)
        place = ClusterPlace(
            client, run, plan, calibration, set(WORKERS), store.add_call, silent, lambda: None
        )
        place.await_host()
        begin = place.begin

        def begun(planned: PlannedCall, tell: Listener) -> None:
            journal.write("asked", f"{run_id}/{planned.point.point_id}", planned.number)
            begin(planned, tell)

        setattr(place, "begin", begun)  # noqa: B010 - only this place's
        run_plan(Ledger(plan, store.calls(run_id)), place, store.add_call, tell)
        place.close()


def schedule(port: int) -> None:
    """The scheduler's process."""
    with LocalCluster(
        n_workers=0,
        processes=False,
        host="127.0.0.1",
        scheduler_port=port,
        dashboard_address="127.0.0.1:0",
    ):
        signal.pause()


class Theatre:
    """Where they live and die; all are forks of this process, which has loaded what they need."""

    def __init__(self, directory: Path, seed: int, call_s: float) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._directory, self._call_s = directory, call_s
        self._address = f"tcp://127.0.0.1:{self._port}"
        self._chance = random.Random(seed)
        self._pids: dict[str, int] = {}
        self.killed: Counter[str] = Counter()

    def run(self, number: int, kills: int) -> bool:
        """Have a run made, and kill until as many have died as that; whether it is complete."""
        run_id = f"kills-{number}"
        self._start("submitter", number)
        while True:
            pid, status = os.waitpid(self._pids["submitter"], os.WNOHANG)
            if pid and status == 0:
                with open_store(self._directory / "results.sqlite") as store:
                    return Ledger(plan_of(number), store.calls(run_id)).still_wanted == 0
            if pid:
                if os.waitstatus_to_exitcode(status) != TROUBLE:
                    raise SystemExit("the submitter broke")
                # Its scheduler was killed.
                self._start("submitter", number)
            elif self.killed.total() < kills:
                self._kill_one(number)
            else:
                time.sleep(0.01)

    def begin(self) -> None:
        """Start all but the submitter."""
        for name in ("scheduler", *WORKERS):
            self._start(name, 0)

    def end(self) -> None:
        """End all."""
        for pid in self._pids.values():
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                continue

    def _kill_one(self, number: int) -> None:
        names = [*WORKERS, "submitter", "scheduler"]
        [name] = self._chance.choices(names, [27, 27, 27, 16, 3])
        if not self._has_called("submitter" if name == "scheduler" else name):
            time.sleep(0.005)
            return
        time.sleep(self._chance.uniform(0, 3 * self._call_s))
        pid = self._pids[name]
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended and name == "submitter" and os.waitstatus_to_exitcode(status) in (0, TROUBLE):
            self._start(name, number)
            return
        if ended:
            raise SystemExit(f"the {name} broke")
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.killed[name] += 1
        self._start(name, number)

    def _has_called(self, name: str) -> bool:
        """Whether its process of now has come to a call, without which its death shows little."""
        try:
            return str(self._pids[name]) in (self._directory / f"{name}.lives").read_text().split()
        except FileNotFoundError:
            return False

    def _start(self, name: str, number: int) -> None:
        life: Callable[[], None]
        if name == "scheduler":
            life = lambda: schedule(self._port)  # noqa: E731
        elif name == "submitter":
            life = lambda: submit(self._directory, self._address, f"kills-{number}", number)  # noqa: E731
        else:
            life = lambda: work(self._directory, self._address, name, self._call_s)  # noqa: E731
        pid = os.fork()
        if pid:
            self._pids[name] = pid
            return
        try:
            life()
        except LabError:
            os._exit(TROUBLE)
        except BaseException as error:
            print(f"{name}: {error!r}", file=sys.stderr, flush=True)
            os._exit(4)
        os._exit(0)


def kill(kills: int, seed: int, call_s: float) -> Found:
    """Runs, until as many have been killed; what became of their calls."""
    cluster_place.LOOK_EVERY_S = cluster_place.POLL_S = cluster_worker.POLL_S = 0.02
    cluster_post.ASK_EVERY_S = 0.02
    quiet()
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        os.environ["LAB_HOME"] = scratch
        theatre = Theatre(directory, seed, call_s)
        theatre.begin()
        runs = incomplete = 0
        try:
            while theatre.killed.total() < kills:
                runs += 1
                incomplete += not theatre.run(runs, kills)
        finally:
            theatre.end()
        return _found(directory, theatre.killed, incomplete)


def _found(directory: Path, killed: Counter[str], incomplete: int) -> Found:
    stored: set[str] = set()
    finished: set[str] = set()
    repeated = overtaken = 0
    for line in (directory / "journal").read_text().splitlines():
        kind, call = line.split(maxsplit=1)
        if kind == "asked":
            repeated += call in stored
            overtaken += call in finished and call not in stored
        elif kind != "begun":
            (stored if kind == "stored" else finished).add(call)
    with open_store(directory / "results.sqlite") as store:
        calls = [f"{c.run_id}/{c.point_id} {c.point_call}" for c in store.calls()]
    kept = {
        f"{name.run_id}/{name.point_id} {name.number}"
        for worker in WORKERS
        for name in Outbox(directory / worker).names()
    }
    return Found(
        killed=killed.total(),
        workers_killed=sum(killed[name] for name in WORKERS),
        stored=len(calls),
        lost=len(stored - set(calls)) + len(finished - set(calls) - kept),
        duplicated=len(calls) - len(set(calls)),
        repeated=repeated,
        overtaken=overtaken,
        incomplete=incomplete,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Kill, go on, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--milliseconds", type=float, default=30.0, help="length of a call")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    # Ended from outside it ends its processes first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    found = kill(options.kills, options.seed, options.milliseconds / 1000)
    if options.json:
        print(json.dumps(asdict(found)))
        return
    print(f"killed {found.killed} processes, {found.workers_killed} of them workers")
    print(f"calls stored:                                             {found.stored}")
    print(f"calls lost:                                               {found.lost}")
    print(f"rows duplicated:                                          {found.duplicated}")
    print(f"calls asked for again although they were stored:          {found.repeated}")
    print(f"calls asked of others, finished but not yet delivered:    {found.overtaken}")
    print(f"runs that ended before they were complete:                {found.incomplete}")


if __name__ == "__main__":
    main()
