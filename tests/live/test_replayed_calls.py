"""A call sent through a profile: every packet meets what it was to meet, and nothing is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from live_lab import LiveLab
from valid_calls import call

from lab.measure.profile import Profile, ProfileClock, VoiceWay
from lab.measure.profile_file import write_profile

pytestmark = pytest.mark.live

PACKETS = 1200
LOST = frozenset({100, 101, 500, 777})


def bursty(least_ms: int, gap_ms: int) -> VoiceWay:
    """24 s that arrive in bursts, one every so often, with four packets lost."""
    at_us = tuple(20_000 * number for number in range(PACKETS))
    gap_us = 1000 * gap_ms
    takes_us = tuple(
        None if number in LOST else (at // gap_us + 1) * gap_us - at + 1000 * least_ms
        for number, at in enumerate(at_us)
    )
    return VoiceWay("PCMU", 20.0, at_us, takes_us)


def shapes(lab: LiveLab) -> list[Any]:
    """What every link of the lab does."""
    shown = json.loads(lab.lab.run("link", "show", "--name", lab.name, "--json").stdout)
    return [link["in_force"] for link in shown]


@pytest.mark.slow
def test_voice_meets_its_profile_packet_by_packet(paper: LiveLab, tmp_path: Path) -> None:
    """Delay within a millisecond, and the losses are the profile's; the clip is 30 s long."""
    file = tmp_path / "field.json"
    clock = ProfileClock("shared", 0.0, 0.0)
    write_profile(Profile(("a", "b"), clock, bursty(60, 100), bursty(45, 60)), file)
    before = shapes(paper)
    record = call(paper, "sip", "--profile", str(file))
    assert shapes(paper) == before
    assert record["profile"] == "field"
    assert record["profile_used"].startswith("repeated 1.")
    assert record["replay_error_ms_p50"] < 1
    assert record["replay_loss_errors"] in (0, None)
    for end, burst in (("callee", 5), ("caller", 3)):
        assert record[f"{end}_owd_ms_p50"] == pytest.approx(
            record[f"{end}_profile_owd_ms_p50"], abs=2
        )
        assert record[f"{end}_burst_mean"] == pytest.approx(burst, rel=0.1)
    assert (Path(record["artefacts"]) / "profile.json").read_text() == file.read_text()
    plain = call(paper, "sip")
    assert plain["callee_owd_ms_p50"] < 20
    assert plain["profile_used"] is None
