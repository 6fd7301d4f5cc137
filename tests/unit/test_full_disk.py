"""A disk that takes no more, or never did: one sentence, exit status 1, and what was stored stays.

The limit is that of file sizes (setrlimit(2)), which needs no root: every write beyond it is
refused, as on a full disk, with another word.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from bundled_runs import make_run

from lab.store.database import open_store

LAB = Path(sys.executable).with_name("lab")
STORING = """
import sys
from simulated_calls import simulated
from lab.store.database import open_store
from lab.sweep.plan import PlannedCall
from lab.sweep.point import Point
with open_store() as store:
    for number in range(10_000):
        store.add_call(simulated(PlannedCall(Point("sip"), number, seed=number)))
        print(number, flush=True)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    make_run(tmp_path)
    return tmp_path


def limited(most_bytes: int, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command whose files cannot grow beyond so many bytes."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    return subprocess.run(
        words, preexec_fn=limit, capture_output=True, text=True, timeout=100, check=False
    )


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr, done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("lab: ")]
    return line


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("up", "small", "--dry-run", "--directory", "rendered"), "in rendered: File too large"),
        (("report", "last", "--html"), "report.html cannot be written: File too large"),
        (("export", "last", "--out", "calls.csv"), "cannot write calls.csv: File too large"),
        (("bundle", "last", "-o", "run.tar.gz"), "cannot store results in "),
    ],
    ids=lambda given: given[0] if isinstance(given, tuple) else "",
)
def test_what_cannot_be_written_is_one_sentence(
    home: Path, words: tuple[str, ...], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    with open_store() as store:
        # Only while it is open can another process read it and write nothing.
        run = store.run("last")
        said = complaint(limited(256, LAB, *words))
        assert what in said
        assert len(store.calls(run.run_id)) == 8


def test_results_that_cannot_be_read_are_one_sentence(home: Path) -> None:
    """SQLite has to write beside them first."""
    said = complaint(limited(256, LAB, "export", "last", "--out", str(home / "calls.csv")))
    assert "cannot read the results in " in said
    with open_store() as store:
        assert len(store.calls(store.run("last").run_id)) == 8


def test_what_was_stored_before_the_disk_was_full_is_there(home: Path) -> None:
    environment = os.pathsep.join([*sys.path, str(Path(__file__).parents[1] / "bench")])
    size = (home / "home/results/results.sqlite").stat().st_size
    storing = ["env", f"PYTHONPATH={environment}", sys.executable, "-c", STORING]
    done = limited(size + 200_000, *storing)
    assert "LabError: cannot store results" in done.stderr
    stored = len(done.stdout.splitlines())
    assert stored > 0
    with open_store() as store:
        assert len(store.calls(None)) - 8 == stored


@pytest.mark.parametrize("words", [("experiment", "resume", "last"), ("measure", "last")])
def test_a_home_that_cannot_be_made_is_one_sentence(
    tmp_path: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "file" / "home"))
    said = complaint(limited(resource.RLIM_INFINITY, LAB, *words))
    assert "cannot open the results in " in said
    assert said.endswith("Not a directory")
