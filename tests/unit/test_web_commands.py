"""What is done from the page is a `lab` command: its words, its end, its interruption."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

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


def test_who_gives_up_waiting_leaves_it_and_its_interruption_to_the_end_of_the_loop(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    puts_back = (
        "import sys, time\n"
        "try: time.sleep(60)\n"
        "except KeyboardInterrupt: time.sleep(0.3); open(sys.argv[1], 'w').close()"
    )
    monkeypatch.setattr(commands, "WORDS", (sys.executable, "-c", puts_back))
    command = Command(str(tmp_path / "whole"))

    async def left() -> None:
        waiting = asyncio.create_task(command.run())
        while not command.is_running:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert command.is_running

    asyncio.run(left())
    assert not command.is_running
    assert (tmp_path / "whole").exists()
