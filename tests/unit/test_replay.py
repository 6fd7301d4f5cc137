"""A call sent through a profile: what is wanted of it, where it is applied, what is said of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import IPv4Network
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from call_directory import CLIP_S, DELAY_MS, call_notes, make_directory
from report_runs import call, report_on, text_of

from lab.calls.observe.replay import replay_observer
from lab.errors import LabError, UsageError
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.measured import measure_call
from lab.measure.call.replay import FILE
from lab.measure.profile import HeardMos, Profile, ProfileClock, VoiceWay
from lab.measure.profile_file import read_profile, write_profile
from lab.measure.record import CallRecord
from lab.measure.replay import used_in_words, wanted_ms
from lab.shaping import replay
from lab.shaping.cap import LinkPoint
from lab.sweep.dimensions.profile import DIMENSION, PROFILE
from lab.sweep.experiment import ExperimentError, parse_experiment
from lab.sweep.point import Point
from lab.topology.load import find_topology, load_topology
from lab.topology.model import PbxKind
from lab.topology.resolve import resolve
from lab.wire.links import SetProfile, ShapesSet
from lab.wire.shape import Queue, Shape

EXPERIMENT = "name: field\ngrid:\n  method: [{}]\n  profile: [{}]\n"


def way(takes_ms: list[float | None], every_ms: int = 20) -> VoiceWay:
    takes_us = tuple(None if takes is None else round(1000 * takes) for takes in takes_ms)
    at_us = tuple(1000 * every_ms * number for number in range(len(takes_ms)))
    return VoiceWay("PCMU", float(every_ms), at_us, takes_us)


def profile_of(to_callee: VoiceWay, to_caller: VoiceWay | None = None) -> Profile:
    clock = ProfileClock("shared", 0.0, 0.0)
    return Profile(("a.pcap", "b.pcap"), clock, to_callee, to_caller or to_callee)


STEADY = profile_of(way([DELAY_MS] * (CLIP_S * 50)))


def test_every_packet_meets_what_the_profiles_last_one_until_then_met() -> None:
    """Lost where that was lost; what would overtake waits; a profile that ends begins anew."""
    wanted = wanted_ms(way([50, None, 10, 60]), np.array([0, 20, 41, 49, 56, 81, 99]) * 1_000_000)
    # At 41 ms comes what was sent third, 10 ms: due at 51, but the first one is due at 50.
    assert wanted.tolist()[:1] == [50]
    assert np.isnan(wanted[1])
    assert wanted[2:4] == pytest.approx([10, 10])
    assert wanted[4] == pytest.approx(60)
    # 80 ms after the first it is the first again; 20 ms later the second, which is lost.
    assert wanted[5] == pytest.approx(50)
    assert np.isnan(wanted[6])


def test_no_packet_overtakes_another() -> None:
    wanted = wanted_ms(way([50, 10, 10, 10]), np.array([0, 20, 40, 60]) * 1_000_000)
    assert wanted.tolist() == [50, 30, 10, 10]


@pytest.mark.parametrize(
    ("call_s", "said"),
    [(12.01, "whole"), (8.0, "cut: 8.0 of 12.0 s"), (30.0, "repeated 2.5 times")],
)
def test_how_much_of_a_profile_is_used_is_said(call_s: float, said: str) -> None:
    assert used_in_words(STEADY, call_s) == said


def measured(tmp_path: Path, profile: Profile) -> CallRecord:
    notes = call_notes()
    directory = make_directory(tmp_path, notes)
    write_profile(profile, directory / FILE)
    return measure_call(directory).record


def test_a_replay_that_met_its_profile_is_measured_beside_it(tmp_path: Path) -> None:
    record = measured(tmp_path, replace(STEADY, pesq_mos=HeardMos(3.5, None)))
    assert record.profile_used == "whole"
    assert record.replay_error_ms_p50 == pytest.approx(0, abs=0.01)
    assert record.replay_error_ms_p99 == pytest.approx(0, abs=0.01)
    assert record.replay_loss_errors == 0
    assert record.callee_profile_owd_ms_p95 == record.caller_profile_owd_ms_p50 == DELAY_MS
    assert (record.caller_profile_jitter_mean, record.callee_profile_burst_mean) == (0, 1)
    assert (record.caller_profile_pesq_mos, record.callee_profile_pesq_mos) == (3.5, None)
    assert not [reason for reason in record.invalid_reasons if "profile" in reason]
    assert (record.caller_burst_mean, record.callee_burst_share) == (1, 0)
    assert record.callee_burst_gap_ms_p50 == pytest.approx(20)


def test_a_replay_that_met_something_else_is_invalid(tmp_path: Path) -> None:
    """The packets that the profile loses were not lost either."""
    takes: list[float | None] = [None if number in (5, 9) else 80 for number in range(300)]
    record = measured(tmp_path, profile_of(way(takes)))
    assert record.profile_used == "repeated 2.0 times"
    assert record.replay_error_ms_p50 == pytest.approx(75, abs=0.1)
    assert record.replay_loss_errors == 8
    said = "voice met other delays than the profile's: half of it by 75.0 ms or more"
    assert said in record.invalid_reasons


def test_a_call_without_a_profile_says_nothing_of_one(tmp_path: Path) -> None:
    record = measure_call(make_directory(tmp_path, call_notes())).record
    assert record.profile_used is None
    assert record.replay_error_ms_p50 is None


def test_a_burst_in_a_profile_has_its_jitter() -> None:
    """Two at once every 40 ms: a mean difference of 20 ms."""
    bursty = way([40, 20] * 500)
    assert bursty.bursts.mean == 2
    assert bursty.jitter_mean_ms == pytest.approx(20, abs=1)


def test_the_field_s_pesq_is_kept_and_older_profiles_are_read(tmp_path: Path) -> None:
    file = tmp_path / "call.json"
    write_profile(replace(STEADY, pesq_mos=HeardMos(2.5, 3.0)), file)
    assert read_profile(file).pesq_mos == HeardMos(2.5, 3.0)
    plain = json.loads(file.read_text())
    del plain["pesq_mos"]
    file.write_text(json.dumps(plain))
    assert read_profile(file) == STEADY


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Two profiles in a directory beside an experiment."""
    (tmp_path / "calls").mkdir()
    for name in ("one", "two"):
        write_profile(STEADY, tmp_path / "calls" / f"{name}.json")
    return tmp_path


