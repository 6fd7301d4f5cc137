"""What comes from the other end: when all of it has come, and what is told when a client leaves."""

from __future__ import annotations

from pathlib import PurePosixPath

from lab.agents.voice.leaving import left
from lab.agents.voice.recording import Came, Recorder
from lab.wire.voice_client import OpusSettings, Playback, Talk

HERE = PurePosixPath("/calls/1")


def recorder(*media_ms: int, quiet_s: float = 60.0) -> Recorder:
    """One to which these packets have come."""
    hears = Recorder()
    logs = HERE / "sent.csv", HERE / "received.csv"
    hears.prepare(Talk(HERE / "clip.wav", 1.0, OpusSettings(), *logs, (), quiet_s))
    for at in media_ms:
        hears.take(Came(at, at * 1_000_000, b"\x08"))
    return hears


def test_a_packet_that_comes_twice_counts_once() -> None:
    hears = recorder(0, 20)
    assert not hears.take(Came(20, 99_000_000, b"\x08"))
    assert hears.take(Came(40, 99_000_000, b"\x08"))
    assert hears.packets == 3


def test_all_has_come_when_as_many_packets_came_as_were_expected() -> None:
    hears = recorder(0, 20)
    assert hears.received(3) is None
    hears.take(Came(40, 40_000_000, b"\x08"))
    told = hears.received(3)
    assert told
    assert (told.packets, told.complete) == (3, True)


def test_what_is_missing_is_waited_for_no_longer_than_was_ordered() -> None:
    told = recorder(0, 20, quiet_s=-1.0).received(3)
    assert told
    assert (told.packets, told.complete) == (2, False)


def test_who_leaves_tells_of_every_recording_and_of_what_it_took() -> None:
    playback = Playback(HERE / "caller.wav", 600, 600, 3, 0, 200.0, 220.0)
    told = left((playback,), [8.0, 9.0])
    assert (told.playbacks, told.round_trips_ms) == ((playback,), (8.0, 9.0))
    assert told.cpu_s > 0
    assert told.max_rss_kib > 0
