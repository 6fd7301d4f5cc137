"""`lab experiment run --cluster` and `lab worker` where they cannot work: one sentence each."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lab.cli import app
from lab.cli.cluster_options import Cluster, cluster_of
from lab.cluster import connection
from lab.errors import LabError, UsageError
from lab.store.database import open_store
from lab.sweep.run import labs_of

NOBODY = "tcp://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    monkeypatch.setattr(connection, "CONNECT_S", 0.1)


def lab(*words: str) -> None:
    app(list(words), standalone_mode=False, obj=False)


def test_a_scheduler_that_does_not_answer_is_named() -> None:
    with pytest.raises(LabError, match=f"no scheduler of dask answers at {NOBODY}"):
        lab("experiment", "run", "table1", "--quick", "--cluster", NOBODY)
    with pytest.raises(LabError, match="no scheduler of dask answers at nonsense"):
        lab("experiment", "run", "table1", "--quick", "--cluster", "nonsense")


def test_a_run_is_gone_on_with_on_the_hosts_it_was_begun_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(LabError):
        lab("experiment", "run", "table1", "--quick", "--cluster", NOBODY, "--artefacts", "stay")
    with pytest.raises(LabError, match=NOBODY):
        lab("experiment", "resume")
    with open_store() as store:
        run = store.run("last")
    assert (run.cluster, run.artefacts_stay, labs_of(run)) == (NOBODY, True, ())
    with pytest.raises(LabError, match=r"tcp://127\.0\.0\.1:10"):
        lab("experiment", "resume", "last", "--cluster", "tcp://127.0.0.1:10")
    with open_store() as store:
        run = store.run("last")
    assert (run.cluster, run.artefacts_stay) == ("tcp://127.0.0.1:10", True)


def test_without_dask_its_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith("lab.cluster")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(LabError, match="needs the Python package distributed"):
        lab("experiment", "run", "table1", "--quick", "--cluster", NOBODY)


def test_a_cluster_has_labs_of_its_own() -> None:
    with pytest.raises(UsageError, match="the labs of a cluster are its hosts' own"):
        lab("experiment", "run", "table1", "--cluster", NOBODY, "--jobs", "2")
    with pytest.raises(UsageError, match="one cluster"):
        cluster_of(NOBODY, 2, None)
    with pytest.raises(UsageError, match="said of a cluster"):
        cluster_of(None, None, "stay")
    for address in ("local:2", "local:some"):
        with pytest.raises(UsageError, match="no address of a scheduler"):
            cluster_of(address, None, None)
    assert cluster_of(None, None, None) is None
    assert cluster_of(None, 3, "back") == Cluster("local:3", False)


def test_a_worker_without_docker_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(LabError, match="the Docker engine does not answer"):
        lab("worker", NOBODY, "--name", "test-no-docker")


def test_the_name_of_a_worker_is_checked() -> None:
    with pytest.raises(UsageError, match="no name of a worker"):
        lab("worker", NOBODY, "--name", "No Name")
