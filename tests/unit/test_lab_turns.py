"""Who may call in a lab, when: a call waits for another one, not for a run, and not in silence."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from lab.engine import lock
from lab.engine.lock import has_run, has_turn, held_on, only_run_in, turn_in
from lab.engine.names import Holder
from lab.errors import LabError
from lab.events import Began, Happening
from lab.interruption import Interrupted, heeding_signals

SOON_S = 10.0
HOLDS = """
import subprocess, sys, time
from lab.engine.lock import held_on, only_run_in, turn_in
with {kind}({name!r}):
    began = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep({child_s})"], pass_fds=held_on({name!r})
    )
    print("has it", flush=True)
    time.sleep(60)
"""

Other = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def name() -> str:
    """Of a lab; names are taken on the whole host, where others may be testing."""
    return f"trial-{secrets.token_hex(4)}"


@pytest.fixture
def other(name: str) -> Iterator[Other]:
    """Starts another process that takes its turn in the lab, or has a run there."""
    started: list[subprocess.Popen[str]] = []

    def start(kind: str = "turn_in", child_s: float = 0.0) -> subprocess.Popen[str]:
        text = HOLDS.format(kind=kind, name=name, child_s=child_s)
        process = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "has it\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_call_waits_for_another_one_and_says_for_which(name: str, other: Other) -> None:
    told: list[Happening] = []
    first = other()

    def tell(happening: Happening) -> None:
        told.append(happening)
        assert has_turn(name) == Holder(first.pid)
        first.terminate()

    with turn_in(name, tell):
        assert has_turn(name) == Holder(os.getpid())
    assert told == [Began(f"waiting for process {first.pid}")]
    assert has_turn(name) is None


def test_the_wait_ends_with_a_signal(name: str, other: Other) -> None:
    other()

    def tell(_: Happening) -> None:
        threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT]).start()

    with pytest.raises(Interrupted), heeding_signals(), turn_in(name, tell):
        pass


def test_labs_do_not_wait_for_one_another(name: str, other: Other) -> None:
    other()
    with turn_in(f"{name}-2"):
        assert held_on(f"{name}-2")
        assert held_on(name) == ()


def test_the_turn_of_a_killed_call_is_over_when_all_that_it_began_has_ended(
    name: str, other: Other
) -> None:
    told: list[Happening] = []
    first = other(child_s=1.0)
    first.kill()
    first.wait()
    began = time.monotonic()
    with turn_in(name, told.append):
        assert time.monotonic() - began > 0.3
    assert told == [Began(f"waiting for what process {first.pid} left behind")]


def test_what_a_killed_call_began_and_does_not_end_is_an_error(
    name: str, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "ENDING_S", 0.2)
    monkeypatch.setattr(lock, "ASK_EVERY_S", 0.05)
    first = other(child_s=5.0)
    first.kill()
    first.wait()
    words = f"what process {first.pid} left behind still works in lab {name} after 0 s"
    with pytest.raises(LabError, match=words), turn_in(name):
        pass


def test_a_call_does_not_wait_for_a_run(name: str, other: Other) -> None:
    run = other("only_run_in")
    words = f"a run is under way in lab {name}: process {run.pid}"
    with pytest.raises(LabError, match=words), turn_in(name):
        pass
    words = f"another run is under way in lab {name}: process {run.pid}"
    with pytest.raises(LabError, match=words), only_run_in(name):
        pass


def test_a_run_takes_its_turns_in_its_own_lab(name: str) -> None:
    with only_run_in(name), turn_in(name):
        assert has_run(name) == has_turn(name) == Holder(os.getpid())


def test_a_command_is_called_as_its_user_typed_it(name: str, other: Other) -> None:
    program = "import time; print(flush=True); time.sleep(60)"
    typed = ["/somewhere/bin/lab", "call", "v-tor", "--name", "my lab"]
    command = [sys.executable, "-c", program, *typed]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        assert str(Holder(process.pid)) == (
            f"`lab call v-tor --name 'my lab'` (process {process.pid})"
        )
        process.kill()
    assert not Holder(process.pid).runs
    assert str(Holder(process.pid)) == f"process {process.pid}"
