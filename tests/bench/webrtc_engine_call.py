"""One call of two WebRTC peers in one process by either engine, and what became of its packets.

    webrtc_engine_call.py ENGINE TURN_ADDRESS SECONDS < passwords.json

Runs for `webrtc_engines.py`, which says what the figures are.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from lab.agents.voice.speaker import Speaker
from lab.wire.voice_client import OpusSettings

CLIP = Path("/usr/share/voice-tor-lab/speech/clip-16k.wav")
PTIME_MS = 20
ENGINES = {"aiortc": "webrtc_by_aiortc", "webrtcbin": "webrtc_by_webrtcbin"}
"""Each with a module beside this one that makes the call: its `call`."""


@dataclass
class Watched:
    """When every packet was where, Unix ns, by its RTP timestamp."""

    speaker: Speaker
    began_ns: int = 0
    """When the first one was due."""
    said: dict[int, int] = field(default_factory=dict)
    """Just before it was encrypted."""
    heard: dict[int, int] = field(default_factory=dict)
    """Just after it was decrypted."""
    given: list[int] = field(default_factory=list)
    """When the library's own playout gave it away, in their order."""

    def begin(self) -> None:
        """The clip begins."""
        self.speaker.start()
        self.began_ns = time.time_ns() + round(self.speaker.wait_s() * 1e9)

    def say(self, timestamp: int) -> None:
        """A packet is about to be encrypted."""
        self.said.setdefault(timestamp, time.time_ns())

    def hear(self, timestamp: int) -> None:
        """A packet was decrypted."""
        self.heard.setdefault(timestamp, time.time_ns())

    def give(self) -> None:
        """Voice of the next packet comes out of the library."""
        self.given.append(time.time_ns())


Call = Callable[[Watched, str, float, dict[str, str]], None]
"""By whom, with the TURN server at which address, for how many seconds, with whose passwords."""


def figures(watched: Watched) -> dict[str, list[float]]:
    """ms of every packet, by what they are."""
    sent, came = list(watched.said.values()), list(watched.heard.values())
    return {
        "left late": [
            (at - watched.began_ns) / 1e6 - PTIME_MS * number for number, at in enumerate(sent)
        ],
        "under way": [
            (watched.heard[stamp] - at) / 1e6
            for stamp, at in watched.said.items()
            if stamp in watched.heard
        ],
        "held": [(out - at) / 1e6 for at, out in zip(came, watched.given, strict=False)],
    }


def main() -> None:
    """See the module."""
    engine, address, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    call: Call = import_module(ENGINES[engine]).call
    watched = Watched(Speaker(CLIP, seconds, OpusSettings(ptime_ms=PTIME_MS)))
    call(watched, address, seconds, json.load(sys.stdin))
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "packets": len(watched.said),
        "came": len(watched.heard),
        "cpu_s": used.ru_utime + used.ru_stime,
        "rss_kib": used.ru_maxrss,
        "ms": figures(watched),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
