"""The way to a cluster: somebody's scheduler, or one of this process with workers of this host."""

from __future__ import annotations

import logging
import secrets
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from distributed import Client, LocalCluster

from lab import storage
from lab.cluster.calibration import calibrated_hosts, calibration_of
from lab.cluster.place import ClusterPlace
from lab.cluster.travel import MARK
from lab.cluster.travel import Run as RunOnHosts
from lab.command import WORDS, WRONG
from lab.errors import LabError
from lab.events import Began, Listener
from lab.interruption import undisturbed
from lab.store.database import LOCAL, Run, Store
from lab.sweep.place import Place
from lab.sweep.plan import Plan

CONNECT_S = 10
END_S = 120.0
"""Within which a worker of this host takes its lab down."""


@contextmanager
def on_cluster(store: Store, run: Run, plan: Plan, tell: Listener) -> Iterator[Place]:
    """The hosts of the run's cluster, once the first has shown what it does; see `Where`."""
    assert run.cluster is not None
    quiet()
    store.add_run(run)
    with ExitStack() as stack:
        address, check = run.cluster, _nothing
        if address.startswith(LOCAL):
            count = int(address.removeprefix(LOCAL))
            address, check = stack.enter_context(_local_cluster(run.run_id, count))
        client = stack.enter_context(connected(address))
        mark = stack.enter_context(_marked(run.run_id))
        place = ClusterPlace(
            client,
            RunOnHosts(run.run_id, run.topology, plan.order[0].point, mark, run.artefacts_stay),
            plan,
            calibration_of(run, plan),
            calibrated_hosts(store, run.run_id),
            store.add_call,
            tell,
            check,
        )
        stack.callback(place.close)
        tell(Began("waiting for the first host"))
        place.await_host()
        if place.versions:
            store.note_lab(run.run_id, place.versions, lab_is_own=True)
        yield place


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """A client of the scheduler at `address`; LabError where none answers."""
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise LabError(
            f"no scheduler of dask answers at {address}",
            "`dask scheduler` starts one, and prints its address, such as tcp://10.1.2.3:8786.",
        ) from error
    try:
        yield client
    finally:
        client.close(timeout=CONNECT_S)


def quiet() -> None:
    """Have dask log what only `--debug` shows: what matters to a user is told."""
    if logging.getLogger().isEnabledFor(logging.DEBUG):
        return
    for name in ("distributed", "distributed.client", "tornado", "bokeh"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@contextmanager
def _marked(run_id: str) -> Iterator[str]:
    """A mark in the run's directory, by which hosts know whether they see it."""
    directory, mark = storage.run_directory(run_id), secrets.token_hex(8)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / MARK).write_text(mark)
    except OSError as error:
        raise LabError(f"cannot write into {directory}: {error.strerror}", "Make room.") from error
    try:
        yield mark
    finally:
        (directory / MARK).unlink(missing_ok=True)


@contextmanager
def _local_cluster(run_id: str, count: int) -> Iterator[tuple[str, Callable[[], None]]]:
    """A scheduler here and `count` workers; its address, and what raises where a worker ended."""
    logs = storage.run_directory(run_id)
    logs.mkdir(parents=True, exist_ok=True)
    with LocalCluster(
        n_workers=0,
        processes=False,
        protocol="tcp://",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        workers: dict[Path, subprocess.Popen[bytes]] = {}
        try:
            for number in range(1, count + 1):
                log = logs / f"worker-{number}.log"
                words = [cluster.scheduler_address, "--name", f"local-{number}", "--patience", "0"]
                with log.open("wb") as told:
                    workers[log] = subprocess.Popen(
                        [*WORDS, "worker", *words],
                        stdin=subprocess.DEVNULL,
                        stdout=told,
                        stderr=told,
                        # Ctrl-C reaches this process alone, which says when to stop.
                        start_new_session=True,
                    )
            yield cluster.scheduler_address, lambda: _check(workers)
        finally:
            _end(list(workers.values()))


def _check(workers: dict[Path, subprocess.Popen[bytes]]) -> None:
    """LabError where every worker has ended."""
    if all(process.poll() is not None for process in workers.values()):
        log = next(iter(workers))
        said = log.read_text(errors="replace").strip().splitlines()
        lines = [line for line in said if line.startswith(WRONG)] or said[-1:] or ["no word"]
        raise LabError(
            f"the workers of this host have ended: {lines[0].removeprefix(WRONG)}",
            f"More is in {log}.",
        )


def _end(workers: list[subprocess.Popen[bytes]]) -> None:
    with undisturbed():
        for process in workers:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in workers:
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _nothing() -> None:
    return None
