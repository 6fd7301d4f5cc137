"""Workers, submitter and scheduler of a simulated sweep killed at random moments."""

from __future__ import annotations

import json
import subprocess
import sys

from lab.checkout import ROOT

BENCH = ROOT / "tests" / "bench" / "cluster_kills.py"
KILLS = 125
"""Of which four in five meet workers."""


def test_killed_at_a_hundred_random_moments_nothing_is_lost_or_made_twice() -> None:
    done = subprocess.run(
        [sys.executable, BENCH, "--kills", str(KILLS), "--seed", "3", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["workers_killed"] >= 100, found
    assert found["stored"] > 100, found
    for what in ("lost", "duplicated", "repeated", "incomplete"):
        assert found[what] == 0, found
