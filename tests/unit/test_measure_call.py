"""A call's directory → its record: the same one wherever it lies and whoever measures."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from call_directory import DELAY_MS, call_notes, known_scores, make_directory, measured
from talker import speak

import lab
from lab.clip.offline_codec import apply_codec
from lab.errors import LabError
from lab.measure.call.ends import ENDS
from lab.measure.call.files import REFERENCE
from lab.measure.call.measured import measure_call
from lab.measure.call.notes import FILE, EndedNode, read_notes, write_notes
from lab.measure.call.tor_notes import CircuitNotes
from lab.measure.call.watches import LinkWatch
from lab.measure.header_score import header_mos
from lab.measure.record import COLUMNS
from lab.measure.score import score
from lab.measure.wav import read_wav
from lab.wire.circuits import CircuitState, CircuitStream
from lab.wire.links import LinkSample
from lab.wire.plain import from_plain
from lab.wire.shape import Queue, Shape

GOLDEN = Path(__file__).parent / "golden" / "calls"


def test_a_sip_call_is_measured_from_its_directory_alone(tmp_path: Path) -> None:
    directory = make_directory(tmp_path, call_notes())
    found = measure_call(directory, known_scores)
    record = found.record
    assert (record.status, record.valid, record.invalid_reasons) == ("ok", True, [])
    assert (record.codec_negotiated, record.payload_type, record.ptime_ms) == ("PCMU", 0, 20.0)
    assert record.caller_owd_ms_p50 == record.callee_owd_ms_p50 == pytest.approx(DELAY_MS)
    assert (record.caller_loss_pct, record.rtt_ms, record.setup_ms) == (0.0, 11.0, 41.5)
    assert record.kbps_access_eth == pytest.approx(85.6, abs=0.2)
    assert record.kbps_exit_ip_back == pytest.approx(80.0, abs=0.2)
    assert record.kbps_tunnel_ip is None
    assert record.caller_pesq_mos == record.callee_pesq_mos == pytest.approx(4.55, abs=0.02)
    assert (record.caller_concealed_pct, record.cpu_pct, record.steal_pct) == (1.0, 39.0, 1.0)
    assert (record.busiest_node, record.busiest_node_cpu_pct) == ("relay1", 5.0)
    assert (record.phone, record.playout) == ("pjsua2 2.15.1", "fixed 200 ms, at most 2000 ms")
    assert record.caller_emodel_r is not None
    assert (record.direction, record.cipher, record.pbx) == ("to-callee", "AES-256-GCM", "kamailio")
    assert found.scores.keys() == {"caller", "callee", "ceiling"}


def test_a_record_knows_its_places(tmp_path: Path) -> None:
    places = {"caller": "Tokyo", "callee": "Paris", "pbx": "London", "relay1": "Oslo"}
    notes = call_notes(lab=replace(call_notes().lab, places=places))
    record = measured(make_directory(tmp_path / "far", notes))
    ends = (record.caller_place, record.callee_place, record.server_place)
    assert ends == ("Tokyo", "Paris", "London")
    near = measured(make_directory(tmp_path / "near", call_notes()))
    assert (near.caller_place, near.callee_place, near.server_place) == (None, None, None)


def test_a_call_without_a_host_before_its_server_has_no_figures_of_one(tmp_path: Path) -> None:
    made = call_notes()
    assert made.path
    beside = call_notes(
        path=replace(made.path, exit_machine=None),
        points=tuple(point for point in made.points if point.name != "exit"),
    )
    record = measured(make_directory(tmp_path, beside))
    assert (record.status, record.valid, record.invalid_reasons) == ("ok", True, [])
    assert record.kbps_access_eth == pytest.approx(85.6, abs=0.2)
    exits = [name for name in COLUMNS if name.startswith("kbps_exit_")]
    assert len(exits) == 4
    assert {getattr(record, name) for name in exits} == {None}


def test_a_mumble_call_is_measured_from_its_clients_logs(tmp_path: Path) -> None:
    record = measured(make_directory(tmp_path, call_notes("mumble")))
    assert (record.status, record.valid, record.invalid_reasons) == ("ok", True, [])
    assert record.callee_owd_ms_p50 == pytest.approx(DELAY_MS)
    assert (record.rtt_ms, record.caller_concealed_pct) == (9.0, 0.5)
    assert (record.payload_type, record.pbx) == (None, "murmur")
    assert record.kbps_exit_ip == pytest.approx(190 * 8 / 20, abs=0.2), "not the older connection"


def test_the_ceiling_is_the_score_of_what_the_codec_left_of_the_clip(tmp_path: Path) -> None:
    directory = make_directory(tmp_path, call_notes())
    clip = read_wav(directory / REFERENCE)
    coded = apply_codec("PCMU", clip)
    assert coded is not None
    assert measured(directory).pesq_ceiling_mos == score(clip, coded).pesq_mos
    short = replace(call_notes().plan, duration_s=9)
    write_notes(directory, call_notes(plan=short))
    first = clip.played_for(9.0)
    played = measured(directory).pesq_ceiling_mos
    assert played == pytest.approx(score(first, coded.played_for(9.0)).pesq_mos, abs=0.1)


@pytest.mark.parametrize("method", ["sip", "mumble"])
def test_the_second_studys_score_stands_beside_the_right_one(method: str, tmp_path: Path) -> None:
    directory = make_directory(tmp_path, call_notes(method))
    record = measured(directory)
    clip, heard = (read_wav(directory / name).mono(8_000) for name in (REFERENCE, "caller.wav"))
    assert record.caller_pesq_mos_choppy == record.callee_pesq_mos_choppy
    assert record.caller_pesq_mos_choppy == header_mos(clip, heard)
    assert record.caller_pesq_mos_choppy != record.caller_pesq_mos


@pytest.mark.parametrize("method", ["sip", "mumble"])
def test_another_host_measures_the_same_row_bit_for_bit(method: str, tmp_path: Path) -> None:
    """Packed here, unpacked elsewhere, measured there under another home, place and locale."""
    directory = make_directory(tmp_path / "here", call_notes(method))
    here = measured(directory).to_dict()
    archive = tmp_path / "call.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(directory, directory.name)
    elsewhere = tmp_path / "elsewhere" / "ünder"
    with tarfile.open(archive) as packed:
        packed.extractall(elsewhere, filter="data")
    for file in directory.iterdir():
        file.unlink()
    code = (
        "import json, sys; from pathlib import Path;"
        "from lab.calls.measurer import Scorer;"
        "from lab.measure.call.measured import measure_call;"
        "print(json.dumps(measure_call(Path(sys.argv[1]), Scorer().map).record.to_dict()))"
    )
    for name in ("tmp", "cwd", "home"):
        (tmp_path / name).mkdir()
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(lab.__file__).parents[1]),
        "LAB_HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "LC_ALL": "C",
        "TZ": "Asia/Kathmandu",
        "PYTHONHASHSEED": "7",
        "DOCKER_HOST": "unix:///nowhere/docker.sock",
        "PATH": "",
    }
    done = subprocess.run(
        [sys.executable, "-c", code, str(elsewhere / directory.name)],
        env=environment,
        cwd=tmp_path / "cwd",
        capture_output=True,
        text=True,
        check=True,
    )
    there = json.loads(done.stdout)
    assert there.pop("artefacts") == str(elsewhere / directory.name)
    assert here.pop("artefacts") == str(directory)
    assert there == here
    assert list((tmp_path / "home").iterdir()) == [], "no cache is asked or filled"


def test_a_call_that_failed_is_measured_as_far_as_it_came(tmp_path: Path) -> None:
    notes = call_notes(
        failure="caller: no 'playing' within 30 s", reports=None, path=None, captures={}, points=()
    )
    directory = make_directory(tmp_path, notes)
    (directory / "caller.wav").unlink()
    record = measured(directory)
    assert (record.status, record.valid) == ("failed", False)
    assert record.reason == "caller: no 'playing' within 30 s"
    assert (record.cpu_pct, record.caller_pesq_mos, record.capture_drops) == (39.0, None, None)


def test_files_that_are_missing_are_why_a_call_failed_by_their_names_alone(tmp_path: Path) -> None:
    directory = make_directory(tmp_path, call_notes())
    (directory / "callee.pcap").unlink()
    record = measured(directory)
    assert record.status == "failed"
    assert record.reason is not None
    assert "callee.pcap" in record.reason
    assert str(tmp_path) not in record.reason


def test_what_ended_during_a_call_makes_it_invalid_or_why_it_failed(tmp_path: Path) -> None:
    ended = (EndedNode("relay1", 137),)
    record = measured(make_directory(tmp_path / "a", call_notes(ended_nodes=ended)))
    assert record.invalid_reasons == ["node relay1 ended during the call, exit status 137"]
    failed = call_notes(failure="no answer within 30 s", ended_nodes=ended)
    record = measured(make_directory(tmp_path / "b", failed))
    assert record.reason == "no answer within 30 s (during the call ended: relay1)"
    gone = call_notes(failure="no answer within 30 s", lab_gone=True)
    record = measured(make_directory(tmp_path / "c", gone))
    assert record.reason == "no answer within 30 s (during the call ended: the whole lab)"


def test_another_recording_makes_a_call_invalid(tmp_path: Path) -> None:
    directory = make_directory(tmp_path, call_notes(), heard=speak(seed=2, seconds=12))
    record = measured(directory)
    assert not record.valid
    assert any("caller's recording" in reason for reason in record.invalid_reasons)


def test_what_is_measured_of_the_link_goes_before_what_was_planned(tmp_path: Path) -> None:
    planned = replace(call_notes().plan, columns={"link_rate_kbps": 5_000, "queue_packets": 40})
    directory = make_directory(tmp_path, call_notes(plan=planned))
    record = measured(directory)
    assert (record.link_rate_kbps, record.queue_packets) == (5_000, 40)
    samples = tuple(
        LinkSample(bytes=n * 1250, packets=n, drops=0, overlimits=0, backlog_bytes=0,
                   backlog_packets=0, at=float(n)) for n in range(3)
    )  # fmt: skip
    watch = LinkWatch("server/hosting/out", Shape(10_000, Queue(limit=99)), samples)
    write_notes(directory, call_notes(plan=planned, links=(watch,)))
    record = measured(directory)
    assert (record.link_rate_kbps, record.queue_packets) == (10_000, 99)
    assert record.rate_achieved_kbps == 10.0
    changed = replace(watch, shape_after=Shape(5_000, Queue(limit=99)))
    write_notes(directory, call_notes(plan=planned, links=(changed,)))
    assert measured(directory).invalid_reasons == [
        "the shape of server/hosting/out changed during the call, "
        "from 10mbit, htb pfifo 99 packets to 5mbit, htb pfifo 99 packets"
    ]


def test_a_circuit_is_told_as_it_was_read_back(tmp_path: Path) -> None:
    streams = (CircuitStream("10.0.0.1:1194", on_circuit=True, succeeded=True, ended=None),)
    built = CircuitState(("a", "b", "c"), True, None, 120.0, (), ())
    circuit = CircuitNotes(
        "caller", ("a", "b", "c"), {"a": "AAA", "b": "BBB", "c": "CCC"}, built,
        replace(built, path=(), ended="DESTROYED", streams=streams),
    )  # fmt: skip
    record = measured(make_directory(tmp_path, call_notes(circuits=[circuit])))
    assert (record.guard, record.middle, record.exit) == ("a", "b", "c")
    assert (record.caller_circuit, record.circuit_build_ms) == ("AAA BBB CCC", 120.0)
    assert record.invalid_reasons == ["the circuit ended: DESTROYED"]


def test_two_clocks_are_fitted(tmp_path: Path) -> None:
    """Captures of two hosts: with the delays equal both ways, only their sum is known."""
    clocks = {"caller": "boot-1", "callee": "boot-2", "relay2": "boot-1"}
    record = measured(make_directory(tmp_path, call_notes(clocks=clocks)))
    assert record.caller_owd_ms_p50 == pytest.approx(DELAY_MS)
    assert record.callee_owd_ms_p50 == pytest.approx(DELAY_MS)


def test_a_call_of_an_earlier_version_cannot_be_measured_again(tmp_path: Path) -> None:
    directory = make_directory(tmp_path, call_notes())
    (directory / FILE).unlink()
    with pytest.raises(LabError) as caught:
        measure_call(directory)
    assert caught.value.message == (
        "call 20260101T000000-sip cannot be measured again: it was made by an earlier version, "
        "which kept no call.json"
    )


@pytest.mark.parametrize("method", ["sip", "mumble"])
def test_notes_that_the_first_version_wrote_are_read_by_every_later_one(method: str) -> None:
    """Never written anew: what is added to notes has a default, or another format."""
    notes = read_notes(GOLDEN / method)
    asked = call_notes(method)
    told = notes.reports
    assert told is not None
    kind = ENDS.named(told.kind)
    reports = asked.reports
    assert reports is not None
    assert from_plain(kind.report, told.caller) == reports.caller
    notes.reports = asked.reports
    assert notes == asked


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"format": 1', '"format": 9', "has format 9, and this version reads format 1"),
        ('"failure": null', '"failing": null', "CallNotes has no failing"),
        ('"duration_s": 12.0', '"duration_s": "long"', "CallNotes.duration_s: 'long' is not float"),
        ("{", "[", "cannot be read"),
    ],
)
def test_notes_that_do_not_describe_a_call_are_refused(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    directory = make_directory(tmp_path, call_notes())
    text = (directory / FILE).read_text()
    assert old in text
    (directory / FILE).write_text(text.replace(old, new, 1))
    with pytest.raises(LabError, match=said):
        read_notes(directory)


def test_what_measures_knows_nothing_of_what_calls() -> None:
    """Nor runs a program: it reads files, and computes.

    Of the lab's own clients it takes what decides from arrivals alone, and the way to libopus.
    """
    known = (
        *("lab.errors", "lab.ends", "lab.lazy", "lab.measure", "lab.registry", "lab.verdict"),
        *("lab.wire", "lab.agents.voice.playout", "lab.agents.voice.opus"),
    )
    foreign = {}
    for file in (Path(lab.__file__).parent / "measure").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            bad = [n for n in names if n.startswith("lab.") and not n.startswith(known)]
            bad += [n for n in names if n.split(".")[0] in {"subprocess", "docker"}]
            if bad:
                foreign[file.name] = bad
    assert foreign == {}