def test_a_directory_is_a_point_for_every_profile_in_it(files: Path) -> None:
    experiment = parse_experiment(EXPERIMENT.format("sip", "none, calls"), "x.yaml", files)
    assert [point[PROFILE] for point in experiment.points] == [
        None,
        str(files / "calls" / "one.json"),
        str(files / "calls" / "two.json"),
    ]
    names = [point.point_id for point in experiment.points]
    assert names == ["sip.PCMU.to-callee", "sip.PCMU.to-callee.one", "sip.PCMU.to-callee.two"]


def test_what_cannot_be_replayed_is_refused(files: Path) -> None:
    (files / "calls" / "bad.json").write_text("{}")
    (files / "one.json").write_text((files / "calls" / "one.json").read_text())
    for method, profile, said in (
        ("vpn", "calls/one.json", "vpn cannot be sent through a profile: its voice is not RTP on"),
        ("sip", "calls/bad.json", r"bad\.json is no profile"),
        ("sip", "calls/none.json", r"cannot read the profile .*none\.json"),
        ("sip", "calls/one.json, one.json", "2 files called one: rename all but one"),
    ):
        with pytest.raises(ExperimentError, match=said):
            parse_experiment(EXPERIMENT.format(method, profile), "x.yaml", files)
    (files / "empty").mkdir()
    with pytest.raises(LabError, match="there is no profile in"):
        parse_experiment(EXPERIMENT.format("sip", "empty"), "x.yaml", files)
    with pytest.raises(UsageError, match="m-tor cannot be sent through a profile"):
        DIMENSION.check(Point("m-tor", profile=str(files / "one.json")))


BLOCK = IPv4Network("10.77.0.0/16")


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("paper", (LinkPoint("caller", "home"), LinkPoint("callee", "office"))),
        ("small", None),
    ],
)
def test_voice_meets_its_profile_where_it_is_sent(
    name: str, points: tuple[LinkPoint, LinkPoint] | None
) -> None:
    topology = resolve(load_topology(find_topology(name)), "default", BLOCK, PbxKind.KAMAILIO)
    found = replay.replay_points(topology)
    assert [point.node for point in found] == ["caller", "callee"]
    assert points in (None, found)


