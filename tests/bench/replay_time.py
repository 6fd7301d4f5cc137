"""What `lab replay` costs per 30 s of voice: `python tests/bench/replay_time.py`.

CPU time (children included) and memory of playing a stream of G.711 that comes in bursts through
one buffer, of decoding and concealing it, and of the whole default ladder with its scores; one bare
score in the same run stands beside it.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

import soundfile
from forged_packets import voice, write
from talker import speak, wav

from lab.measure.capture import read_capture
from lab.measure.playout.coded import coded_voice
from lab.measure.playout.decoding import audio
from lab.measure.playout.playing import play, turns_ns
from lab.measure.playout.replay import LADDER, Voice, replay, settings_of
from lab.measure.rtp import Stream, streams
from lab.measure.score import score
from lab.measure.wav import Wav

ROUNDS = 3
SECONDS = 30
STALL_MS = 140
"""Of voice that comes at once, every two seconds; in between bursts of 100 ms."""


def bursty(directory: Path, clip: Wav) -> Stream:
    """The clip as it would come over Tor."""
    raw = directory / "clip.raw"
    soundfile.write(raw, clip.samples, 8000, format="RAW", subtype="ULAW")
    octets = raw.read_bytes()
    payloads = [octets[at : at + 160] for at in range(0, len(octets), 160)]
    delays = [
        200.0 + 100 - 20 * (number % 5) + STALL_MS * (number % 100 > 90)
        for number in range(len(payloads))
    ]
    frames = voice(len(payloads), delays_ms=delays, payloads=payloads)
    (stream,) = streams(read_capture(write(directory / "call.pcap", frames)))
    return stream


def cpu_s(action: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Median CPU time of an action, its children's included."""
    taken = []
    for _ in range(rounds):
        begin = spent_s()
        action()
        taken.append(spent_s() - begin)
    return statistics.median(taken)


def spent_s() -> float:
    """CPU time of this process and of those it waited for."""
    times = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in times)


def main() -> None:
    """Print the costs and their ratio to one score."""
    clip = wav(speak(seed=1, seconds=SECONDS))
    with tempfile.TemporaryDirectory() as directory:
        stream = bursty(Path(directory), clip)
    frames = coded_voice(stream, "PCMU")
    settings = settings_of("adaptive:60", frames)
    played = play(frames, settings, turns_ns(frames, None))
    heard = audio(played, "heard")
    began = time.perf_counter()
    costs = {
        "one bare score": cpu_s(lambda: score(clip, heard)),
        "playing through one buffer": cpu_s(lambda: play(frames, settings, turns_ns(frames, None))),
        "decoding and concealing": cpu_s(lambda: audio(played, "heard")),
        f"the ladder of {len(LADDER)} buffers": cpu_s(
            lambda: replay(Voice("callee", stream, None, "PCMU"), LADDER, clip), 1
        ),
    }
    one = costs["one bare score"]
    for what, seconds in costs.items():
        print(f"{what}: {seconds:.2f} s of CPU per {SECONDS} s of voice, {seconds / one:.2f} x")
    kib = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(
        f"memory at most {kib / 1024:.0f} MiB a process; {time.perf_counter() - began:.0f} s in all"
    )


if __name__ == "__main__":
    main()
