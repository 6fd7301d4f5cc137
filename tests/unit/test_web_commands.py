"""What is done from the page is a `lab` command: its words, its end, its interruption."""

from __future__ import annotations

import asyncio
import sys

import pytest

from lab.web import commands
from lab.web.commands import Command, Done, run_lab


def test_a_command_is_run_as_if_it_were_typed() -> None:
    done = asyncio.run(run_lab("places", "Sydney", "Tokyo", "--json"))
    assert done.status == 0
    assert '"Sydney"' in done.out


def test_an_error_is_its_own_sentence() -> None:
    done = asyncio.run(run_lab("places", "Sydny", "Tokyo"))
    assert done.status == 2
    assert "Sydny" in done.sentence
    assert not done.sentence.startswith("lab:")


def test_words_go_through_no_shell() -> None:
    done = asyncio.run(run_lab("places", "$(touch /tmp/x); Tokyo", "Tokyo"))
    assert "$(touch /tmp/x); Tokyo" in done.err


def test_it_is_interrupted_as_ctrl_c_does(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = "import sys,time\nprint('begun', flush=True)\ntime.sleep(60)"
    monkeypatch.setattr(commands, "WORDS", (sys.executable, "-c", waits))

    async def interrupted() -> Done:
        command = Command()
        end = asyncio.create_task(command.run())
        while not command.is_running:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        command.interrupt()
        return await end

    done = asyncio.run(interrupted())
    assert done.status == -2
    assert "KeyboardInterrupt" in done.sentence


def test_one_that_says_nothing_has_its_exit_status() -> None:
    assert Done(3, "", "").sentence == "exit status 3"
    assert Done(1, "told", "").sentence == "told"
    assert Done(1, "told", "lab: no lab is up\n").sentence == "no lab is up"
    hinted = Done(1, "", "building ...\nlab: no lab is up\n`lab up` brings one up.\n")
    assert hinted.sentence == "no lab is up `lab up` brings one up."
