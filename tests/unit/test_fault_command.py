"""`lab fault`: what it does, tells and prints, with everything but Docker."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any, cast

import click
import pytest
from click.testing import CliRunner, Result
from test_faults_told import lab_of

from lab.cli import fault as cli
from lab.engine import discovery
from lab.engine.agent import AgentFailedError
from lab.engine.discovery import RunningNode
from lab.errors import LabError
from lab.events import Began, FaultBegan, FaultEnded, Happening, Listener
from lab.faults import nodes
from lab.faults.fault import Fault
from lab.faults.kind import Over
from lab.faults.links import LinkInjection

PAUSED = FaultBegan("pause", "relay1", None, None, None)


class Pause:
    """Pauses nothing."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def begin(self, of: str) -> float:
        self.done.append(f"begun by {of}")
        return time.time()

    def end(self) -> Over:
        self.done.append("ended")
        return Over(time.time())

    def keep(self) -> None:
        self.done.append("kept")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Happening]:
    happened: list[Happening] = []

    @contextmanager
    def opened(_name: str | None) -> Iterator[Any]:
        lab = lab_of(
            RunningNode("relay1", "relay", "a", "running", None),
            RunningNode("relay2", "relay", "b", "exited", 137),
        )
        yield None, lab, happened.append

    monkeypatch.setattr(cli, "_opened", opened)
    return happened


@pytest.fixture
def pause(monkeypatch: pytest.MonkeyPatch) -> Pause:
    made = Pause()

    @contextmanager
    def paused(_lab: object, fault: Fault, _tell: object) -> Iterator[Pause]:
        assert fault.node == "relay1"
        yield made
        made.done.append("put away")

    monkeypatch.setattr(nodes, "paused", paused)
    return made


def run(*words: str) -> Result:
    return CliRunner().invoke(cli.command, list(words))


def test_a_fault_stays_until_it_is_ended_and_says_how(told: list[Happening], pause: Pause) -> None:
    said = run("pause", "relay1")
    assert said.exit_code == 0
    assert said.stdout.strip() == (
        "relay1: paused. `lab fault resume relay1` ends it, `lab fault clear` all there are."
    )
    assert pause.done == ["begun by hand", "kept", "put away"]
    assert told == [PAUSED]
    values = json.loads(run("pause", "relay1", "--json").stdout)
    assert (values["undo"], values["ended_at"]) == ("lab fault resume relay1", None)


def test_a_fault_that_lasts_a_time_is_over_when_the_command_is(
    told: list[Happening], pause: Pause
) -> None:
    said = run("pause", "relay1", "--for", "50ms", "--json")
    assert said.exit_code == 0
    values = json.loads(said.stdout)
    assert values["ended_at"] - values["began_at"] >= 0.05
    assert values["undo"] is None
    assert pause.done == ["begun by hand", "ended", "put away"]
    began, over = told
    assert isinstance(began, FaultBegan)
    assert began.for_s == 0.05
    assert isinstance(over, FaultEnded)
    assert over.seconds is not None
    assert over.seconds >= 0.05


def test_interrupted_it_ends_the_fault_first(
    told: list[Happening], pause: Pause, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Event, "wait", interrupted)
    with pytest.raises(click.Abort):
        cli.command.main(["pause", "relay1", "--for", "1m"], standalone_mode=False)
    assert pause.done[:2] == ["begun by hand", "ended"]
    assert [type(one) for one in told] == [FaultBegan, FaultEnded]


def test_a_fault_that_does_not_come_about_is_no_fault(
    told: list[Happening], pause: Pause, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_self: Pause, _of: str) -> float:
        raise LabError("relay1 cannot be paused: no freezer")

    monkeypatch.setattr(Pause, "begin", refuses)
    with pytest.raises(LabError, match="no freezer"):
        cli.command.main(["pause", "relay1"], standalone_mode=False)
    assert told == []


@pytest.mark.parametrize("there_was", [True, False])
def test_ending_says_whether_there_was_anything_to_end(
    there_was: bool, told: list[Happening], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "go_on", lambda *_: there_was)
    said = run("resume", "relay1")
    assert said.exit_code == 0
    assert ("relay1: whole again" in said.stdout) is there_was
    assert ("relay1 had no fault that `resume` could end" in said.output) is not there_was
    assert json.loads(run("resume", "relay1", "--json").stdout)["ended"] is there_was


def test_what_is_broken_is_listed_with_what_ends_it(told: list[Happening]) -> None:
    (row,) = json.loads(run("list", "--json").stdout)
    assert (row["kind"], row["node"], row["undo"]) == (
        "kill", "relay2", "lab fault restart relay2",
    )  # fmt: skip
    assert "lab fault restart relay2" in run("list").stdout


@pytest.mark.parametrize("words", [("pause", "relay9"), ("resume", "relay9")])
def test_a_node_that_there_is_not_is_wrong_use(
    words: tuple[str, ...], told: list[Happening]
) -> None:
    with pytest.raises(LabError, match="there is no node 'relay9'; did you mean"):
        cli.command.main(list(words), standalone_mode=False)


@pytest.mark.parametrize("state", ["running", "paused", "exited"])
def test_a_restart_kills_what_is_not_dead_yet(
    state: str, told: list[Happening], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    found = RunningNode("relay1", "relay", "a", state, None)
    monkeypatch.setattr(nodes, "connect", lambda: None)
    monkeypatch.setattr(nodes, "found_now", lambda *_: found)
    monkeypatch.setattr(nodes, "kill", lambda *_: done.append("killed"))
    monkeypatch.setattr(nodes, "start_again", lambda *_, only: done.append(f"started {only}"))
    monkeypatch.setattr(cli, "_verified", lambda *_: True)
    assert run("restart", "relay1").exit_code == 0
    killed = state != "exited"
    assert done == ["killed"] * killed + ["started relay1"]
    over = FaultEnded("kill", "relay1", None, None, None)
    assert told == [FaultBegan("kill", "relay1", None, None, None)] * killed + [over]


def test_the_journal_is_told_once_of_what_is_verified(
    told: list[Happening], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = SimpleNamespace(stopped=())
    monkeypatch.setattr(discovery, "find_lab", lambda *_: whole)
    verified: list[str] = []

    def up(_client: object, _topology: str, name: str, tell: Listener) -> None:
        verified.append(name)
        tell(Began("Tor: all descriptors"))

    monkeypatch.setattr(nodes, "up", up)
    assert cli._verified(cast(Any, None), lab_of())
    assert (len(verified), told) == (1, [])


def test_a_link_that_is_broken_already_is_named_as_its_user_names_it() -> None:
    class Refuses:
        def ask(self, *_: object) -> None:
            raise AgentFailedError("net.faults", "10.0.0.3 is losing 20 % already, by hand")

    fault = Fault("down", "callee", "office")
    with pytest.raises(LabError) as caught:
        LinkInjection(cast(Any, Refuses()), IPv4Address("10.0.0.3"), fault).begin("hand")
    assert caught.value.message == "callee/office: 10.0.0.3 is losing 20 % already, by hand"
    assert "lab fault list" in caught.value.hint
