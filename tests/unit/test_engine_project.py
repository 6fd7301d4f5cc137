"""A project on disk, and Compose's failures as sentences; Compose is a stand-in here."""

from __future__ import annotations

import os
import secrets
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.engine import lock
from lab.engine import project as engine_project
from lab.engine.lock import UP_PATIENCE_S, choosing_addresses, locked
from lab.engine.names import Holder
from lab.engine.project import compose_up, write_project
from lab.errors import LabError
from lab.events import Began, Happening
from lab.render.owner import Owner
from lab.render.project import Project

OWNER = Owner(os.getuid() or 10001, os.getgid() or 10001)
PROJECT = Project(
    files={"compose.yaml": b"name: trial\n", "nodes/caller/tor/torrc": b"x"},
    directories=("calls", "nodes/callee"),
    fingerprint="",
)

StandIn = Callable[[str], None]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def name() -> str:
    """Of a lab; locks hold on the whole host, where others may be testing."""
    return f"trial-{secrets.token_hex(4)}"


@pytest.fixture
def compose(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Lets a program of the test stand in for Compose."""

    def stand_in(program: str) -> None:
        command = (sys.executable, "-c", program)
        monkeypatch.setattr(engine_project, "compose_command", lambda: command)

    return stand_in


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_written_project_is_readable_for_its_owner_alone(tmp_path: Path, umask: None) -> None:
    directory = tmp_path / "labs" / "trial"
    write_project(PROJECT, directory, OWNER)
    found = {str(p.relative_to(directory)): p.stat() for p in directory.rglob("*")}
    assert found.keys() == {
        *("compose.yaml", "calls"),
        *("nodes", "nodes/callee", "nodes/caller", "nodes/caller/tor", "nodes/caller/tor/torrc"),
    }
    for name, entry in {**found, "": directory.stat()}.items():
        assert stat.S_IMODE(entry.st_mode) == (0o700 if stat.S_ISDIR(entry.st_mode) else 0o600)
        assert entry.st_uid == OWNER.uid, name


def test_a_disk_that_refuses_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match="cannot write the project of the lab in"):
        write_project(PROJECT, tmp_path / "file" / "labs", OWNER)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "failed to create network lab-trial_office: Error response from daemon: "
            "Pool overlaps with other one on this address space",
            "lab trial cannot have its subnet",
        ),
        (
            "Error response from daemon: error gathering device information while adding custom "
            'device "/dev/net/tun": no such file or directory',
            "lab trial needs /dev/net/tun",
        ),
        (
            "Error response from daemon: error gathering device information while adding custom "
            'device "/dev/net/tun": permission denied',
            "lab trial did not start: Error .* permission denied",
        ),
        ("Error response from daemon: no space left on device", "lab trial did not start: Error"),
        ("", "lab trial did not start"),
    ],
)
def test_what_compose_says_becomes_a_sentence(
    compose: StandIn, tmp_path: Path, name: str, said: str, sentence: str
) -> None:
    compose(f"import sys; print('Creating'); sys.exit({said!r})")
    with locked(name) as lock, pytest.raises(LabError, match=sentence):
        compose_up("trial", tmp_path, lock)


def test_a_name_is_held_by_one_command_at_a_time(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever each keeps its files."""
    told: list[Happening] = []
    with locked(name), locked(f"{name}-2"):
        monkeypatch.setenv("LAB_HOME", "/another")
        with (
            pytest.raises(
                LabError, match=f"{Holder(os.getpid())} has been working on lab {name} for 0 s"
            ),
            locked(name, patience_s=0, tell=told.append),
        ):
            pass
    with locked(name, patience_s=0):
        pass


def test_who_waits_for_another_command_says_so(name: str) -> None:
    told: list[Happening] = []
    held, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with locked(name):
            held.set()
            may_end.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    threading.Timer(0.3, may_end.set).start()
    began = time.monotonic()
    with locked(name, UP_PATIENCE_S, told.append):
        assert time.monotonic() - began > 0.2
    holder.join()
    assert told == [Began(f"waiting for {Holder(os.getpid())}")]


def test_one_lab_at_a_time_chooses_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "UP_PATIENCE_S", 0)
    with (
        choosing_addresses(),
        pytest.raises(LabError, match="has been working on the addresses of a new lab"),
        choosing_addresses(),
    ):
        pass


@pytest.mark.parametrize("odd", ["", "../etc", "x" * 300, "a\0b", "\udcff"])
def test_no_name_is_too_odd_for_a_lock(odd: str) -> None:
    with locked(odd):
        pass


def test_compose_outlives_a_killed_lab_and_keeps_its_name_locked(
    compose: StandIn, tmp_path: Path, name: str
) -> None:
    """Or `lab down` would remove what Compose is still adding to."""
    done = tmp_path / "done"
    killed = f"""
import time
from pathlib import Path
from lab.engine import project
from lab.engine.lock import locked
program = "import time; print(1, flush=True); time.sleep(1); open({str(done)!r}, 'w')"
project.compose_command = lambda: ({sys.executable!r}, "-c", program)
with locked({name!r}) as lock:
    print("locked", flush=True)
    project.compose_up("trial", Path("."), lock)
"""
    process = subprocess.Popen([sys.executable, "-c", killed], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "locked\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with pytest.raises(LabError), locked(name, patience_s=0):
        pass
    with locked(name, patience_s=10):
        assert done.exists()
