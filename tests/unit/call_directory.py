"""Directories of calls that nobody made: notes, captures, recordings, as a lab leaves them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath

import soundfile
from damaged_calls import later
from forged_packets import START_NS, Frame, ethernet, ipv4, tcp, voice, write
from talker import Samples, speak

from lab.calls.coding import choose_coding
from lab.calls.measurer import content_of
from lab.clip.coded import write_coded
from lab.ends import CALLEE, CALLER
from lab.measure.call.files import CODED, REFERENCE
from lab.measure.call.measured import measure_call
from lab.measure.call.notes import (
    CallNotes,
    CallPlan,
    CodingNotes,
    Counted,
    LabNotes,
    PointNotes,
    Reports,
    write_notes,
)
from lab.measure.call.path import EndNotes, Hop, VoicePath
from lab.measure.call.scores import Scoring
from lab.measure.host_load import CpuTimes, NodeUsage
from lab.measure.record import CallRecord
from lab.measure.score import Score
from lab.wire.codecs import CODECS
from lab.wire.mumble import ClientReport, Joined
from lab.wire.phone import Confirmed, Ended, Media, PacketCounts, PhoneReport, Registered
from lab.wire.playout import FIXED
from lab.wire.probe import CaptureCounts, RoundTrips, Scheduling
from lab.wire.voice_client import Left, Playback

HOME, OFFICE, SERVER = "10.77.16.3", "10.77.21.3", "10.77.20.3"
CLIP_S = 12
DELAY_MS = 5.0
"""Of every packet, either way."""
_KNOWN: dict[Hashable, Score] = {}


def call_notes(method: str = "sip", **changes: object) -> CallNotes:
    """What is known of a call that went well."""
    codec = CODECS["OPUS" if method == "mumble" else "PCMU"]
    server = Hop("mumble" if method == "mumble" else "pbx", IPv4Address(SERVER))
    notes = CallNotes(
        call_id=f"20260101T000000-{method}",
        started_at="2026-01-01T00:00:00.000+00:00",
        plan=CallPlan(method, codec.name, seed=3, columns={"direction": "to-callee"}),
        coding=CodingNotes.of(choose_coding(codec)),
        lab=LabNotes("paper", "paper", "cubic", 100_000, "AES-256-GCM", "SHA1"),
        exchange="murmur" if method == "mumble" else "kamailio",
        duration_s=float(CLIP_S),
        versions={"lab": "1", "tor": "0.4.9.11"},
        path=VoicePath(
            caller=EndNotes(CALLER, IPv4Address(HOME), IPv4Address(HOME), "access"),
            callee=EndNotes(CALLEE, IPv4Address(OFFICE), IPv4Address(OFFICE), "callee"),
            hops=(server,),
            server=server,
            exit_machine="relay2",
            client_connects=method == "mumble",
        ),
        points=tuple(_points(method)),
        clocks=dict.fromkeys((CALLER, CALLEE, "relay2"), "boot-1"),
        captures={name: CaptureCounts(1200, 0) for name in ("access", "callee", "exit")},
        ping=RoundTrips(12, 12, (10.0, 11.0, 12.0)),
        scheduling=Scheduling(0.4, 3.0, 0.01),
        host=(CpuTimes(1000, 900, 0), CpuTimes(2000, 1500, 10)),
        usage=(
            {"relay1": NodeUsage(100.0, 1.0, 0), "pbx": NodeUsage(100.0, 1.0, 0)},
            {"relay1": NodeUsage(110.0, 1.5, 0), "pbx": NodeUsage(110.0, 1.2, 0)},
        ),
        reports=_mumble_reports() if method == "mumble" else _phone_reports(),
    )
    for name, value in changes.items():
        setattr(notes, name, value)
    return notes


@cache
def clip() -> Samples:
    """What both ends played."""
    return speak(seed=1, seconds=CLIP_S)


def make_directory(parent: Path, notes: CallNotes, heard: Samples | None = None) -> Path:
    """Leave a call in `parent` as a lab does; both ends heard `heard`, by default the clip."""
    directory = parent / notes.call_id
    directory.mkdir(parents=True)
    soundfile.write(directory / REFERENCE, clip(), 8_000)
    write_traces(directory, notes, heard)
    write_coded(directory / REFERENCE, directory / CODED, notes.coding.codec)
    write_notes(directory, notes)
    return directory


def known_scores(score: Callable[[Scoring], Score], jobs: Iterable[Scoring]) -> list[Score]:
    """Score what no test has scored before: most calls here sound alike."""
    keyed = [(content_of(job), job) for job in jobs]
    for key, job in keyed:
        if key not in _KNOWN:
            _KNOWN[key] = score(job)
    return [_KNOWN[key] for key, _ in keyed]


def measured(directory: Path) -> CallRecord:
    """The record of a call's directory, in this process."""
    return measure_call(directory, known_scores).record


