"""One coverage-guided run over one kind of input, and what is left of it: counts and findings.

The run is a process of its own (hostile_process.py), as a reader may bring that down with it, too:
what libFuzzer then leaves is a finding, and another process goes on.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

LIMIT_S = {"topology": 5.0, "experiment": 10.0, "capture": 10.0, "recording": 20.0}
"""CPU time of one input, some fifty times what the slowest seed takes; tracing makes it slower."""
MOST_BYTES = {"topology": 64, "experiment": 64, "capture": 64, "recording": 256}
"""Of an input, KiB."""
WALL_LIMIT_S = 300
"""After which libFuzzer ends a process that no longer answers."""
SUMMARY = "summary.json"
PROCESS = str(Path(__file__).with_name("hostile_process.py"))


@dataclass(slots=True)
class Fuzzed:
    """What a run came to."""

    kind: str
    seeds: int = 0
    mutated: int = 0
    """Changed inputs that were read or refused."""
    accepted: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    """CPU time of the slowest input."""
    findings: dict[str, int] = field(default_factory=dict)
    """What left a reader besides its own error, and where → how often."""

    def add(self, other: Fuzzed) -> None:
        """Put what another process came to to this."""
        for name in ("mutated", "accepted", "refused", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.slowest_s = max(self.slowest_s, other.slowest_s)
        for finding, count in other.findings.items():
            self.findings[finding] = self.findings.get(finding, 0) + count


def fuzz(kind: str, seeds: list[bytes], runs: int, directory: Path, seed: int) -> Fuzzed:
    """Give `runs` mutated inputs to the reader; the first of each finding stays in `directory`."""
    corpus = directory / "corpus"
    corpus.mkdir(parents=True)
    for number, content in enumerate(seeds):
        (corpus / f"seed-{number:03}").write_bytes(content)
    whole = Fuzzed(kind, len(seeds))
    while whole.mutated < runs:
        command = [sys.executable, PROCESS, kind, str(runs - whole.mutated), str(directory)]
        with (directory / "log").open("a") as log:
            done = subprocess.run(
                [*command, str(seed + whole.mutated)], stdout=log, stderr=log, check=False
            )
        summary = Fuzzed(**json.loads((directory / SUMMARY).read_text()))
        whole.add(summary)
        if done.returncode != 0:
            ended = [path.name for path in directory.glob("ended-*")]
            finding = f"the process ended with status {done.returncode}: {', '.join(ended)}"
            whole.findings[finding] = whole.findings.get(finding, 0) + 1
            if not summary.mutated:
                break
    return whole
