"""A call's directory as the page draws it: the way of every packet, its deadline, the stalls."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from call_directory import (
    CLIP_S,
    DELAY_MS,
    HOME,
    OFFICE,
    SERVER,
    call_notes,
    known_scores,
    make_directory,
)
from forged_packets import START_NS, voice, write

from lab.ends import CALLEE, CALLER
from lab.measure.call.files import REFERENCE, STALLS
from lab.measure.call.measured import measure_call
from lab.measure.capture import Floats
from lab.web.call.strip import read_strip, thinned
from lab.web.call.strip_chart import DEADLINE, LATE, LOST, NAMES, past_chart
from lab.web.call.waveform import waveform

COUNT = CLIP_S * 50
HELD_MS = [
    DELAY_MS + max(0, 600 - 20 * (number - 200)) * (number >= 200) for number in range(COUNT)
]
"""Nothing for 600 ms, then all of it at once."""


def stalled(directory: Path, delays_ms: list[float], lost: frozenset[int] = frozenset()) -> None:
    """Let what the caller said come to the callee with these delays."""
    far = [
        *voice(COUNT, ssrc=1, source=SERVER, destination=OFFICE, delays_ms=delays_ms, skip=lost),
        *voice(COUNT, ssrc=2, source=OFFICE, destination=SERVER),
    ]
    write(directory / "callee.pcap", sorted(far, key=lambda frame: frame.time_ns))


def stalled_logs(directory: Path, delays_ms: list[float]) -> None:
    rows = [
        f"{2 * n},{START_NS + n * 20_000_000 + round(delay * 1e6)},100"
        for n, delay in enumerate(delays_ms)
    ]
    text = "\n".join(["sequence,time_ns,bytes", *rows]) + "\n"
    (directory / "callee-received.csv").write_text(text)


@pytest.mark.parametrize("method", ["sip", "mumble"])
def test_a_good_call_has_every_packet_before_its_deadline(method: str, tmp_path: Path) -> None:
    strip = read_strip(make_directory(tmp_path, call_notes(method)))
    assert strip.lacking is None
    assert [way.hearer for way in strip.ways] == [CALLEE, CALLER]
    for way in strip.ways:
        assert len(way.delay_ms) == way.sent == COUNT
        assert way.delay_ms == pytest.approx(DELAY_MS)
        assert np.nanmin(way.due_ms) >= DELAY_MS + 150, "a buffer of 200 ms"
        assert not way.late.any()
        assert "0 of them late for playout (fixed 200 ms" in way.summary


@pytest.mark.parametrize("method", ["sip", "mumble"])
def test_late_packets_are_those_of_the_ledger(method: str, tmp_path: Path) -> None:
    directory = make_directory(tmp_path, call_notes(method))
    (stalled if method == "sip" else stalled_logs)(directory, HELD_MS)
    found = measure_call(directory, known_scores)
    (directory / STALLS).write_text(json.dumps(found.stalls))
    way = read_strip(directory).ways[0]
    assert found.record.callee_late_pct is not None
    assert way.late.sum() > 5
    assert 100 * way.late.mean() == pytest.approx(found.record.callee_late_pct, abs=0.1)
    assert len(way.gaps) == found.record.callee_stalls == 1
    (gap,) = way.gaps
    late_s = way.sent_s[way.late] + way.delay_ms[way.late] / 1e3
    assert gap.cause == "late"
    assert gap.at_s < late_s.min() <= gap.at_s + gap.ms / 1e3 + 0.05


def test_lost_packets_are_where_they_were_sent(tmp_path: Path) -> None:
    directory = make_directory(tmp_path, call_notes())
    stalled(directory, [DELAY_MS] * COUNT, lost=frozenset({100, 300}))
    way = read_strip(directory).ways[0]
    assert way.lost_s is not None
    assert way.lost_s.tolist() == pytest.approx([2.0, 6.0])
    assert (way.sent, len(way.delay_ms)) == (COUNT, COUNT - 2)


def test_a_call_that_failed_says_why_it_has_no_packets(tmp_path: Path) -> None:
    strip = read_strip(
        make_directory(tmp_path, call_notes(failure="the callee did not answer", reports=None))
    )
    assert (strip.ways, strip.lacking) == ((), "the callee did not answer")
    assert read_strip(tmp_path).lacking is not None, "no call at all"


def test_captures_that_are_gone_are_told_without_their_place(tmp_path: Path) -> None:
    directory = make_directory(tmp_path, call_notes())
    (directory / "callee.pcap").unlink()
    strip = read_strip(directory)
    assert strip.lacking is not None
    assert "callee.pcap" in strip.lacking
    assert str(tmp_path) not in strip.lacking


def test_the_chart_has_a_series_for_each_kind_of_packet(tmp_path: Path) -> None:
    directory = make_directory(tmp_path, call_notes())
    stalled(directory, HELD_MS, lost=frozenset({400}))
    way = read_strip(directory).ways[0]
    said = waveform(directory / REFERENCE)
    series = past_chart(way, said, said.points)["series"]
    assert [each["name"] for each in series] == list(NAMES)
    drawn = {each["name"]: json.loads(each[":data"]) for each in series}
    assert len(drawn[LATE]) == way.late.sum()
    assert drawn[LOST] == [[8.0, 0.0]]
    assert len(drawn[DEADLINE]) > COUNT / 2
    shapes = {each["symbol"] for each in series if each["type"] == "scatter"}
    assert len(shapes) == 3, "colour is never the only sign"


def test_few_points_are_all_drawn_and_of_many_every_extreme() -> None:
    x: Floats = np.linspace(0.0, 600.0, 30_000)
    y: Floats = np.asarray(20 + np.sin(x), np.float64)
    y[12_345], y[20_001] = 900.0, 1.0
    assert len(thinned(x[:4000], y[:4000])) == 4000
    kept = thinned(x, y, 4000)
    assert len(kept) <= 4000
    assert {12_345, 20_001} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()


def test_a_waveform_keeps_its_peaks(tmp_path: Path) -> None:
    samples = np.zeros(80_003)
    samples[41_000], samples[80_002] = 0.9, -0.8
    soundfile.write(tmp_path / "one.wav", samples, 8_000, subtype="FLOAT")
    outline = waveform(tmp_path / "one.wav", columns=100)
    assert len(outline.low) == len(outline.high) <= 101
    peak = int(np.argmax(outline.high))
    assert outline.high[peak] > 0.8
    assert peak * outline.column_s == pytest.approx(41_000 / 8_000, abs=outline.column_s)
    assert outline.low[-1] < -0.7


def test_a_clip_is_repeated_for_as_long_as_it_was_played(tmp_path: Path) -> None:
    samples = np.zeros(8_000)
    samples[100] = 0.9
    soundfile.write(tmp_path / "clip.wav", samples, 8_000, subtype="FLOAT")
    outline = waveform(tmp_path / "clip.wav", columns=50)
    played = outline.played_for(10.5)
    starts = np.flatnonzero(played.high > 0.5) * played.column_s
    assert starts == pytest.approx(np.arange(11.0), abs=0.21)
    assert len(played.low) <= 60
    assert outline.played_for(0.5).points[-1][0] < 0.5


def test_addresses_of_the_made_call_are_those_it_is_known_by() -> None:
    """What this file forges is of the same two ends."""
    path = call_notes().arrived
    assert (str(path.caller.address), str(path.callee.address)) == (HOME, OFFICE)
    assert path.caller.node == CALLER
