"""`lab worker`: this host makes calls for whoever sends some by way of a scheduler."""

from __future__ import annotations

import asyncio
import platform
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from distributed import Worker
from distributed.comm.addressing import get_address_host
from distributed.utils import get_ip
from docker import DockerClient

from lab import storage
from lab.cluster.connection import quiet
from lab.cluster.host import Host, LabProcess, OpenLab
from lab.cluster.tasks import HOST, RESOURCE
from lab.cluster.travel import Run
from lab.engine.client import connect
from lab.engine.doctor import State, examine
from lab.engine.lock import until_no_run_in, until_taken
from lab.engine.names import holder_of, open_name
from lab.errors import LabError, UsageError
from lab.events import Began, Listener, Noted
from lab.interruption import undisturbed
from lab.lifecycle.down import down, names_of_labs
from lab.lifecycle.set_up import set_up
from lab.sweep.outbox import Outbox
from lab.sweep.worker import END_DEADLINE_S, Assignment, workers
from lab.topology.names import is_name

MOST_NAME = 26
"""Letters of a worker's name: those of its labs are longer, and have 30 at most."""
POLL_S = 2.0


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker is to be."""

    scheduler: str
    name: str
    labs: int
    host: str
    """What records call this host."""
    patience_s: float
    """How long it waits for a scheduler that does not answer, at first and later."""

    @property
    def lab_names(self) -> tuple[str, ...]:
        """Of its labs, in every run the same."""
        return tuple(f"{self.name}-{number}" for number in range(1, self.labs + 1))


def usual_name() -> str:
    """A worker's name made of this host's."""
    words = re.sub(r"[^a-z0-9-]+", "-", platform.node().lower()).strip("-")
    return (words if words[:1].isalpha() else f"host-{words}")[:MOST_NAME].strip("-")


def work(what: Work, tell: Listener) -> None:
    """Make calls until interrupted, or until no scheduler answers for as long as there is patience.

    LabError where this host cannot run labs, or another worker here has the same name.
    """
    if not is_name(what.name) or len(what.name) > MOST_NAME:
        raise UsageError(
            f"{what.name!r} is no name of a worker",
            f"Lower-case letters, digits and hyphens, at most {MOST_NAME}.",
        )
    quiet()
    with _only_one_called(what.name, tell):
        client = connect()
        set_up(client, tell)
        _check_host()
        _remove_stale_labs(client, what.name, tell)
        outbox = Outbox(storage.home() / "cluster" / what.name)
        for run_id in sorted({name.run_id for name in outbox.names()}):
            tell(Noted(f"finished calls wait here for `lab experiment resume {run_id}`"))
        host = Host(what.host, what.lab_names, outbox, _open_lab(what, outbox))
        try:
            serve(what, host, tell)
        finally:
            with undisturbed():
                host.close()


def serve(what: Work, host: Host, tell: Listener) -> None:
    """Make calls as `host` for whichever scheduler answers there; see `work`."""
    deadline = time.monotonic() + what.patience_s
    while True:
        tell(Began(f"looking for the scheduler at {what.scheduler}"))
        if asyncio.run(_join(what, host, tell)):
            deadline = time.monotonic() + what.patience_s
        if time.monotonic() >= deadline:
            raise LabError(
                f"no scheduler of dask answers at {what.scheduler}",
                "`dask scheduler` starts one; --patience says how long to wait for it.",
            )
        time.sleep(POLL_S)


async def _join(what: Work, host: Host, tell: Listener) -> bool:
    """Work for the scheduler until it is gone; whether it was there."""
    try:
        worker = Worker(
            what.scheduler,
            name=what.name,
            # One more, to answer while all labs are busy.
            nthreads=what.labs + 1,
            resources={RESOURCE: what.labs},
            host=_own_address(what.scheduler),
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            death_timeout=max(POLL_S, what.patience_s),
        )
        setattr(worker, HOST, host)
        async with worker:
            tell(Noted(f"{what.name} makes calls for {what.scheduler}"))
            tell(Began("waiting for calls"))
            await worker.finished()
    except ValueError as error:
        raise LabError(f"{what.scheduler} does not take this worker: {error}", "") from error
    except (OSError, TimeoutError, RuntimeError):
        return False
    tell(Noted(f"the scheduler at {what.scheduler} is gone"))
    return True


def _own_address(scheduler: str) -> str:
    """The address of this host that the scheduler reaches: it listens nowhere else."""
    try:
        return str(get_ip(get_address_host(scheduler)))
    except (ValueError, OSError) as error:
        raise LabError(
            f"{scheduler!r} is no address of a scheduler", "Such as tcp://10.1.2.3:8786."
        ) from error


def _check_host() -> None:
    """LabError where the doctor finds that a lab cannot run here."""
    lacking = [finding for finding in examine() if finding.state is State.MISSING]
    if lacking:
        told = "; ".join(f"{finding.name}: {finding.detail}" for finding in lacking)
        raise LabError(f"this host cannot run labs: {told}", lacking[0].hint)


@contextmanager
def _only_one_called(name: str, tell: Listener) -> Iterator[None]:
    """Hold the name of a worker; one that is ending is waited for."""
    held = f"worker/{name}"
    with open_name() as taker:
        deadline = time.monotonic() + END_DEADLINE_S
        for _ in until_taken(taker, held, tell):
            if time.monotonic() > deadline:
                raise LabError(
                    f"a worker called {name} is here already: {holder_of(held)}", "Use --name."
                )
        yield


def _remove_stale_labs(client: DockerClient, name: str, tell: Listener) -> None:
    """Take down what a worker of this name left when it was killed."""
    for lab in sorted(names_of_labs(client)):
        if not re.fullmatch(rf"{re.escape(name)}-\d+", lab):
            continue
        # The lab's own process outlives the worker: it ends its call, and takes the lab down.
        until_no_run_in(lab, tell)
        if down(client, lab).docker_objects:
            tell(Noted(f"lab {lab}, which was left here, is removed"))


def _open_lab(what: Work, outbox: Outbox) -> OpenLab:
    """Labs in processes of their own, which keep finished calls though this one is killed."""

    @contextmanager
    def open_lab(lab: str, run: Run) -> Iterator[LabProcess]:
        assignment = Assignment(
            lab, run.run_id, run.topology, run.first, what.host, outbox.directory
        )
        with workers([assignment]) as [process]:
            yield process

    return open_lab
