"""Calls made from the page: a command each, one at a time, ended as Ctrl-C does it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import pytest

from lab.events import CallBegan
from lab.events.told import Told
from lab.web import commands
from lab.web.call.desk import Desk
from lab.wire.playout import parse_playout

PLAYOUT = parse_playout("fixed:60")
RECORD = json.dumps({"call_id": "20260101T000000-3fa9c1", "status": "failed"})


def stand_in(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Have this program take the place of `lab`."""
    monkeypatch.setattr(commands, "WORDS", (sys.executable, "-c", program))


async def ended(at: Desk) -> None:
    async with asyncio.timeout(15):
        while at.is_busy:
            await asyncio.sleep(0.01)


def test_a_call_is_made_and_known_by_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, f"import sys; print({RECORD!r}); sys.exit(1)")

    async def make() -> Desk:
        at = Desk()
        at.make(("call", "sip", "--json"), PLAYOUT)
        assert at.is_busy
        await ended(at)
        return at

    at = asyncio.run(make())
    assert (at.made, at.made_call_id) == (1, "20260101T000000-3fa9c1")


def test_what_was_refused_is_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, "import sys; sys.exit('lab: no lab is up')")

    async def make() -> Desk:
        at = Desk()
        at.make(("call", "sip"), PLAYOUT)
        await ended(at)
        return at

    at = asyncio.run(make())
    assert at.made_call_id is None
    assert at.done is not None
    assert (at.done.status, at.done.sentence) == (1, "no lab is up")


def test_hanging_up_is_ctrl_c_and_another_call_waits_for_its_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    stand_in(
        monkeypatch,
        "import pathlib, sys, time\n"
        f"pathlib.Path({str(ready)!r}).touch()\n"
        "try: time.sleep(60)\n"
        "except KeyboardInterrupt: sys.exit('lab: interrupted')",
    )

    async def make() -> Desk:
        at = Desk()
        at.make(("call", "sip"), PLAYOUT)
        first = at.command
        at.make(("call", "v-tor"), PLAYOUT)
        assert at.command is first
        while not ready.exists():
            await asyncio.sleep(0.01)
        at.hang_up()
        await ended(at)
        return at

    began_s = time.monotonic()
    at = asyncio.run(make())
    assert time.monotonic() - began_s < 30
    assert at.interrupted
    assert at.done is not None
    assert at.done.sentence == "interrupted"


def test_the_buffer_of_the_pages_own_call_alone_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, "pass")

    def told(call_id: str, pid: int | None) -> Told:
        return Told(0.0, "demo", "call", pid or 0, CallBegan(call_id, "sip", "PCMU"))

    async def make() -> None:
        at = Desk()
        at.make(("call", "sip"), PLAYOUT)
        assert at.command is not None
        while at.command and at.command.pid is None:
            await asyncio.sleep(0.001)
        pid = at.command.pid if at.command else at._pid
        happenings = [told("own", pid), told("other", os.getpid())]
        assert at.playout_of("own", happenings) == PLAYOUT
        assert at.playout_of("other", happenings) is None
        assert at.playout_of("unheard of", happenings) is None
        await ended(at)
        assert at.playout_of("own", []) == PLAYOUT, "long ago"

    asyncio.run(make())
