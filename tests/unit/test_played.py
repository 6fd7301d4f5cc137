"""The clip through profiles, afterwards: by one phone, by one profile, by a directory of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from field_tree import make_call
from talker import speak

from lab.cli import app
from lab.clip.offline_codec import apply_codec
from lab.errors import LabError
from lab.field.layout import find_calls
from lab.field.phones import STUDIES, TODAY, End, Setting, heard
from lab.field.played import Played, PlayedProfile, play_profile
from lab.field.profiles import named_calls, tor_status_of
from lab.measure.profile import Profile, ProfileClock, VoiceWay
from lab.measure.profile_file import read_profile, write_profile
from lab.measure.score import score
from lab.measure.wav import Wav
from lab.report.played import groups, groups_table, notes

CLIP = Wav(speak(1, 9)[:, None], 8_000, "clip")
COUNT = 450


def way(takes_us: list[int | None]) -> VoiceWay:
    at_us = tuple(20_000 * n for n in range(len(takes_us)))
    return VoiceWay("PCMU", 20.0, at_us, tuple(takes_us))


STEADY_WAY = way([60_000 + 20_000 * (2 - n % 3) for n in range(COUNT)])
EVEN = way([100_000] * COUNT)


def profile(there: VoiceWay, back: VoiceWay) -> Profile:
    return Profile(("a", "b"), ProfileClock("shared", 0.0, 0.0), there, back)


def test_a_quiet_way_takes_nothing_but_the_codecs_share() -> None:
    end = heard("caller", EVEN, CLIP, TODAY, "PCMU")
    coded = apply_codec("PCMU", CLIP)
    assert coded is not None
    assert end.pesq_mos == pytest.approx(score(CLIP, coded).pesq_mos, abs=0.03)
    assert (end.loss_pct, end.concealed_pct, end.late_pct) == (0.0, 0.0, 0.0)
    assert end.owd_ms_p50 == pytest.approx(100.0)
    # The buffer's 200 ms, within a packet of which the first turn came.
    assert end.delay_ms_p50 == pytest.approx(290.0, abs=20.0)


def test_a_pause_that_was_not_sent_is_made_up_for_a_while() -> None:
    silence = np.zeros((3 * 8_000, 1))
    talk = Wav(np.concatenate([CLIP.samples, silence, CLIP.samples]), 8_000, "talk")
    whole = heard("caller", EVEN, talk, TODAY, "PCMU")
    paused = heard("caller", EVEN, talk, STUDIES, "PCMU")
    assert (whole.concealed_pct, paused.late_pct) == (0.0, 0.0)
    # Of 21 s the last 2.2 of the pause, and what the clip itself has of one at its ends.
    assert paused.concealed_pct == pytest.approx(100 * 2.5 / 21, abs=2.0)


def test_losses_and_late_voice_take_theirs() -> None:
    plain = heard("caller", EVEN, CLIP, TODAY, "PCMU")
    lossy = way([None if n % 12 == 5 else 100_000 for n in range(COUNT)])
    lost = heard("caller", lossy, CLIP, TODAY, "PCMU")
    # Half a second of delay comes and goes, for a second at a time.
    wild = way([100_000 + 500_000 * (n // 50 % 2) for n in range(COUNT)])
    late = heard("caller", wild, CLIP, replace(TODAY, playout="fixed:60"), "PCMU")
    assert plain.pesq_mos is not None
    for worse in (lost, late):
        assert worse.pesq_mos is not None
        assert worse.pesq_mos < plain.pesq_mos - 0.1
    assert lost.loss_pct == pytest.approx(100 / 12, abs=0.3)
    assert late.late_pct > 5


def test_without_bursts_voice_waits_less_and_what_has_none_is_played_once() -> None:
    freed = replace(TODAY, without_bursts=True)
    met, out = play_profile(profile(STEADY_WAY, EVEN), CLIP, [TODAY, freed], "PCMU")
    assert met.callee.owd_ms_p50 == pytest.approx(80.0)
    assert out.callee.owd_ms_p50 == pytest.approx(60.0)
    assert met.caller is out.caller


def test_what_comes_to_nobody_cannot_be_heard() -> None:
    with pytest.raises(LabError, match="nothing would have come to the caller"):
        heard("caller", way([100_000, *[None] * 449, *[None] * 9000]), CLIP, TODAY, "PCMU")


def end(mos: float | None, owd_ms: float = 100.0, ear_ms: float = 300.0) -> End:
    return End(mos, owd_ms, ear_ms, 0.0, 0.0, 0.0)


def played(name: str, *calls: tuple[Setting, End], **changes: object) -> PlayedProfile:
    results = tuple(Played(setting, one, one) for setting, one in calls)
    return replace(PlayedProfile(name, "Tor", "PCMU", (), results), **changes)  # type: ignore[arg-type]


def test_shares_are_of_calls_by_tor_and_codec() -> None:
    profiles = [
        played("a", (TODAY, end(4.0))),
        played("b", (TODAY, end(4.0, owd_ms=450.0, ear_ms=700.0))),
        played("c", (TODAY, end(4.0, ear_ms=500.0)), codec="GSM"),
        played("d", (TODAY, end(2.0)), tor_status=None),
        played("e", (TODAY, end(None))),
        PlayedProfile("f", "Tor", None, reason="its codec is unknown"),
    ]
    found = {(one.tor_status, one.codec): one for one in groups(profiles)}
    assert list(found) == [("?", "PCMU"), ("Tor", "GSM"), ("Tor", "PCMU"), ("Tor", "all")]
    tor = found["Tor", "all"]
    assert (tor.good.estimate, tor.good.n) == (0.75, 4), "what could not be compared is not good"
    assert tor.good_and_quick.estimate == pytest.approx(2 / 4)
    assert tor.good_to_the_ear.estimate == pytest.approx(1 / 4)
    assert tor.good.low == pytest.approx(0.3006, abs=0.001), "Wilson"
    assert found["?", "PCMU"].good.estimate == 0.0
    assert "f was not played: its codec is unknown." in notes(profiles)


def test_bursts_are_left_out_only_where_there_are_any() -> None:
    both = [(TODAY, end(3.5)), (replace(TODAY, without_bursts=True), end(4.0))]
    plain, steady = played("a", *both), played("b", *both, unburst=("to_callee",))
    assert len(groups([plain])) == 1
    rows = groups_table(groups([plain, steady])).rows
    assert [row[3] for row in rows] == ["as met", "out"]
    assert [row[5] for row in rows] == ["1", "1"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two calls, one of which lacks a capture."""
    root = tmp_path / "field"
    make_call(root / "Tor" / "g711" / "day" / "Paris", 1)
    make_call(root / "Non-Tor" / "g711" / "Paris", 2)["callee capture"].unlink()
    return root


