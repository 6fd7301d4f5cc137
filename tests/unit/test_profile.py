"""Profiles: made of two captures, written, read back, refused where they are none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from damaged_calls import later
from forged_packets import CALLEE, CALLER, Frame, voice, write
from talker import speak

from lab.cli import app
from lab.errors import LabError
from lab.measure.bursts import bursts, jitter_of_bursts_ms
from lab.measure.capture import read_capture
from lab.measure.clocks import Clocks
from lab.measure.profile import HeardMos, Profile, make_profile
from lab.measure.profile_file import profiles_in, read_profile, write_profile
from lab.measure.rtp import Stream, streams

COUNT = 300
GENERATOR = np.random.default_rng(5)
THERE = (60 + GENERATOR.exponential(8, COUNT)).tolist()
BACK = (45 + GENERATOR.exponential(4, COUNT)).tolist()
LOST = frozenset({10, 11, 200})


def both_ends(tmp_path: Path) -> tuple[Path, Path]:
    """Captures of one call: three packets to the callee are lost."""
    caller = [
        *voice(COUNT),
        *voice(COUNT, source=CALLEE, destination=CALLER, ssrc=2, delays_ms=BACK),
    ]
    callee = [
        *voice(COUNT, delays_ms=THERE, skip=LOST),
        *voice(COUNT, source=CALLEE, destination=CALLER, ssrc=2),
    ]

    def in_time(frames: list[Frame]) -> list[Frame]:
        return sorted(frames, key=lambda frame: frame.time_ns)

    return (
        write(tmp_path / "caller.pcap", in_time(caller)),
        write(tmp_path / "callee.pcap", in_time(callee)),
    )


def found_in(file: Path) -> tuple[Stream, ...]:
    return streams(read_capture(file))


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    """Of one clock."""
    caller, callee = both_ends(tmp_path)
    return make_profile(found_in(caller), found_in(callee), ("a", "b"), Clocks.SHARED)


def test_every_packet_has_its_delay_or_its_loss(profile: Profile) -> None:
    """In order of sending, from 0, to the microsecond."""
    way = profile.to_callee
    assert way.at_us == tuple(20_000 * number for number in range(COUNT))
    assert {number for number, takes in enumerate(way.takes_us) if takes is None} == LOST
    known = [takes for takes in way.takes_us if takes is not None]
    kept = [delay for number, delay in enumerate(THERE) if number not in LOST]
    assert np.array(known) / 1000 == pytest.approx(np.array(kept), abs=0.002)
    assert way.loss_pct == pytest.approx(1.0)
    assert profile.to_caller.percentile_ms(50) == pytest.approx(np.median(BACK), abs=0.01)
    assert profile.to_caller.loss_pct == 0
    assert (way.codec, way.ptime_ms, way.duration_s) == ("PCMU", 20.0, 6.0)


def test_a_profile_is_read_as_it_was_written(profile: Profile, tmp_path: Path) -> None:
    """Bit for bit."""
    file = tmp_path / "call.json"
    write_profile(profile, file)
    assert read_profile(file) == profile
    assert profiles_in(tmp_path) == (file,)
    assert profiles_in(file) == (file,)


def test_a_profile_of_before_says_nothing_of_bursts(profile: Profile, tmp_path: Path) -> None:
    """It opens, as measured; one that was changed says so when it is shown."""
    file = tmp_path / "call.json"
    write_profile(profile, file)
    plain = json.loads(file.read_text())
    del plain["without_bursts"]
    file.write_text(json.dumps(plain))
    assert read_profile(file) == profile
    assert "A model" not in CliRunner().invoke(app, ["profile", "show", str(file)]).stdout
    write_profile(replace(profile, without_bursts=("to_caller",)), file)
    shown = CliRunner().invoke(app, ["profile", "show", str(file)]).stdout
    assert "A model: to caller, packets do not wait" in shown


def test_captures_of_two_calls_are_refused(tmp_path: Path) -> None:
    """No voice stands in both of them."""
    one = write(tmp_path / "one.pcap", voice(COUNT, ssrc=5))
    other = write(tmp_path / "other.pcap", voice(COUNT, ssrc=6))
    with pytest.raises(LabError, match=r"one\.pcap and .*other\.pcap hold no voice"):
        make_profile(found_in(one), found_in(other), (str(one), str(other)))


def test_one_direction_alone_is_no_call(tmp_path: Path) -> None:
    """The error says which one is missing."""
    one = write(tmp_path / "one.pcap", voice(COUNT))
    other = write(tmp_path / "other.pcap", voice(COUNT, delays_ms=THERE))
    with pytest.raises(LabError, match="from other to one only 0 packets"):
        make_profile(found_in(one), found_in(other), ("one", "other"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "other"}, "does not say"),
        ({"to_callee": {}}, "Profile.to_callee lacks at_us, codec"),
        ({"at_us": [], "takes_us": []}, "to_callee is empty"),
        ({"at_us": [0, 1], "takes_us": [3]}, "has 2 times and 1 delays"),
        ({"at_us": [0, 5, 5], "takes_us": [1, 1, 1]}, "do not ascend"),
        ({"at_us": [0], "takes_us": [-1]}, "before it was sent"),
        ({"at_us": [0], "takes_us": [None]}, "lost every packet"),
        ({"at_us": [0], "takes_us": ["x"]}, "'x' is not int"),
    ],
)
def test_what_is_no_profile_says_why(
    profile: Profile, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    """The file is named, and what is wrong with it."""
    file = tmp_path / "call.json"
    write_profile(profile, file)
    plain = json.loads(file.read_text())
    if "at_us" in change:
        plain["to_callee"] |= change
    else:
        plain |= change
    file.write_text(json.dumps(plain))
    with pytest.raises(LabError, match=said) as caught:
        read_profile(file)
    assert str(file) in caught.value.message


def test_a_directory_without_profiles_is_told(tmp_path: Path) -> None:
    """And so is a file that is none at all."""
    with pytest.raises(LabError, match="there is no profile in"):
        profiles_in(tmp_path)
    file = tmp_path / "x.json"
    file.write_text("{")
    with pytest.raises(LabError, match="it is no JSON"):
        read_profile(file)


def test_lab_profile_make_writes_and_tells(tmp_path: Path) -> None:
    """As a user would."""
    caller, callee = both_ends(tmp_path)
    file = tmp_path / "call.json"
    command = ["profile", "make", str(caller), str(callee), "-o", str(file), "--json"]
    done = CliRunner().invoke(app, [*command, "--clocks", "shared"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["to_callee"]["packets"] == COUNT
    assert told["to_callee"]["loss_pct"] == pytest.approx(1.0)
    assert told["to_caller"]["owd_ms_p50"] == pytest.approx(np.median(BACK), abs=0.01)
    shown = CliRunner().invoke(app, ["profile", "show", str(file), "--json"])
    assert json.loads(shown.stdout) == told


def test_the_field_s_recordings_are_scored_into_the_profile(tmp_path: Path) -> None:
    """Where they are given, and the clip; what is heard at the other end stays unknown."""
    caller, callee = both_ends(tmp_path)
    clip, heard, file = (tmp_path / name for name in ("clip.wav", "heard.wav", "call.json"))
    spoken = speak(seed=1, seconds=12)
    soundfile.write(clip, spoken, 8_000)
    soundfile.write(heard, later(spoken, 0.3), 8_000)
    command = ["profile", "make", str(caller), str(callee), "-o", str(file), "--json"]
    alone = CliRunner().invoke(app, [*command, "--callee-recording", str(heard)])
    assert alone.exit_code != 0
    assert not file.exists()
    given = ["--callee-recording", str(heard), "--reference", str(clip)]
    done = CliRunner().invoke(app, [*command, *given])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["to_callee"]["pesq_mos"] > 4
    assert told["to_caller"]["pesq_mos"] is None
    assert read_profile(file).pesq_mos == HeardMos(None, told["to_callee"]["pesq_mos"])


def test_bursts_are_packets_that_came_together() -> None:
    """Five at once every 100 ms; evenly; and all but one by itself."""
    at_once = np.repeat(np.arange(20) * 100_000_000, 5) + np.tile(np.arange(5) * 1_000_000, 20)
    found = bursts(at_once)
    assert found is not None
    assert (found.mean, found.p95, found.gap_ms_p50, found.share) == (5.0, 5.0, 100.0, 1.0)
    even = bursts(np.arange(50) * 20_000_000)
    assert even is not None
    assert (even.mean, even.gap_ms_p50, even.share) == (1.0, 20.0, 0.0)
    pair = bursts(np.array([0, 20, 40, 43, 60]) * 1_000_000)
    assert pair is not None
    assert (pair.mean, pair.share) == (1.25, 0.4)
    assert bursts(np.array([], dtype=np.int64)) is None


def test_a_burst_is_a_run_however_long() -> None:
    """Each within 4 ms of the one before, the last 6 ms after the first."""
    found = bursts(np.array([0, 3, 6, 20]) * 1_000_000)
    assert found is not None
    assert found.mean == 2.0


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_steady_bursts_have_the_jitter_of_the_closed_form(size: int) -> None:
    """As RFC 3550 counts it, once its running mean has settled: never two packets' time."""
    sent = np.arange(2000) * 20.0
    arrived = np.repeat(sent[size - 1 :: size], size)[: len(sent)]
    sent = sent[: len(arrived)]
    changes = np.abs(np.diff(arrived - sent))
    assert changes.mean() == pytest.approx(jitter_of_bursts_ms(size, 20.0), rel=0.01)
    assert jitter_of_bursts_ms(size, 20.0) < 40
