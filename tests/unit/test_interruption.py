"""Signals: the first ends a command, none at an unsafe moment, and the rest change nothing."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cli import doctor, main
from lab.interruption import ENDING, Interrupted, heeding_signals, undisturbed

DEADLINE_S = 20.0
WORK = """
import signal, sys, time
from lab.interruption import heeding_signals, undisturbed

try:
    with heeding_signals():
        try:
            print("at work", flush=True)
            time.sleep({patience})
        finally:
            with undisturbed():
                print("putting back", flush=True)
                time.sleep(0.3)
                open(sys.argv[1], "w").write("put back")
except KeyboardInterrupt as error:
    sys.exit(error.status)
"""


@pytest.fixture(autouse=True)
def nothing_is_ignored() -> Iterator[None]:
    """A shell has what it starts in the background ignore two of them, and so would these tests."""
    before = {number: signal.getsignal(number) for number in ENDING}
    for number, handler in before.items():
        if handler is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_what_has_come_is_told_by_the_exit_status() -> None:
    for number in ENDING:
        with pytest.raises(Interrupted) as raised, heeding_signals():
            os.kill(os.getpid(), number)
        assert raised.value.status == 128 + number


def test_handlers_are_as_before_afterwards() -> None:
    before = [signal.getsignal(number) for number in ENDING]
    with heeding_signals():
        pass
    assert [signal.getsignal(number) for number in ENDING] == before


def test_a_second_signal_is_ignored() -> None:
    undone = []
    with pytest.raises(Interrupted) as raised, heeding_signals():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            undone.append("all")
    assert undone == ["all"]
    assert raised.value.status == 128 + signal.SIGTERM


def test_a_change_is_made_whole_and_remembered() -> None:
    done: list[str] = []
    with pytest.raises(Interrupted), heeding_signals():
        with undisturbed():
            with undisturbed():
                os.kill(os.getpid(), signal.SIGHUP)
                done.append("changed")
            done.append("remembered")
        done.append("gone on")
    assert done == ["changed", "remembered"]


def test_an_error_in_a_whole_change_is_not_lost() -> None:
    with pytest.raises(Interrupted) as raised, heeding_signals(), undisturbed():
        os.kill(os.getpid(), signal.SIGTERM)
        raise ValueError("broken")
    assert isinstance(raised.value.__context__, ValueError)


def test_other_threads_just_run() -> None:
    done: list[str] = []

    def work() -> None:
        with undisturbed():
            done.append("done")

    with heeding_signals():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert done == ["done"]


def test_what_was_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with heeding_signals():
            os.kill(os.getpid(), signal.SIGHUP)
        with pytest.raises(Interrupted), heeding_signals(even_if_ignored=True):
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT])
def test_a_storm_of_signals_leaves_nothing_half_undone(
    number: signal.Signals, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    process = subprocess.Popen(
        [sys.executable, "-c", WORK.format(patience=DEADLINE_S), note],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "at work\n"
    while process.poll() is None:
        process.send_signal(number)
        time.sleep(0.01)
    assert note.read_text() == "put back"
    # Once all is put back, and Python itself is ending, one more may end it at once.
    assert process.returncode in {128 + number, -number}


def test_a_terminal_that_is_closed_leaves_nothing_half_undone(tmp_path: Path) -> None:
    note = tmp_path / "note"
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(
            sys.executable, [sys.executable, "-c", WORK.format(patience=DEADLINE_S), str(note)]
        )
    assert os.read(terminal, 100).startswith(b"at work")
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert note.read_text() == "put back"
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_verb_ends_in_one_line(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["lab", "doctor"])
    monkeypatch.setattr(doctor.command, "callback", lambda **_: os.kill(os.getpid(), number))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 128 + number
    assert capsys.readouterr().err.strip() == "lab: interrupted"


POOL = """
import multiprocessing
from lab.interruption import heed_nothing, heeding_signals

with heeding_signals(), multiprocessing.get_context("fork").Pool(2, heed_nothing) as pool:
    print(pool.map(abs, [-1, -2]))
"""


def test_workers_of_a_pool_end_with_it_and_say_nothing() -> None:
    """They are ended by SIGTERM, and were forked from who heeds it."""
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", POOL],
            check=False,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "[1, 2]\n", "")
