"""What `lab replay` makes of real packets, beside what the phones themselves made of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live_lab import LiveLab

pytestmark = [pytest.mark.live, pytest.mark.slow]

AGREES_MOS = 0.1
CALL_DEADLINE_S = 180.0


@pytest.fixture(scope="module")
def scattered(paper: LiveLab) -> Iterator[LiveLab]:
    """The lab while packets from and to the caller take 80 ms, more or less."""
    for direction in ("out", "in"):
        done = paper.lab.run(
            *("link", "set", "caller", "home", "--name", paper.name, "--direction", direction),
            *("--delay", "80ms", "--jitter", "35ms"),
        )
        assert done.returncode == 0, done.stderr
    yield paper
    assert paper.lab.run("link", "reset", "caller", "--name", paper.name).returncode == 0


@pytest.mark.parametrize(
    ("options", "playout"),
    [
        (("--playout", "fixed:60"), "fixed:60"),
        (("--playout", "adaptive:60"), "adaptive:60"),
        (("--phone", "studies"), "pjsua"),
        (("--playout", "fixed:60", "--codec", "GSM"), "fixed:60"),
    ],
)
def test_a_replay_agrees_with_what_the_phones_recorded(
    scattered: LiveLab, tmp_path: Path, options: tuple[str, ...], playout: str
) -> None:
    """Whatever the host did meanwhile, so that the call need not be valid: both met it."""
    call = ("call", "sip", "--name", scattered.name, "--json", *options)
    done = scattered.lab.run(*call, timeout_s=CALL_DEADLINE_S)
    assert done.returncode == 0, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    assert record["caller_arrival"] == record["callee_arrival"] == "late at random"
    assert record["stalls"] > 0
    told = json.loads((Path(record["artefacts"]) / "stalls.json").read_text())
    assert len(told["caller"]["ledger"]) == record["caller_stalls"]
    words = ("replay", record["call_id"], "--playout", playout, "--json")
    done = scattered.lab.run(*words, "--figures", str(tmp_path), timeout_s=CALL_DEADLINE_S)
    assert done.returncode == 0, done.stderr
    for end in json.loads(done.stdout)["ends"]:
        (replayed,) = end["playouts"]
        recorded = record[f"{end['end']}_pesq_mos"]
        assert replayed["pesq_mos"] == pytest.approx(recorded, abs=AGREES_MOS)
        assert replayed["stalls"]["stalls"] == record[f"{end['end']}_stalls"]
