"""The process of one fuzzing run: `python hostile_process.py KIND RUNS DIRECTORY SEED`.

Begins with the files in DIRECTORY/corpus, and leaves counts and findings in DIRECTORY. An input has
its `LIMIT_S` of CPU time, which other programs on the host cannot take from it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import atheris
from hostile_run import LIMIT_S, MOST_BYTES, SUMMARY, WALL_LIMIT_S, Fuzzed

with atheris.instrument_imports(include=["lab"]):
    from hostile_changes import changed
    from hostile_readers import was_read


class HangError(BaseException):
    """An input took longer than it may."""


class _Inputs:
    """The inputs of one process, one after another."""

    def __init__(self, kind: str, runs: int, directory: Path, seeds: int) -> None:
        self._kind = kind
        self._runs = runs
        self._directory = directory
        self._left_of_seeds = seeds
        self._began = time.monotonic()
        self._found = Fuzzed(kind)

    def take(self, content: bytes) -> None:
        """Give one input to its reader."""
        start = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, LIMIT_S[self._kind])
        try:
            if was_read(self._kind, content):
                self._found.accepted += 1
            else:
                self._found.refused += 1
        except (Exception, HangError) as error:
            self._keep(error, content)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        taken_s = time.process_time() - start
        self._found.slowest_s = max(self._found.slowest_s, taken_s)
        if self._left_of_seeds > 0:
            self._left_of_seeds -= 1
        else:
            self._found.mutated += 1
        done = self._found.mutated >= self._runs
        if done or self._found.mutated % 50 == 0:
            self._found.seconds = time.monotonic() - self._began
            (self._directory / SUMMARY).write_text(json.dumps(asdict(self._found)))
        if done:
            os._exit(0)

    def _keep(self, error: BaseException, content: bytes) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if "/lab/" in frame.filename] or frames[-1:]
        last = own[-1]
        finding = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
        count = self._found.findings.get(finding, 0)
        self._found.findings[finding] = count + 1
        if not count:
            name = finding.replace(" ", "-").replace(":", "-")
            (self._directory / name).write_bytes(content)
            (self._directory / f"{name}.txt").write_text("".join(traceback.format_exception(error)))


def _give_up(_signal: int, _frame: FrameType | None) -> None:
    raise HangError


def _main(kind: str, runs: int, directory: Path, seed: int) -> None:
    corpus = directory / "corpus"
    seeds = [path.read_bytes() for path in sorted(corpus.glob("seed-*"))]

    def mutated(content: bytes, most: int, number: int) -> bytes:
        chance = random.Random(number)
        if chance.random() < 0.5:
            return bytes(atheris.Mutate(content, most))
        # What has been changed already is refused mostly, and soon: what is right leads further.
        begin = chance.choice((content, chance.choice(seeds)))
        return changed(kind, begin, chance)[:most]

    inputs = _Inputs(kind, runs, directory, len([*corpus.iterdir()]) + 1)
    signal.signal(signal.SIGPROF, _give_up)
    options: dict[str, Any] = {
        "max_len": 1024 * MOST_BYTES[kind],
        "seed": seed or 1,
        "timeout": WALL_LIMIT_S,
        "rss_limit_mb": 4096,
        "artifact_prefix": f"{directory}/ended-",
        "print_final_stats": 1,
    }
    flags = [f"-{name}={value}" for name, value in options.items()]
    atheris.Setup([sys.argv[0], *flags, str(corpus)], inputs.take, custom_mutator=mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