def write_traces(directory: Path, notes: CallNotes, heard: Samples | None = None) -> None:
    """Leave what a call's programs leave: recordings, and captures or logs of voice."""
    for end in (CALLER, CALLEE):
        recording = later(clip(), 0.3) if heard is None else heard
        soundfile.write(directory / f"{end}.wav", recording, 8_000)
    if notes.plan.method == "mumble":
        soundfile.write(directory / f"{CALLER}-adaptive.wav", later(clip(), 0.1), 8_000)
        _write_logs(directory)
        _write_tcp(directory)
    else:
        _write_rtp(directory)


def _points(method: str) -> list[PointNotes]:
    home, server, office = map(IPv4Address, (HOME, SERVER, OFFICE))
    levels = ("ip", "eth")
    return [
        PointNotes(
            "access", CALLER, "access.pcap", f"host {HOME}", home,
            counted=Counted(home, server, near_is_caller=True, levels=levels),
        ),
        PointNotes(
            "exit", "relay2", "exit.pcap", f"host {SERVER}", server,
            counted=Counted(
                server, None, near_is_caller=False, levels=levels, begun_only=method == "mumble"
            ),
        ),
        PointNotes("callee", CALLEE, "callee.pcap", f"host {OFFICE}", office),
    ]  # fmt: skip


def _write_rtp(directory: Path) -> None:
    """What the caller says has SSRC 1 on both legs, what the callee says 2."""
    count = CLIP_S * 50
    late = [DELAY_MS] * count

    def leg(ssrc: int, source: str, destination: str, delays: list[float] | None) -> list[Frame]:
        return voice(count, ssrc=ssrc, source=source, destination=destination, delays_ms=delays)

    near = [*leg(1, HOME, SERVER, None), *leg(2, SERVER, HOME, late)]
    far = [*leg(1, SERVER, OFFICE, late), *leg(2, OFFICE, SERVER, None)]
    for point, frames in (("access", near), ("exit", near), ("callee", far)):
        ordered = sorted(frames, key=lambda frame: frame.time_ns)
        write(directory / f"{point}.pcap", ordered)


def _write_logs(directory: Path) -> None:
    """Mumble clients' own logs; their numbers count tens of milliseconds."""
    for end, delay_ms in (("sent", 0.0), ("received", DELAY_MS)):
        for name in (CALLER, CALLEE):
            rows = [
                f"{2 * n},{START_NS + n * 20_000_000 + round(delay_ms * 1e6)},100"
                for n in range(CLIP_S * 50)
            ]
            text = "\n".join(["sequence,time_ns,bytes", *rows]) + "\n"
            (directory / f"{name}-{end}.csv").write_text(text)


def _write_tcp(directory: Path) -> None:
    """A connection that begins while captures run, and one that was there before."""
    frames = [Frame(START_NS - 10**6, _segment(b"", 4000, flags=2))]
    for n in range(CLIP_S * 50):
        at = START_NS + n * 20_000_000
        frames.append(Frame(at, _segment(b"x" * 150, 4000)))
        frames.append(Frame(at + 10**6, _segment(b"y" * 500, 4001)))
    for point in ("access", "exit", "callee"):
        write(directory / f"{point}.pcap", frames)


def _segment(payload: bytes, port: int, flags: int = 0x18) -> bytes:
    return ethernet(ipv4(tcp(payload, port, 64738, flags), HOME, SERVER, protocol=6))


def _phone_reports() -> Reports:
    counts = PacketCounts(600, 600, 0, 0, 0, 0, 6, 0, 0, 201, 204)
    report = PhoneReport(
        registered=Registered(3600, "pjsua2 2.15.1"),
        confirmed=Confirmed(41.5, "call-1"),
        media=Media("PCMU", 8000, 0, 0, 20, False, f"{SERVER}:30000", FIXED),
        ended=Ended(200, "OK", 12.4, counts),
    )
    return Reports("phone", report, replace(report, confirmed=Confirmed(30.0, "call-1")))


def _mumble_reports() -> Reports:
    playback = Playback(PurePosixPath("/calls/x/caller.wav"), 600, 600, 3, 0, 200.0, 220.0)
    report = ClientReport(
        joined=Joined(1.0, 25.0, "TLSv1.3", "libopus 1.3.1"),
        left=Left(2.0, (playback,), (8.0, 9.0, 10.0), 0.5, 20_000),
    )
    return Reports("mumble", report, report)
