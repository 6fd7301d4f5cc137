"""Every reader of what others wrote, as the fuzzers and a unit test call it.

A reader says True where it could read its input, and False where it refused it with the lab's own
error; whatever else leaves it is a finding.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from ipaddress import IPv4Network
from pathlib import Path
from zlib import crc32

import numpy as np
import soundfile
from forged_packets import pcap, voice

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

from talker import speak

from lab.checkout import ROOT
from lab.errors import LabError
from lab.lifecycle.plan import plan_lab, render_plan
from lab.measure.capture import read_capture
from lab.measure.clock_agreement import freed_of_steps
from lab.measure.jitter import running_jitter
from lab.measure.rtp import streams
from lab.measure.score import score
from lab.measure.speech import RATE_HZ
from lab.measure.stream_report import stream_report
from lab.measure.two_captures import compare
from lab.measure.wav import open_wav, read_wav
from lab.sweep.experiment import parse_experiment
from lab.sweep.plan import make_plan, plan_from_json
from lab.topology.load import Source, parse_topology

BLOCK = IPv4Network("10.64.0.0/12")
SCORED = 16
"""One of so many recordings is scored as well: PESQ takes a hundred times longer than reading."""
RENDERED = 256
"""One of so many topologies is rendered as well: its keys take most of that time."""
QUICK = 4
"""One of so many experiments is read for a quick run as well."""
CLIP_S = 5.0

Reader = Callable[[bytes], None]


def read_topology_text(content: bytes) -> None:
    """A topology file, through `lab up --dry-run`."""
    raw = parse_topology(content)
    plan = plan_lab(Source(raw, content.decode("utf-8-sig")), None, BLOCK)
    if _one_of(RENDERED, content):
        render_plan(plan)


def read_experiment_text(content: bytes) -> None:
    """An experiment file, to the frozen plan of its run, whole and quick."""
    for quick in (False, True) if _one_of(QUICK, content) else (False,):
        experiment = parse_experiment(content, "<text>", ROOT / "topologies/experiments", quick)
        plan_from_json(make_plan(experiment).to_json())


def read_capture_file(content: bytes) -> None:
    """A capture, as `lab rtp` reads one alone and beside another of the same call."""
    with _file(content, ".pcap") as file:
        capture = read_capture(file)
        found = streams(capture)
        for stream in found:
            stream_report(stream).to_dict()
            running_jitter(stream)
        other = streams(read_capture(_other_end()))
        for one, two in ((found, other), (other, found)):
            first, second = freed_of_steps(one, two)
            for way in compare(first, second).directions:
                stream_report(way.received, way.sent).to_dict()
                assert len(way.delays) == 0 or way.delays.percentile_ms(50) is not None


def read_recording_file(content: bytes) -> None:
    """A recording, as `lab score` reads it, and as a clip that is played."""
    with _file(content, ".wav") as file:
        recording = open_wav(file)
        assert set(recording.distinct_channels()) <= set(range(recording.channels))
        for channel in (0, recording.channels - 1):
            assert np.isfinite(recording.mono(RATE_HZ, channel)).all()
            assert 0.0 <= recording.clipped_share(channel) <= 1.0
        read_wav(file)
        if _one_of(SCORED, content):
            score(_clip(), file).to_dict()


READERS: dict[str, Reader] = {
    "topology": read_topology_text,
    "experiment": read_experiment_text,
    "capture": read_capture_file,
    "recording": read_recording_file,
}


def was_read(kind: str, content: bytes) -> bool:
    """Whether the reader of that kind took the input; anything but a LabError leaves this."""
    try:
        READERS[kind](content)
    except LabError as error:
        assert str(error).strip(), "a refusal says why"
        str(error).encode()
        return False
    return True


def speech() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The clip's samples at 8 kHz."""
    return speak(seed=1, seconds=CLIP_S)


def _one_of(share: int, content: bytes) -> bool:
    return crc32(content) % share == 0


@cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="fuzzed-")


@contextmanager
def _file(content: bytes, suffix: str) -> Iterator[Path]:
    """The content in a file, for as long as it is read."""
    path = Path(_directory().name) / f"input{suffix}"
    path.write_bytes(content)
    yield path
    path.unlink()


@cache
def _clip() -> Path:
    path = Path(_directory().name) / "clip.wav"
    soundfile.write(path, speech(), RATE_HZ, "PCM_16")
    return path


@cache
def _other_end() -> Path:
    path = Path(_directory().name) / "other.pcap"
    path.write_bytes(pcap(voice(60, delays_ms=[30.0] * 60)))
    return path
