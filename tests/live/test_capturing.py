"""`lab capture` beside a call: it sees what the call's own capture sees, and leaves nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from subprocess import Popen

import pytest
from docker import DockerClient
from lab_command import ended, interrupt, kill, things_of, wait_for
from live_lab import LiveLab

from lab.engine.lock import has_turn
from lab.measure.capture import read_capture
from lab.measure.rtp import streams
from lab.wire.pcap_stream import HEADER_BYTES

pytestmark = pytest.mark.live

ENDS_WITHIN_S = 60.0
CALL_S = "12s"
PCAP_OF_NANOSECONDS = b"\x4d\x3c\xb2\xa1"


def begun(lab: LiveLab, *words: str) -> Popen[str]:
    """A capture that misses nothing any more."""
    process = lab.lab.start("capture", *words, "--name", lab.name)
    assert process.stderr
    said = process.stderr.readline()
    assert said.startswith("capturing at "), said
    return process


def is_calling(lab: LiveLab, call: Popen[str]) -> bool:
    """Whether both ends of a call talk."""
    told = map(json.loads, (lab.project / "events.jsonl").read_text("utf-8").splitlines())
    return any(one["pid"] == call.pid and one.get("stage") == "calling" for one in told)


def voice_in(path: Path) -> dict[tuple[int, str], list[int]]:
    """SSRC and sender of every RTP stream → when each of its packets passed, ns."""
    found = streams(read_capture(path))
    return {(one.ssrc, str(one.source)): one.time_ns.tolist() for one in found}


def test_a_call_is_seen_while_it_is_made(
    able_host: DockerClient, paper: LiveLab, tmp_path: Path
) -> None:
    before = things_of(able_host, paper.name)
    file = tmp_path / "live.pcap"
    whole = begun(paper, "callee", "--filter", "voice", "-w", str(file), "--json")
    assert has_turn(paper.name) is None
    call = paper.lab.start("call", "sip", "--duration", CALL_S, "--name", paper.name, "--json")
    wait_for("call", lambda: is_calling(paper, call), deadline_s=60)

    few = ("--filter", "voice", "--count", "20", "--json")
    told = paper.lab.run("capture", "exit", *few, "--name", paper.name)
    assert told.returncode == 0, told.stderr
    packets = [json.loads(line) for line in told.stdout.splitlines()]
    assert len(packets) == 20
    assert {packet["kind"] for packet in packets} == {"voice"}
    ends = {(packet["from"], packet["to"]) for packet in packets}
    assert ends == {("caller/home", "server/office"), ("server/office", "caller/home")}

    left = begun(paper, "exit", "-w", "-")
    assert left.stdout
    assert os.read(left.stdout.fileno(), HEADER_BYTES)[:4] == PCAP_OF_NANOSECONDS
    assert os.read(left.stdout.fileno(), 1)
    left.stdout.close()
    assert left.wait(ENDS_WITHIN_S) == 0
    assert left.stderr
    assert left.stderr.read().endswith(", 0 dropped by the kernel\n")
    kill(begun(paper, "access"))

    made = ended(call, ENDS_WITHIN_S)
    own = voice_in(Path(json.loads(made.stdout)["artefacts"]) / "callee.pcap")
    interrupt(whole)
    done = ended(whole, ENDS_WITHIN_S)
    assert done.returncode == 0, done.stderr
    came_to = json.loads(done.stdout)
    assert came_to == {"file": str(file), "packets": came_to["packets"], "dropped": 0}
    assert len(read_capture(file)) == came_to["packets"]
    assert len(own) == 2
    assert voice_in(file) == own
    wait_for(
        "end of what a killed capture began",
        lambda: things_of(able_host, paper.name) == before,
    )