def test_files_are_named_after_what_the_tree_says(tree: Path) -> None:
    named = named_calls(find_calls(tree))
    assert set(named.values()) == {"Tor_g711_day_Paris_1.json", "Non-tor_g711_Paris_2.json"}
    assert {tor_status_of(Path(file)) for file in named.values()} == {"Tor", "Non-tor"}
    assert tor_status_of(Path("call.json")) is None


def test_a_tree_becomes_profiles_and_they_are_played(tree: Path, tmp_path: Path) -> None:
    """As a user would."""
    target, clip = tmp_path / "profiles", tmp_path / "clip.wav"
    soundfile.write(clip, CLIP.samples, 8_000)
    command = ["profile", "make", str(tree), "-o", str(target), "--jobs", "1"]
    done = CliRunner().invoke(app, [*command, "--clocks", "separate"])
    assert done.exit_code == 0, done.output
    assert "1 profiles of 2 calls" in done.stdout
    assert "Non-Tor/g711/Paris#2 is left out: there is no capture of the callee." in done.stderr
    file = target / "Tor_g711_day_Paris_1.json"
    assert read_profile(file).to_caller.percentile_ms(50) == pytest.approx(30.0, abs=0.1)
    command = ["profile", "play", str(target), "--reference", str(clip), "--jobs", "1"]
    done = CliRunner().invoke(app, [*command, "--json", "--vad", "off", "--playout", "fixed:60"])
    assert done.exit_code == 0, done.output
    (group,) = json.loads(done.stdout)["groups"]
    assert (group["tor_status"], group["codec"]) == ("Tor", "PCMU")
    assert group["good"]["estimate"] == 1.0


def test_what_cannot_be_made_or_played_is_a_sentence(tree: Path, tmp_path: Path) -> None:
    target = tmp_path / "profiles"
    command = ["profile", "make", str(tree), "-o", str(target), "--without-bursts", "--jobs", "1"]
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, LabError)
    assert "no call in" in done.exception.message
    assert "there is nothing to take out" in done.stderr
    one = tmp_path / "one.json"
    write_profile(profile(EVEN, EVEN), one)
    with pytest.raises(LabError, match="two captures of one call"):
        CliRunner().invoke(
            app, ["profile", "make", str(one), "-o", str(target)], catch_exceptions=False
        )
    long = tmp_path / "long.wav"
    soundfile.write(long, np.tile(CLIP.samples, (4, 1)), 8_000)
    with pytest.raises(LabError, match="lasts 36 s"):
        CliRunner().invoke(
            app, ["profile", "play", str(one), "--reference", str(long)], catch_exceptions=False
        )
