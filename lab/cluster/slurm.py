"""Hosts that Slurm gives: its jobs are `lab worker`s, asked for through dask-jobqueue."""

from __future__ import annotations

import shlex
from typing import Any

from dask_jobqueue.slurm import SLURMCluster, SLURMJob

from lab.command import WORDS


class WorkerJob(SLURMJob):
    """A job of one worker, whose script starts `lab worker` in the place of dask's own."""

    def __init__(
        self, scheduler: str | None = None, name: str | None = None, labs: int = 1, **others: Any
    ) -> None:
        """`labs` side by side on a host; the others are dask-jobqueue's own."""
        super().__init__(scheduler, name, **others)  # type: ignore[no-untyped-call]
        words = ["worker", str(scheduler), "--name", str(name)]
        words += ["--labs", str(labs), "--patience", "0"]
        self._command_template = shlex.join([*WORDS, *words])


class SlurmHosts(SLURMCluster):
    """A scheduler of this process, with jobs that Slurm runs, each a host of its own.

    `SlurmHosts(queue=…, walltime=…, cores=2, memory="8GB", labs=1)`, `.scale(jobs=4)`, and
    `lab experiment run FILE --cluster` with its `scheduler_address`. A job gets a whole host
    (`--exclusive`): calls of two labs that do not know of each other would disturb each other.
    """

    job_cls: type[SLURMJob] = WorkerJob

    def __init__(self, *, job_extra_directives: list[str] | None = None, **others: Any) -> None:
        """As `dask_jobqueue.SLURMCluster`, and `labs`."""
        directives = ["--exclusive", *(job_extra_directives or [])]
        super().__init__(job_extra_directives=directives, **others)

    def _new_worker_name(self, worker_number: int) -> str:
        return f"slurm-{worker_number}"
