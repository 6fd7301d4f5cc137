"""Workers, submitter and scheduler of a simulated sweep killed at random moments."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from stand_in_cluster import StandInClient, StandInHost
from test_cluster_place import POINTS, Sweep, hurry

from lab.checkout import ROOT
from lab.sweep.experiment import Experiment
from lab.sweep.plan import make_plan

BENCH = ROOT / "tests" / "bench" / "cluster_kills.py"
KILLS = 110
PLAN = make_plan(Experiment("kills", "", None, Path(), 1, 20, 60, POINTS, False, ""))
NAMES = ("one", "two", "three")


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


class Reaper:
    """Kills workers of a sweep at random moments, and starts them again, on one disk each."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.client = StandInClient()
        self.hosts: list[StandInHost] = []
        self.kills = 0
        self._directory, self._chance, self._ended = directory, random.Random(seed), False
        for name in NAMES:
            self._start(name)

    def reap(self) -> None:
        """Until the sweep has ended."""
        while not self._ended:
            time.sleep(self._chance.uniform(0, 0.01))
            name = self._chance.choice(NAMES)
            alive = {host.name: host for host in self.client.hosts.values()}
            if name not in alive:
                self._start(name)
            elif len(alive) > 1:
                alive[name].dies_with_its_calls = self._chance.random() < 0.5
                self.client.lose(name)
                self.kills += 1

    def end(self) -> None:
        """The sweep has ended."""
        self._ended = True

    def _start(self, name: str) -> None:
        host = StandInHost(name, self._directory, call_s=0.003)
        self.hosts.append(host)
        self.client.hosts = {**self.client.hosts, f"tcp://{name}:{len(self.hosts)}": host}


def test_workers_killed_at_a_hundred_random_moments_lose_no_call(tmp_path: Path) -> None:
    """Some take their calls with them, of others the labs' own processes finish them."""
    kills = sweeps = 0
    while kills < KILLS:
        sweeps += 1
        reaper = Reaper(tmp_path / str(sweeps), seed=sweeps)
        sweep = Sweep(reaper.client, [], PLAN)
        reaping = threading.Thread(target=reaper.reap)
        reaping.start()
        try:
            sweep.make()
        finally:
            reaper.end()
            reaping.join()
        kills += reaper.kills
        sweep.assert_whole()
        finished = {
            (planned.point.point_id, planned.number)
            for host in reaper.hosts
            for planned in host.finished
        }
        stored = {(record.point_id, record.point_call) for record in sweep.kept}
        kept = {(n.point_id, n.number) for host in reaper.hosts for n in host.outbox.names()}
        assert finished <= stored | kept


def test_processes_killed_at_random_moments_lose_no_call_and_repeat_none() -> None:
    """A few of what the bench does at length: real processes, and `kill -9`."""
    done = subprocess.run(
        [sys.executable, BENCH, "--kills", "8", "--seed", "3", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["killed"] >= 8, found
    for what in ("lost", "duplicated", "repeated", "incomplete"):
        assert found[what] == 0, found
