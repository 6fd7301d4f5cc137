"""Experiments over a real lab: interrupted in every way, they lose nothing and finish."""

from __future__ import annotations

import csv
import io
import json
import platform
import signal
from collections import Counter
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from docker import DockerClient
from lab_command import LabCommand, complaint, ended, kill, things_of, wait_for
from live_lab import LiveLab

from lab.engine.lock import has_run
from lab.engine.names import Holder

pytestmark = pytest.mark.live

CALL_DEADLINE_S = 150.0
EXPERIMENT = """
name: short
topology: paper
calls: 2
attempts: 2
grid:
  method: [sip]
  duration: [10s]
"""


@pytest.fixture
def experiment(tmp_path: Path) -> str:
    file = tmp_path / "short.yaml"
    file.write_text(EXPERIMENT)
    return str(file)


def stored(lab: LabCommand, run: str) -> list[dict[str, str]]:
    """The run's calls, as `lab export` gives them."""
    done = lab.run("export", run, "--format", "csv")
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def newest_run(lab: LabCommand) -> dict[str, Any]:
    """The last line of `lab experiment list`."""
    run: dict[str, Any] = lab.json("experiment", "list")[-1]
    return run


def wait_for_calls(lab: LabCommand, process: Popen[str], count: int) -> None:
    """Until the newest run has that many calls, and its process goes on."""

    def made() -> bool:
        assert process.poll() is None, process.communicate()
        runs = lab.json("experiment", "list")
        return bool(runs) and runs[-1]["valid"] + runs[-1]["invalid"] + runs[-1]["failed"] >= count

    wait_for(f"call number {count}", made, CALL_DEADLINE_S)


def holds_lab(process: Popen[str], name: str) -> bool:
    """Whether that process has the lab called `name` for its run."""
    assert process.poll() is None, process.communicate()
    return has_run(name) == Holder(process.pid)


def test_killed_and_interrupted_it_goes_on_and_leaves_nothing(
    able_host: DockerClient, lab: LabCommand, lab_name: str, experiment: str
) -> None:
    """The lab it brought up is still its own after a kill -9, so it takes it down at the end."""
    running = lab.start("experiment", "run", experiment, "--name", lab_name)
    wait_for_calls(lab, running, 1)
    kill(running)
    run = newest_run(lab)["run"]
    first = stored(lab, run)[0]
    assert things_of(able_host, lab_name)

    resumed = lab.start("experiment", "resume", run)
    wait_for("hold of the lab", lambda: holds_lab(resumed, lab_name))
    second = lab.run("experiment", "run", experiment, "--name", lab_name)
    assert second.returncode == 1
    assert f"another run is under way in lab {lab_name}" in complaint(second)
    resumed.send_signal(signal.SIGHUP)
    assert ended(resumed, 60).returncode == 128 + signal.SIGHUP
    assert things_of(able_host, lab_name) == {}

    done = lab.run("experiment", "resume", "last", timeout_s=4 * CALL_DEADLINE_S)
    assert done.returncode == 0, done.stderr
    calls = stored(lab, run)
    assert first in calls
    assert set(Counter(call["point_call"] for call in calls).values()) == {1}
    assert newest_run(lab)["still_wanted"] == 0
    assert things_of(able_host, lab_name) == {}

    report = lab.json("report", run)
    (sip,) = report["baseline"]["quality"]
    assert sum(sip["counts"].values()) == len(calls)
    assert {call["duration_s"] for call in calls if call["status"] == "ok"} == {"10.0"}


def test_a_lab_that_was_up_stays_up(paper: LiveLab, experiment: str) -> None:
    done = paper.lab.run(
        "experiment", "run", experiment, "--name", paper.name, timeout_s=4 * CALL_DEADLINE_S
    )
    assert done.returncode == 0, done.stderr
    assert not done.stdout
    assert json.dumps(paper.status()["problems"]) == "[]"
    page = paper.lab.run("report", "last", "--html", "--json")
    assert (paper.lab.home / "results" / "runs").is_dir()
    assert "report.html" in page.stderr


def test_labs_side_by_side_end_with_a_run_that_was_started_in_the_background(
    able_host: DockerClient, lab: LabCommand, experiment: str
) -> None:
    """A shell has what it starts there ignore Ctrl-C, by which a run ends its labs' processes."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        running = lab.start("experiment", "run", experiment, "--jobs", "2")
    finally:
        signal.signal(signal.SIGINT, before)
    done = ended(running, 4 * CALL_DEADLINE_S)
    assert done.returncode == 0, done.stderr
    run = newest_run(lab)["run"]
    assert {call["lab"] for call in stored(lab, run)} == {f"{run}-1", f"{run}-2"}
    for number in (1, 2):
        assert things_of(able_host, f"{run}-{number}") == {}


@pytest.mark.slow
def test_workers_of_this_host_make_the_calls_of_a_run_and_leave_nothing(
    able_host: DockerClient, lab: LabCommand, experiment: str
) -> None:
    """Two labs in one engine, each of a worker of its own, by way of dask."""
    done = lab.run("experiment", "run", experiment, "--local", "2", timeout_s=4 * CALL_DEADLINE_S)
    assert done.returncode == 0, done.stderr
    assert "local-1: its calibration call is" in done.stderr
    run = newest_run(lab)["run"]
    calls = stored(lab, run)
    assert newest_run(lab)["still_wanted"] == 0
    assert {call["lab"] for call in calls} <= {"local-1-1", "local-2-1"}
    assert {call["host"] for call in calls} == {platform.node()}
    assert all((Path(call["artefacts"]) / "call.json").is_file() for call in calls)
    assert set(Counter(call["point_call"] for call in calls).values()) == {1}
    for number in (1, 2):
        assert things_of(able_host, f"local-{number}-1") == {}
