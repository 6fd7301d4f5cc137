"""A call by aiortc: the peers of the lab's own phone (`lab.agents.webrtc.peer`)."""

from __future__ import annotations

import asyncio
import time
from ipaddress import IPv4Address
from typing import Any

from webrtc_engine_call import PTIME_MS, Watched

from lab.agents.webrtc import peer as engine
from lab.agents.webrtc.one_way import OneWayLoop
from lab.wire.ports import TURN_PORT
from lab.wire.webrtc import TurnServer


def call(watched: Watched, address: str, seconds: float, passwords: dict[str, str]) -> None:
    """The first of the two talks."""
    loop = OneWayLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(_call(loop, watched, address, seconds, passwords))


async def _call(
    loop: OneWayLoop, watched: Watched, address: str, seconds: float, passwords: dict[str, str]
) -> None:
    async def timed(track: Any) -> None:
        while True:
            await track.recv()
            watched.give()

    engine._drain = timed
    loop.deadline = time.monotonic() + 30
    peers = []
    for user, password in passwords.items():
        server = loop.server = TurnServer(IPv4Address(address), TURN_PORT, user)
        peers.append(
            engine.Peer(
                server,
                password,
                False,
                lambda _time, _sequence, timestamp, _opus: watched.say(timestamp),
                lambda _time, _sequence, timestamp, _opus: watched.hear(timestamp),
            )
        )
    caller, callee = peers
    await caller.accept(await callee.answer(await caller.offer()))
    while not (caller.connected_at and callee.connected_at):
        await asyncio.sleep(0.05)
    caller.voice.speak(watched.speaker, PTIME_MS)
    # The peer has started the speaker: from here on nothing was awaited.
    watched.began_ns = time.time_ns() + round(watched.speaker.wait_s() * 1e9)
    await asyncio.sleep(seconds + 2)
    for each in peers:
        await each.close()
