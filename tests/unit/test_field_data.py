"""The study's own sample: its figures come out again, and its traps are found."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from field_sample import FIELD
from field_tree import needs_field, paths

from lab.field.layout import CallFiles, find_calls
from lab.field.packets import packet_findings
from lab.field.row import STUDY_COLUMNS, CallRow
from lab.field.run import analyse_tree
from lab.measure.capture import read_capture
from lab.measure.matching import match_by_number, match_by_payload
from lab.measure.rtp import streams
from lab.measure.stream_report import stream_report

pytestmark = needs_field
SAMPLE = FIELD / "Sample-Raw-Data"


def authors_rows() -> list[dict[str, str]]:
    with (FIELD / "authors.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def non_tor_calls() -> dict[str, CallFiles]:
    calls = find_calls(SAMPLE / "Non-Tor")
    return {str(call.codec): call for call in calls}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[CallRow]:
    table = tmp_path_factory.mktemp("field") / "field.csv"
    return analyse_tree(SAMPLE, FIELD / "reference" / "choppy.wav", table, 2, lambda *_: None)


def test_every_jitter_column_of_the_authors_to_the_last_digit() -> None:
    """48 values; they print 15 significant digits of sums that were rounded on the way."""
    calls = non_tor_calls()
    columns = [name for name in STUDY_COLUMNS if "jitter" in name]
    compared = 0
    for theirs in authors_rows():
        ours = packet_findings(calls[theirs["codec"]]).columns
        for name in columns:
            assert ours[name] == pytest.approx(float(theirs[name]), rel=0, abs=2e-15), name
            compared += 1
    assert compared == 48


def test_all_nine_calls_are_sound(rows: list[CallRow]) -> None:
    assert len(rows) == 9
    for row in rows:
        assert (row.status, row.ssrc_matched, row.codec_matched) == ("ok", True, True)
        assert (row.caller_found_share or 0) > 0.9
        assert (row.caller_loss_pct, row.callee_loss_pct) == (0, 0)


def test_our_row_bears_the_authors_names(rows: list[CallRow]) -> None:
    ours = {(row.tor_status, row.location, row.codec, row.iteration_no) for row in rows}
    for theirs in authors_rows():
        key = (theirs["tor_status"], theirs["location"], theirs["codec"])
        assert (*key, int(theirs["iteration_no"])) in ours


def test_tor_is_slow_and_the_path_without_it_even(rows: list[CallRow]) -> None:
    """Bangalore to New York takes about 100 ms one way; both directions agree."""
    for row in rows:
        assert row.caller_owd_ms_p50 is not None
        assert row.callee_owd_ms_p50 is not None
        if row.tor_status == "Non-tor":
            assert row.caller_owd_ms_p50 == pytest.approx(row.callee_owd_ms_p50, abs=0.5)
            assert 95 < row.caller_owd_ms_p50 < 110
        else:
            assert row.caller_owd_ms_p50 > 150


def test_silence_suppression_was_on(rows: list[CallRow]) -> None:
    g711 = [row for row in rows if row.codec == "g711"]
    assert all(row.caller_vad and row.callee_vad for row in g711)


def test_none_of_the_recordings_is_the_other_paper_s_clip(tmp_path: Path) -> None:
    rows = analyse_tree(
        SAMPLE / "Tor" / "g711",
        FIELD / "reference" / "paper.wav",
        tmp_path / "field.csv",
        2,
        lambda *_: None,
    )
    assert len(rows) == 2
    for row in rows:
        assert not row.valid
        assert (row.caller_score_valid, row.callee_score_valid) == (False, False)


def test_files_of_two_calls_under_one_number_are_found_out(tmp_path: Path) -> None:
    """Both calls played the same clip, so only the packets can tell."""
    location = tmp_path / "Tor" / "OPUS" / "mixed"
    caller, callee = find_calls(SAMPLE / "Tor" / "g711")
    mixed = paths(location, 0)
    for name, source in (
        ("caller capture", caller.caller.capture),
        ("callee capture", callee.callee.capture),
    ):
        assert source is not None
        mixed[name].parent.mkdir(parents=True)
        shutil.copy(source, mixed[name])
    (files,) = find_calls(tmp_path)
    findings = packet_findings(files)
    assert findings.columns["ssrc_matched"] is False
    assert "caller and callee captures are of different calls" in findings.reasons
    assert "caller: received PCMU, the directory says opus" in findings.reasons
    # Registered from 10.8.0.2: that end is the caller, with or without the other's capture.
    assert findings.columns["caller_sent_ssrc"] == "0x4f826a50"


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_finds_the_same_streams_loss_and_jitter() -> None:
    """In captures of static payload types; of dynamic ones tshark knows no clock."""
    calls = [call for call in find_calls(SAMPLE) if call.codec in ("g711", "gsm")]
    assert len(calls) == 5
    for call in calls:
        for path in (call.caller.capture, call.callee.capture):
            assert path is not None
            line = ["tshark", "-nr", str(path), "-d", "udp.port==4000,rtp", "-qz", "rtp,streams"]
            out = subprocess.run(line, check=True, capture_output=True, text=True).stdout
            theirs = {
                found[1].lower(): (int(found[2]), int(found[3]), float(found[4]))
                for found in re.finditer(
                    r"(0x\w+) +\S+ +(\d+) +(\d+) \([\d.]+%\)(?: +[-\d.]+){5} +([\d.]+)", out
                )
            }
            reports = [stream_report(stream) for stream in streams(read_capture(path))]
            assert {report.ssrc for report in reports} == set(theirs)
            for report in reports:
                packets, lost, max_jitter_ms = theirs[report.ssrc]
                assert (report.packets, report.lost) == (packets, lost)
                assert report.jitter.max == pytest.approx(max_jitter_ms, abs=2e-3)


def test_matching_by_payload_finds_what_the_numbers_say() -> None:
    """As if an exchange had renumbered all: the numbers are only used to check."""
    checked = 0
    for call in find_calls(SAMPLE):
        assert call.caller.capture is not None
        assert call.callee.capture is not None
        caller = {s.ssrc: s for s in streams(read_capture(call.caller.capture))}
        callee = {s.ssrc: s for s in streams(read_capture(call.callee.capture))}
        for ssrc in caller.keys() & callee.keys():
            truth = match_by_number(caller[ssrc], callee[ssrc])
            found = match_by_payload(caller[ssrc], callee[ssrc])
            pairs = set(zip(found.sent.tolist(), found.received.tolist(), strict=True))
            assert pairs <= set(zip(truth.sent.tolist(), truth.received.tolist(), strict=True))
            assert len(found) >= 0.99 * len(truth)
            assert np.all(np.diff(found.received[np.argsort(found.sent)]) != 0)
            checked += 1
    assert checked == 18
