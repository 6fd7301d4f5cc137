"""Commands that are started from the page: they run beside it, and say how they ended."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from lab.web import commands
from lab.web.commands import Done
from lab.web.runs.jobs import KEPT, Job, Jobs


async def ended(jobs: Jobs) -> None:
    async with asyncio.timeout(60):
        while jobs.under_way:
            await asyncio.sleep(0.05)


def test_a_command_is_under_way_and_then_says_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))

    async def go() -> tuple[Jobs, Job, int]:
        jobs, job = Jobs(), Job("experiment", "resume", "none-1", run_id="none-1")
        jobs.start(job)
        assert jobs.under_way == [job]
        before = jobs.version
        await ended(jobs)
        return jobs, job, before

    jobs, job, before = asyncio.run(go())
    assert list(jobs.ended) == [job]
    assert jobs.version > before
    assert job.done is not None
    assert job.done.status == 1
    assert job.said.startswith("there is no run none-1")
    assert job.said.endswith("The newest runs: none.")


UNTIL_SIGINT = """
import pathlib, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
pathlib.Path(sys.argv[1]).touch()
signal.sigwait([signal.SIGINT])
sys.exit("lab: interrupted")
"""


def test_an_interrupted_command_is_sent_sigint_and_may_put_back_what_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "WORDS", (sys.executable, "-c", UNTIL_SIGINT))
    ready = tmp_path / "ready"

    async def go() -> Job:
        jobs, job = Jobs(), Job(str(ready))
        jobs.start(job)
        async with asyncio.timeout(60):
            while not ready.exists():
                await asyncio.sleep(0.02)
        assert job.pid is not None
        jobs.interrupt(job)
        assert jobs.under_way == [job]
        await ended(jobs)
        return job

    job = asyncio.run(go())
    assert job.interrupted
    assert job.done is not None
    assert (job.done.status, job.said) == (1, "interrupted")


@pytest.mark.parametrize(
    ("err", "said"),
    [
        ("Run two-1\nRun two-1 is complete: 2 valid", "Run two-1 is complete: 2 valid"),
        ("made\nlab: it is taken\nWait until it ends.\n", "it is taken Wait until it ends."),
        ("lab: interrupted\n", "interrupted"),
    ],
)
def test_what_is_said_last_is_the_error_with_its_hint(err: str, said: str) -> None:
    job = Job("experiment")
    assert job.said == ""
    job.done = Done(1, "", err)
    assert job.said == said


def test_only_the_last_ones_are_kept() -> None:
    jobs = Jobs()
    jobs.ended.extend(Job(str(number)) for number in range(KEPT + 3))
    assert len(jobs.ended) == KEPT
