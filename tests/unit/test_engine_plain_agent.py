"""Agents speak JSON lines; here they are small programs of this host instead of a node's."""

from __future__ import annotations

import sys
import time

import pytest

from lab.engine.agent import AgentEndedError, AgentError, AgentSilentError
from lab.engine.plain_agent import PlainAgent as Agent

ECHO = """
import json, sys
for line in sys.stdin:
    order = json.loads(line)
    print(json.dumps({"heard": order["word"]}), flush=True)
"""


def agent(program: str) -> Agent:
    return Agent("trial in node", [sys.executable, "-c", program])


def test_orders_are_answered_in_turn() -> None:
    with agent(ECHO) as echo:
        assert echo.ask({"word": "one"}, 5) == {"heard": "one"}
        echo.send({"word": "two"})
        echo.send({"word": "three"})
        assert [echo.receive(5)["heard"] for _ in range(2)] == ["two", "three"]


def test_an_error_is_raised_in_the_name_of_the_agent() -> None:
    program = """input(); print('{"error": "no such relay"}', flush=True); input()"""
    with agent(program) as broken, pytest.raises(AgentError, match="trial in node: no such relay"):
        broken.ask({}, 5)


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
                ended.send({})


def test_silence_has_a_deadline() -> None:
    with agent("input()") as silent, pytest.raises(AgentSilentError, match="said nothing"):
        silent.receive(0.1)


def test_what_is_no_answer_is_kept_as_a_remark() -> None:
    program = """print('hello\\n[1]\\n{"event": "up"}', flush=True); open(0).read()"""
    with agent(program) as chatty:
        assert chatty.receive(5) == {"event": "up"}
    assert chatty.log_text == "hello\n[1]"


def test_the_end_of_its_input_ends_an_agent() -> None:
    began = time.monotonic()
    with agent(ECHO):
        pass
    assert time.monotonic() - began < 3


def test_an_agent_that_does_not_follow_is_killed() -> None:
    stubborn = agent("import time; time.sleep(60)")
    began = time.monotonic()
    stubborn.close(timeout_s=0.2)
    assert time.monotonic() - began < 5
