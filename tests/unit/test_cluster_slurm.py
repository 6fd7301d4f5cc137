"""The scripts that Slurm is given."""

from __future__ import annotations

import shlex

from lab.cluster.slurm import WorkerJob


def test_a_job_starts_a_worker_of_the_lab_on_a_host_of_its_own() -> None:
    job = WorkerJob(
        "tcp://10.1.2.3:8786",
        "slurm-0",
        labs=2,
        queue="short",
        walltime="02:00:00",
        cores=4,
        memory="8GB",
        job_extra_directives=["--exclusive"],
    )
    script: str = job.job_script()  # type: ignore[no-untyped-call]
    *directives, last = script.strip().splitlines()
    assert "#SBATCH -p short" in directives
    assert "#SBATCH -t 02:00:00" in directives
    assert "#SBATCH --exclusive" in directives
    words = shlex.split(last)
    assert words[words.index("worker") :] == [
        *("worker", "tcp://10.1.2.3:8786", "--name", "slurm-0"),
        *("--labs", "2", "--patience", "0"),
    ]
    assert "dask" not in last
