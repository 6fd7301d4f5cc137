"""What the pages of runs say: how far each has come, and what its points have given."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from web_runs import SIP, TOR, keep, made, run_of

from lab.engine.lock import alone
from lab.engine.names import Holder
from lab.errors import LabError
from lab.events import CallEnded, RunAdvanced, RunBegan
from lab.events.journal import append, run_journal
from lab.events.told import Told, to_line
from lab.measure.precision import mean_half_width
from lab.measure.statistics import Counts, share_interval
from lab.report.pages import interval_text
from lab.sweep.locks import only_hand_on
from lab.sweep.pace import time_left
from lab.web.runs import progress
from lab.web.runs.cells import point_cells, run_cells
from lab.web.runs.pacing import Pacing
from lab.web.runs.progress import COMPLETE, INTERRUPTED, UNDER_WAY, Hands, listed, row_of, view_of


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    return tmp_path


def test_without_results_nothing_is_listed() -> None:
    assert listed(Hands()) == progress.Listed((), ())


def test_runs_are_listed_newest_first_with_their_calls_counted_apart() -> None:
    older = run_of([SIP, TOR])
    newer = replace(
        run_of([SIP], "two-2"), started_at="2026-01-02T00:00:00.000+00:00", ended_at="2026-01-03"
    )
    calls = [made(SIP, 1), made(SIP, 2, "invalid"), made(TOR, 1, "failed")]
    keep([older, newer], calls)
    first, second = listed(Hands()).runs
    assert (first.run_id, first.state, first.counts) == ("two-2", COMPLETE, Counts(0, 0, 0))
    assert (second.run_id, second.state, second.points) == ("two-1", INTERRUPTED, 2)
    assert second.counts == Counts(valid=1, invalid=1, failed=1)
    assert second.still_wanted == 3
    assert second.share_made == 0.5
    cells = run_cells(second)
    assert cells["state"] == "‖ interrupted, 50%"
    assert cells["experiment"] == "two (quick)"
    assert cells["interrupted"] is True


def test_a_run_that_a_command_goes_on_with_is_under_way() -> None:
    keep([run_of([SIP])], [])
    hands = Hands()
    with only_hand_on("two-1"):
        assert row_of("two-1", hands).state == UNDER_WAY
        assert hands.on("two-1") == Holder(os.getpid())
    # As long as the process runs, it is not asked again: its queue for questions is bounded.
    assert hands.on("two-1") == Holder(os.getpid())
    assert Hands().on("two-1") is None


def test_a_hand_whose_process_has_ended_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    hands = Hands()
    monkeypatch.setattr(progress, "hand_on", lambda _run_id: Holder(2**22 + 1))
    assert hands.on("two-1") is None


def test_another_lock_of_the_same_process_is_no_hand() -> None:
    with alone("run/elsewhere/two-1", "taken", ""):
        assert Hands().on("two-1") is None


def test_calls_of_no_run_are_listed_apart_newest_first() -> None:
    singles = [
        made(SIP, number, run_id=None, point_id=None, point_call=None) for number in (1, 3, 2)
    ]
    keep([run_of([SIP])], [*singles, made(SIP, 5)])
    listed_calls = [call.call_id for call in listed(Hands()).single_calls]
    assert listed_calls == [f"{SIP.point_id}-{number}" for number in (3, 2, 1)]


def test_points_have_figures_of_valid_calls_at_the_end_that_is_scored() -> None:
    to_caller = TOR.but(direction="to-caller")
    scored: dict[str, Any] = {
        "callee_pesq_mos": 1.0,
        "callee_owd_ms_p50": 900.0,
        "caller_jitter_mean": 8.0,
    }
    calls = [
        made(to_caller, 1, caller_pesq_mos=4.0, caller_owd_ms_p50=100.0, **scored),
        made(to_caller, 2, caller_pesq_mos=3.0, caller_owd_ms_p50=300.0, **scored),
        made(to_caller, 3, "invalid", caller_pesq_mos=1.0, caller_owd_ms_p50=5000.0),
        made(to_caller, 4, "failed"),
    ]
    keep([run_of([to_caller, SIP])], calls)
    view = view_of("last", Hands())
    row, empty = view.points
    assert row.counts == Counts(valid=2, invalid=1, failed=1)
    half = mean_half_width([4.0, 3.0])
    assert half is not None
    assert (row.mos.estimate, row.mos.n) == (3.5, 2)
    assert row.mos.low == pytest.approx(3.5 - half)
    assert (row.delay_ms.estimate, row.jitter_ms.estimate) == (200.0, 8.0)
    # PESQ of exactly 3 is not above 3.
    assert row.good == share_interval(1, 2)
    cells = point_cells(row)
    assert cells["mos"] == interval_text(row.mos, 2)
    assert (cells["scored"], cells["wanted"]) == ("caller", 0)
    assert cells["good"].startswith("50 (")
    unmeasured = point_cells(empty)
    assert [unmeasured[name] for name in ("mos", "delay", "jitter", "good")] == ["-"] * 4
    assert (empty.counts, empty.still_wanted) == (Counts(0, 0, 0), 2)
    assert view.row.still_wanted == 2


def test_one_call_has_a_mean_and_no_interval() -> None:
    keep([run_of([SIP])], [made(SIP, 1, callee_pesq_mos=4.25)])
    (row,) = view_of("two-1", Hands()).points
    assert (row.mos.estimate, row.mos.low, row.mos.high) == (4.25, None, None)
    assert point_cells(row)["mos"] == "4.25"


def test_a_run_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(LabError, match="no run three-1"):
        view_of("three-1", Hands())


def told(at: float, what: RunBegan | RunAdvanced, pid: int = 7) -> Told:
    return Told(at, None, "experiment", pid, what)


def advanced(made: int, valid: int, still_wanted: int) -> RunAdvanced:
    call = CallEnded("call", "ok", True, None, (), {})
    return RunAdvanced("two-1", "sip", 1, "callee", call, 1, None, valid, made, still_wanted)


def write(*lines: Told) -> None:
    journal = run_journal("two-1")
    journal.parent.mkdir(parents=True, exist_ok=True)
    append(journal, b"".join(to_line(line).encode() + b"\n" for line in lines))


def test_the_time_left_is_by_the_pace_since_the_run_was_gone_on_with() -> None:
    write(told(10.0, RunBegan("two-1", 0, 9), pid=6), told(20.0, advanced(1, 1, 8), pid=6))
    pacing = Pacing("two-1", 7)
    assert pacing.time_left() is None
    write(told(100.0, RunBegan("two-1", 1, 8)))
    assert pacing.time_left() is None
    write(told(130.0, advanced(2, 2, 7)), told(160.0, advanced(3, 2, 7)))
    assert pacing.time_left() == time_left(60.0, 2, 3, 2, 7) == timedelta(seconds=315)


def test_the_pace_of_a_journal_without_its_beginning_is_that_of_what_is_kept() -> None:
    write(told(100.0, advanced(50, 40, 9)))
    pacing = Pacing("two-1", 7)
    assert pacing.time_left() is None
    write(told(120.0, advanced(52, 42, 7)))
    assert pacing.time_left() == time_left(20.0, 2, 52, 42, 7)
