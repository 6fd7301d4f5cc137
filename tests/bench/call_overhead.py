"""What a call costs beyond its clip, and how many calls an hour labs side by side make.

Runs a small experiment with every number of labs asked for, each lab brought up and taken down
again. Prints, per number of labs, the seconds from one call's end to the next beyond the length
of the clip (one lab only), calls per hour, and the share of valid calls, which says whether the
host carried that many labs. The ratio is against one lab in the same execution.

    python tests/bench/call_overhead.py [--jobs 1,2,4] [--calls 3] [--methods sip,v-tor]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from lab.engine.client import connect
from lab.events import CallStage, Happening, RunAdvanced, RunBegan
from lab.measure.record import CallRecord
from lab.measure.wav import read_wav
from lab.store.database import open_store
from lab.sweep.experiment import Experiment
from lab.sweep.labs_here import labs_here
from lab.sweep.point import Point
from lab.sweep.run import go_on, new_run
from lab.topology.load import find_topology


@dataclass(slots=True)
class Clock:
    """A listener that notes when calls end."""

    began: float = 0.0
    ends: list[float] = field(default_factory=list)
    records: list[CallRecord] = field(default_factory=list)
    stages: list[dict[str, float]] = field(default_factory=list)
    """Per call, stage by stage in seconds; meaningful with one lab only."""
    _stage: str = "before"
    _since: float = 0.0

    def tell(self, happening: Happening) -> None:
        """Note the time of what matters."""
        match happening:
            case RunBegan():
                self.began = self._since = time.monotonic()
                self.stages.append({})
            case CallStage():
                self._turn_to(happening.stage)
            case RunAdvanced():
                self._turn_to("before")
                self.stages.append({})
                self.ends.append(self._since)

    def _turn_to(self, stage: str) -> None:
        now = time.monotonic()
        self.stages[-1][self._stage] = now - self._since
        self._stage, self._since = stage, now

    @property
    def seconds_per_call(self) -> list[float]:
        """From the end of one call, or the beginning, to the end of the next."""
        return [
            end - start for start, end in zip([self.began, *self.ends[:-1]], self.ends, strict=True)
        ]

    @property
    def calls_per_hour(self) -> float:
        """Calls of any outcome."""
        return 3600 * len(self.ends) / (self.ends[-1] - self.began)


def measure(jobs: int, calls: int, methods: Sequence[str]) -> Clock:
    """Run the experiment with that many labs side by side; every call is made, none repeated."""
    experiment = Experiment(
        name="overhead",
        description="",
        paper_table=None,
        topology=find_topology("paper"),
        seed=1,
        calls=calls * jobs,
        calls_at_most=calls * jobs,
        points=tuple(Point(method) for method in methods),
        quick=False,
        source="",
    )
    clock = Clock()
    with open_store() as store:
        run = new_run(store, experiment, "overhead" if jobs == 1 else None, jobs)
        go_on(labs_here(connect()), store, run, clock.tell)
        clock.records = store.calls(run.run_id)
    return clock


def clip_s(records: Sequence[CallRecord]) -> float:
    """Length of the clip that was played."""
    kept = next(record.artefacts for record in records if record.artefacts)
    return read_wav(Path(kept) / "reference.wav").duration_s


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", default="1,2,4")
    parser.add_argument("--calls", type=int, default=3, help="per method and lab")
    parser.add_argument("--methods", default="sip,v-tor")
    options = parser.parse_args(arguments)
    methods = options.methods.split(",")
    alone: float | None = None
    for jobs in (int(text) for text in options.jobs.split(",")):
        clock = measure(jobs, options.calls, methods)
        if jobs == 1:
            alone = clock.calls_per_hour
            for method in methods:
                beyond = [
                    seconds - clip_s(clock.records)
                    for seconds, record in zip(clock.seconds_per_call, clock.records, strict=True)
                    if record.method == method and record.status == "ok"
                ]
                if beyond:
                    print(
                        f"{method}: beyond the clip's {clip_s(clock.records):.1f} s median "
                        f"{median(beyond):.1f} s, worst {max(beyond):.1f} s (n = {len(beyond)})"
                    )
            for stage in clock.stages[0]:
                seconds = median(call[stage] for call in clock.stages if stage in call)
                print(f"  {stage}: {seconds:.1f} s")
        valid = sum(record.valid for record in clock.records)
        ratio = f", {clock.calls_per_hour / alone:.2f} x one lab" if alone else ""
        print(
            f"{jobs} labs: {clock.calls_per_hour:.0f} calls an hour{ratio}; "
            f"{valid} of {len(clock.records)} valid",
            flush=True,
        )


if __name__ == "__main__":
    main()
