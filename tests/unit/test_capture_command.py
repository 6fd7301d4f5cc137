"""`lab capture` as it is typed: what makes no sense is refused before Docker is asked."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from capturable_lab import call, lab_of
from click.testing import CliRunner
from command_here import NOWHERE, lab

from lab.capturing import live, running_call
from lab.capturing.kinds import kinds
from lab.capturing.live import Captured, Until
from lab.capturing.place import Place
from lab.capturing.sinks import LineSink, PcapSink, Sink
from lab.cli import capture as verb
from lab.engine import client
from lab.errors import LabError
from lab.lifecycle import ready

LAB = Path(sys.executable).with_name("lab")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "lab: no point to capture at\n`lab capture --list` tells where each is.\n"),
        (
            ("exit", "-w", "-", "--json"),
            "lab: -w - and --json both mean standard output\nTake one of them.\n",
        ),
        (("exit", "--duration", "soon"), "lab: --duration: 'soon' is not a duration"),
        (("exit", "--filter", "web"), "'web' is not one of 'voice', 'tunnel', 'tor', 'sip'"),
        (("exit", "--count", "0"), "0 is not in the range x>=1"),
    ],
    ids=["no point", "both outputs", "duration", "filter", "count"],
)
def test_what_makes_no_sense_is_wrong_use(words: tuple[str, ...], sentence: str) -> None:
    done = lab("capture", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr


def test_a_terminal_is_spared_the_binary() -> None:
    near, far = pty.openpty()
    done = subprocess.run(
        [LAB, "capture", "exit", "-w", "-"],
        env={**os.environ, "DOCKER_HOST": NOWHERE},
        stdout=far,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(far)
    os.close(near)
    assert done.returncode == 2
    assert done.stderr == (
        "lab: a pcap file is not for a terminal, and standard output is one\n"
        "Name a file, or pipe it: `lab capture exit -w - | wireshark -k -i -`.\n"
    )


def test_without_docker_there_is_no_lab() -> None:
    done = lab("capture", "exit")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("lab: the Docker engine does not answer: its socket")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a capture is asked for; it comes to what stands under `came to`."""
    found: dict[str, Any] = {"came to": Captured(7, 0, None)}

    def capture(_client: object, _lab: object, place: Place, packets: str, sink: Sink,
                until: Until, began: Callable[[], None]) -> Captured:  # fmt: skip
        found.update(place=place, filter=packets, sink=sink, until=until)
        began()
        came_to: Captured = found["came to"]
        return came_to

    monkeypatch.setattr(live, "capture", capture)
    monkeypatch.setattr(client, "connect", lambda: None)
    monkeypatch.setattr(ready, "open_lab_as_it_is", lambda *_: lab_of("paper"))
    monkeypatch.setattr(
        running_call, "call_under_way", lambda _: call("v-tor", "authority", "relay1", "relay2")
    )
    return found


def run(*words: str) -> tuple[int, str]:
    """Exit status and standard output."""
    done = CliRunner().invoke(verb.command, words)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout


def test_packets_of_the_call_under_way_are_lines(asked: dict[str, Any]) -> None:
    assert run("exit", "--filter", "tunnel", "--filter", "tor", "--filter", "tunnel") == (0, "")
    assert (asked["place"].machine, asked["place"].network) == ("relay2", "hosting")
    known = kinds(1194)
    assert asked["filter"] == f"{known['tunnel'].filter} or {known['tor'].filter}"
    assert isinstance(asked["sink"], LineSink)
    assert asked["until"] == Until(None, None)


def test_a_file_is_written_as_it_is(asked: dict[str, Any], tmp_path: Path) -> None:
    file = str(tmp_path / "live.pcap")
    words = ("caller", "-w", file, "-c", "5", "--duration", "2m", "--json")
    status, printed = run(*words)
    assert status == 0
    assert printed == f'{{\n  "file": "{file}",\n  "packets": 7,\n  "dropped": 0\n}}\n'
    assert isinstance(asked["sink"], PcapSink)
    assert asked["until"] == Until(5, 120)
    assert asked["filter"] == ""


def test_what_ended_it_is_an_error_that_comes_after_the_summary(asked: dict[str, Any]) -> None:
    asked["came to"] = Captured(3, None, LabError("caller of lab demo ended"))
    with pytest.raises(LabError, match="caller of lab demo ended"):
        run("caller")


def test_the_list_tells_where_every_point_is(asked: dict[str, Any]) -> None:
    status, printed = run("--list")
    rows = {line.split()[0]: line for line in printed.splitlines()}
    assert status == 0
    assert "on the last hop to the server" in rows["exit"]
    assert "relay2:hosting" in rows["exit"]
    assert "has no point service" in rows["service"]
    assert "place" not in asked


def test_the_summary_says_what_was_lost() -> None:
    assert verb._summary(Captured(7, 2, None)) == "7 packets, 2 dropped by the kernel"
    assert verb._summary(Captured(1, None, None)) == "1 packet; how many were dropped is not known"
