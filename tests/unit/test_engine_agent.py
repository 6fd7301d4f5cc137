"""Agents speak as their dialogue says; here they are small programs of this host."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.engine.agent import Agent, AgentEndedError, AgentError, AgentSilentError
from lab.wire.messages import Dialogue, Event, Order


@dataclass(frozen=True, slots=True)
class Say(Order):
    """Repeat this word."""

    word: str


@dataclass(frozen=True, slots=True)
class Said(Event):
    """The word that was ordered."""

    word: str


@dataclass(frozen=True, slots=True)
class Echoed(Event):
    """No program here says so."""


ECHO = Dialogue("echo", orders=(Say,), events=(Said, Echoed))
REPEATS = """
import json
for line in open(0):
    print(json.dumps({"message": "Said", "word": json.loads(line)["word"]}), flush=True)
"""


def agent(program: str) -> Agent:
    return Agent("echo in node", [sys.executable, "-c", program], ECHO)


def test_orders_are_answered_in_turn() -> None:
    with agent(REPEATS) as echo:
        assert echo.ask(Say("one"), Said, 5) == Said("one")
        echo.send(Say("two"))
        echo.send(Say("three"))
        assert [echo.expect(Said, 5).word for _ in range(2)] == ["two", "three"]


def test_an_agent_ends_in_its_own_time_where_who_started_it_is_killed(tmp_path: Path) -> None:
    """And a command that holds something holds it until then, however much the agent says."""
    done = tmp_path / "done"
    program = (
        "import sys, time; sys.stdin.read(); print('bye' * 100_000, flush=True); time.sleep(0.3); "
        "print('bye' * 1_000_000, file=sys.stderr, flush=True); "
        f"open({str(done)!r}, 'w')"
    )
    starter = f"""
import sys, time
from lab.engine.agent import Agent
from lab.wire.messages import Dialogue
agent = Agent("agent", [sys.executable, "-c", {program!r}], Dialogue("agent", (), ()))
print("started", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        process.kill()
    deadline = time.monotonic() + 10
    while not done.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_agent_that_tells_without_end_waits_until_it_is_heard(tmp_path: Path) -> None:
    said = tmp_path / "said"
    program = f"""
import json
for number in range(300):
    print(json.dumps({{"message": "Said", "word": str(number).zfill(1000)}}), flush=True)
open({str(said)!r}, "w").close()
input()
"""
    command = [sys.executable, "-c", program]
    with Agent("echo in node", command, ECHO, most_waiting=2) as flood:
        assert int(flood.expect(Said, 5).word) == 0
        time.sleep(0.3)
        assert not said.exists(), "a pipe and two events hold less than that"
        assert [int(flood.expect(Said, 5).word) for _ in range(299)] == list(range(1, 300))
        deadline = time.monotonic() + 5
        while not said.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_failure_is_raised_in_the_name_of_the_agent() -> None:
    program = """print('{"message": "Failed", "reason": "no such relay"}', flush=True); input()"""
    with agent(program) as broken, pytest.raises(AgentError, match="echo in node: no such relay"):
        broken.receive(5)


def test_another_event_than_the_awaited_one_is_an_error() -> None:
    with (
        agent(REPEATS) as echo,
        pytest.raises(AgentError, match=r'said {"message": "Said".*where Echoed was awaited'),
    ):
        echo.ask(Say("one"), Echoed, 5)


def test_an_event_of_another_version_is_an_error() -> None:
    program = """print('{"message": "Said", "words": 3}', flush=True); input()"""
    with agent(program) as newer, pytest.raises(AgentError, match=r"cannot be understood.*words"):
        newer.receive(5)


def test_an_agent_that_ends_says_its_last_words() -> None:
    program = "import sys; sys.exit('the device is gone')"
    with (
        agent(program) as ended,
        pytest.raises(AgentEndedError, match=r"(?s)has ended.*the device is gone"),
    ):
        ended.receive(5)


def test_an_agent_that_has_ended_stays_ended() -> None:
    with agent("") as ended:
        for _ in range(2):
            with pytest.raises(AgentEndedError):
                ended.receive(5)
        with pytest.raises(AgentEndedError):
            while True:
                ended.send(Say("more"))


def test_silence_has_a_deadline() -> None:
    with agent("input()") as silent, pytest.raises(AgentSilentError, match="said nothing"):
        silent.receive(0.1)


def test_what_is_no_message_is_kept_as_a_remark() -> None:
    program = """print('hello\\n[1]\\n{"message": "Said", "word": "up"}', flush=True); input()"""
    with agent(program) as chatty:
        assert chatty.receive(5) == Said("up")
        assert chatty.log_text == "hello\n[1]"


def test_the_end_of_its_input_ends_an_agent() -> None:
    began = time.monotonic()
    with agent(REPEATS):
        pass
    assert time.monotonic() - began < 3


def test_an_agent_that_does_not_follow_is_killed() -> None:
    stubborn = agent("import time; time.sleep(60)")
    began = time.monotonic()
    stubborn.close(timeout_s=0.2)
    assert time.monotonic() - began < 5
