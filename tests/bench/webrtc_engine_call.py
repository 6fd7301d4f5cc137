"""One call of two WebRTC peers in one process, and what became of its packets.

    webrtc_engine_call.py TURN_ADDRESS SECONDS < passwords.json

Runs in the endpoint's image, for `webrtc_engines.py`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from lab.agents.voice.speaker import Speaker
from lab.agents.webrtc import peer as engine
from lab.agents.webrtc.one_way import OneWayLoop
from lab.wire.ports import TURN_PORT
from lab.wire.voice_client import OpusSettings
from lab.wire.webrtc import TurnServer

CLIP = Path("/usr/share/voice-tor-lab/speech/clip-16k.wav")
SHARES = (50, 95, 99)


def noting(times: dict[int, int]) -> engine.OnPacket:
    """Keeps, by RTP timestamp, when a packet was seen first."""

    def note(time_ns: int, _sequence: int, timestamp: int, _opus: bytes) -> None:
        times.setdefault(timestamp, time_ns)

    return note


async def call(loop: OneWayLoop, address: str, seconds: float, passwords: dict[str, str]) -> None:
    """One call of two peers; prints how late, how long under way, and how long held."""
    said: dict[int, int] = {}
    heard: dict[int, int] = {}
    given: list[int] = []

    async def timed(track: Any) -> None:
        while True:
            await track.recv()
            given.append(time.time_ns())

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
                noting(said),
                noting(heard),
            )
        )
    caller, callee = peers
    await caller.accept(await callee.answer(await caller.offer()))
    while not (caller.connected_at and callee.connected_at):
        await asyncio.sleep(0.05)
    speaker = Speaker(CLIP, seconds, OpusSettings())
    caller.voice.speak(speaker, 20)
    began_ns = time.time_ns() + round((speaker.wait_s()) * 1e9)
    await asyncio.sleep(seconds + 2)
    for each in peers:
        await each.close()
    sent, came = list(said.values()), list(heard.values())
    late = [(at - began_ns) / 1e6 - 20 * number for number, at in enumerate(sent)]
    way = [(heard[stamp] - at) / 1e6 for stamp, at in said.items() if stamp in heard]
    held = [(out - at) / 1e6 for at, out in zip(came, given, strict=False)]
    print(f"{len(sent)} packets, of which {len(came)} came")
    for words, values in (
        ("left late", late),
        ("under way", way),
        ("held by the library's own playout", held),
    ):
        ordered = sorted(values)
        shares = [f"p{share} {ordered[len(ordered) * share // 100]:.1f}" for share in SHARES]
        print(f"  {words}: {', '.join(shares)}, worst {ordered[-1]:.1f} ms")


def main() -> None:
    """See the module."""
    loop = OneWayLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(call(loop, sys.argv[1], float(sys.argv[2]), json.load(sys.stdin)))


if __name__ == "__main__":
    main()
