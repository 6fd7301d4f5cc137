"""Which channel of a recording holds the clip, and whether that can be told at all."""

from __future__ import annotations

from dataclasses import dataclass

from lab.errors import LabError
from lab.measure.alignment import align, pass_to_score
from lab.measure.drift import NO_DRIFT, Drift, blurred_drift, clock_drift
from lab.measure.samples import Samples
from lab.measure.speech import RATE_HZ
from lab.measure.validity import LEAST_FOUND, Evidence, doubts
from lab.measure.wav import Audio

ROUNDS = 3
"""How often a drift is looked for: the more of it is undone, the better what is left is seen."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The channel that is scored."""

    channel: int
    """From 0."""
    channels: int
    """How many there are to choose from; 1 where all sound alike."""
    evidence: Evidence
    rivals: tuple[int, ...] = ()
    """Every channel that holds the clip, from 0, where nobody said which one was received."""

    def doubts(self) -> tuple[str, ...]:
        """Why the recording proves nothing about a call; empty where it does."""
        if not self.rivals:
            return doubts(self.evidence)
        names = [str(number + 1) for number in self.rivals]
        ambiguous = (
            f"the clip is in channels {', '.join(names[:-1])} and {names[-1]}, of which only one "
            "was received: name it with --channel"
        )
        return (ambiguous, *doubts(self.evidence))

    def remarks(self) -> tuple[str, ...]:
        """Which one it is, where there are several."""
        if self.channels == 1:
            return ()
        return (f"channel {self.channel + 1} of {self.channels} is scored",)


def hear(
    clip: Samples,
    recording: Audio,
    period_s: float | None,
    arrived_share: float,
    wanted: int | None,
) -> Heard:
    """Look for the clip (8 kHz) in the channel `wanted`, from 1, or in each that is different.

    LabError where there is no such channel.
    """
    if wanted is not None and wanted not in range(1, recording.channels + 1):
        raise LabError(
            f"{recording.name} has no channel {wanted}: it has {recording.channels}.",
            "Channels are counted from 1.",
        )
    chosen = recording.distinct_channels() if wanted is None else (wanted - 1,)
    choices = 1 if wanted is None and len(chosen) == 1 else recording.channels
    best: Heard | None = None
    holders = []
    for number in chosen:
        evidence = _evidence(clip, recording, number, period_s, arrived_share)
        share = evidence.chosen.found_share
        if share >= LEAST_FOUND * arrived_share and evidence.chosen.found:
            holders.append(number)
        if best is None or share > best.evidence.chosen.found_share:
            best = Heard(number, choices, evidence)
        del evidence  # Of a long recording two channels at once are enough.
    assert best is not None
    if len(holders) < 2:
        return best
    return Heard(best.channel, best.channels, best.evidence, tuple(holders))


def _evidence(
    clip: Samples, recording: Audio, number: int, period_s: float | None, arrived_share: float
) -> Evidence:
    """What is found in one channel, a drift of the recorder's clock undone."""
    drift = NO_DRIFT
    heard = _heard(recording, number, drift)
    passes = align(clip, heard, period_s)
    chosen = pass_to_score(passes, len(clip), len(heard))
    for _ in range(ROUNDS):
        middles = [(segment.start + segment.end) / 2 for segment, _ in chosen.found]
        rest = clock_drift(middles, chosen.delays, drift) or blurred_drift(
            clip, heard, chosen.found
        )
        if rest is None:
            break
        del heard  # Of an hour one copy more is too much.
        heard = _heard(recording, number, drift.after(rest))
        better = align(clip, heard, period_s)
        best = pass_to_score(better, len(clip), len(heard))
        # What is no drift makes the recording less like the clip when it is undone.
        if best.likeness <= chosen.likeness:
            heard = _heard(recording, number, drift)
            break
        drift, passes, chosen = drift.after(rest), better, best
    clipped = recording.clipped_share(number)
    return Evidence(clip, heard, passes, chosen, clipped, drift, arrived_share)


def _heard(recording: Audio, number: int, drift: Drift) -> Samples:
    """One channel at 8 kHz, as the player's clock had made it."""
    samples = recording.mono(RATE_HZ, number)
    return drift.undone(samples) if drift.slope else samples