class Links:
    """Stands in for the helpers beside both ends."""

    def __init__(self, lab: ReadyLab) -> None:
        self.lab = lab
        self.orders: list[tuple[str, SetProfile]] = []

    def in_force(self, points: Mapping[LinkPoint, Any]) -> dict[LinkPoint, Shape]:
        return dict.fromkeys(points, Shape(100_000, Queue(limit=50), delay_ms=7))

    def by_machine(self, points: Mapping[LinkPoint, Any]) -> dict[str, list[LinkPoint]]:
        return {point.node: [point] for point in points}

    def side(self, point: LinkPoint) -> Any:
        return point

    def ask(self, machine: str, order: SetProfile, kind: type[ShapesSet]) -> None:
        assert kind is ShapesSet
        self.orders.append((machine, order))


def test_links_take_the_median_and_voice_the_profile_when_it_begins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The cap stays; the profile is kept with the call; at the end the links are as before."""
    topology = resolve(load_topology(find_topology("paper")), "default", BLOCK, PbxKind.KAMAILIO)
    lab = cast(ReadyLab, SimpleNamespace(topology=topology, directory=tmp_path))
    links = Links(lab)
    happened: list[Any] = []

    @contextmanager
    def link_helpers(*_: Any, may_change: bool, tell: Any) -> Iterator[Links]:
        assert may_change
        yield links

    @contextmanager
    def shaped(_: Links, shapes: Mapping[LinkPoint, Shape]) -> Iterator[None]:
        happened.append(shapes)
        yield
        happened.append("put back")

    monkeypatch.setattr(replay, "link_helpers", link_helpers)
    monkeypatch.setattr(replay, "shaped", shaped)
    profile = profile_of(way([50, 60, 70]), way([0, 0, 5]))
    notes = call_notes()
    (tmp_path / "calls" / notes.call_id).mkdir(parents=True)
    with replay.replaying(lab, profile) as begin:
        assert happened == [
            {
                LinkPoint("caller", "home"): Shape(100_000, Queue(limit=50), delay_ms=60),
                LinkPoint("callee", "office"): Shape(100_000, Queue(limit=50), delay_ms=0.001),
            }
        ]
        assert links.orders == []
        with replay_observer(lab, profile, begin)(notes):
            assert [machine for machine, _ in links.orders] == ["caller", "callee"]
            assert links.orders[0][1].takes_us == (50_000, 60_000, 70_000)
    assert happened[1:] == ["put back"]
    assert read_profile(tmp_path / "calls" / notes.call_id / FILE) == profile


def test_a_report_prints_the_profile_beside_the_replay(files: Path) -> None:
    points = [
        Point("sip", profile=str(files / "calls" / f"{name}.json")) for name in ("one", "two")
    ]
    columns: dict[str, Any] = {
        "profile_used": "cut: 8.0 of 12.0 s",
        "callee_profile_owd_ms_p50": 258.25,
        "callee_owd_ms_p50": 258.5,
        "callee_profile_pesq_mos": 2.55,
        "replay_error_ms_p50": 0.21,
    }
    calls = [
        call(point, mos=2.5, profile=name, **columns)
        for point, name in zip(points, ("one", "two"), strict=True)
    ]
    report = report_on(points, calls, None)
    text = text_of(report)
    lines = [line.split() for line in text.splitlines()]
    field, lab = next(pair for pair in pairwise(lines) if "field" in pair[0])
    assert (field[:4], field[4], field[-1]) == (["one", "PCMU", "callee", "field"], "258.2", "2.55")
    assert (lab[:2], lab[7], lab[8]) == (["replay", "258.5"], "2.50", "0.21")
    assert [row["name"] for row in report.data["replays"]] == ["one", "one", "two", "two"]
    assert "baseline" not in report.data


def test_a_packet_in_the_middle_of_a_pause_meets_the_same_however_its_pace_varies() -> None:
    """Voice was sent at 0, 20 and, after silence, 60 ms; what is sent about 40 is half-way."""
    after_silence = VoiceWay("PCMU", 20.0, (0, 20_000, 60_000), (30_000, 70_000, 130_000))
    for off_us in (-2000, -1, 0, 1, 2000):
        sent_us = np.array([0, 20_000, 40_000 + off_us, 60_000])
        assert wanted_ms(after_silence, sent_us * 1000)[2] == pytest.approx(70)
