"""What the terminal shows of what happens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.cli.progress import RunProgress, SetupProgress, saying
from lab.events import (
    Began,
    Building,
    CallEnded,
    CallStage,
    Ended,
    Noted,
    RunAdvanced,
    RunBegan,
    RunEnded,
)

HEARD = {"caller_pesq_mos": 4.1, "caller_owd_ms_p50": 61.23, "callee_pesq_mos": 2.0}
CALL = CallEnded("20260101T000000-3fa9c1", "ok", True, None, (), HEARD)
RUN = RunAdvanced("table1", "sip.PCMU", 2, "caller", CALL, 2, 4.05, 7, 9, 3)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err.splitlines()


def test_the_stage_that_began_last_is_said() -> None:
    said: list[str] = []
    tell = saying(said.append, "sip: ")
    for happening in (Began("opening the path"), Ended("opening the path", 0.2), Began("calling")):
        tell(happening)
    assert said == ["sip: opening the path ...", "sip: calling ..."]


def test_setting_up_leaves_a_line_for_what_is_ready(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    progress = SetupProgress(said.append)
    for happening in (
        Began("Compose v2"),
        Noted("no registry gave [debian] (no such host)"),
        Ended("Compose v2", 3.21),
        Ended("pesq", 1.0, succeeded=False),
        Building("tor", 1, 9, "FROM ${BASE}"),
        Building("net", 2, 5, "RUN apt-get\n update"),
        replace(Building("tor", 9, 9, "ready"), ready=True),
    ):
        progress.tell(happening)
    *shown, image = lines(capsys)
    assert shown == ["no registry gave [debian] (no such host)", "Compose v2: ready after 3.2 s"]
    assert image.startswith("image tor: ready after ")
    assert said[0] == "Compose v2 …"
    assert said[2] == "tor: step 1 of 9: FROM ${BASE}; net: step 2 of 5: RUN apt-get update"
    assert said[3] == "net: step 2 of 5: RUN apt-get update"


def test_a_run_leaves_a_line_for_each_call(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    progress = RunProgress(said.append)
    failed = replace(CALL, status="failed", valid=False, reason="no answer", figures={})
    invalid = replace(CALL, valid=False, invalid_reasons=("too late", "too busy"))
    for happening in (
        RunBegan("table1", 8, 4),
        CallStage("sip.PCMU", 2, "calling"),
        RUN,
        replace(RUN, call=invalid, made=10),
        replace(RUN, call=failed, made=11, mean_mos=None, still_wanted=0),
        RunEnded("table1", 9, 1, 1),
    ):
        progress.tell(happening)
    assert said == ["sip.PCMU (2): calling ..."]
    begun, good, bad, last, end = lines(capsys)
    assert begun == "8 calls are stored; 4 are still wanted."
    assert good.startswith("[9/12] sip.PCMU: PESQ 4.10, 61.2 ms, mean 4.05 (n=2); ")
    assert good.endswith(" left")
    assert "PESQ 4.10, 61.2 ms, invalid, too late; too busy, mean 4.05" in bad
    assert last == "[11/11] sip.PCMU: failed, no answer; done"
    assert end == (
        "Run table1 is complete: 9 valid, 1 invalid and 1 failed calls. `lab report table1`"
    )


def test_a_long_call_has_a_range_of_scores(capsys: pytest.CaptureFixture[str]) -> None:
    windows = {f"caller_window_mos_{name}": mos for name, mos in (("min", 1.5), ("max", 4.2))}
    call = replace(CALL, figures={**windows, "caller_windows": 12.0})
    progress = RunProgress(lambda _: None)
    progress.tell(RunBegan("length", 0, 4))
    progress.tell(replace(RUN, call=call, made=1))
    [line] = lines(capsys)
    assert "PESQ 1.50 to 4.20 in 12 windows, no delay" in line


def test_a_run_goes_on_though_nothing_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", open("/dev/full", "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    RunProgress(lambda _: None).tell(RunEnded("table1", 9, 1, 1))
