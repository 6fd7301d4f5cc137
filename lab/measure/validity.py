"""Whether a score may be believed: is the recording the clip, whole and undistorted?

A bad call is a valid low score. Not valid is what says nothing about the call: other sound, a
piece of the clip, the clip in another order, a recorder that failed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.measure.alignment import Alignment, covered_share, delay_steps_ms, least_covered
from lab.measure.drift import LEAST_PPM, Drift
from lab.measure.loops import Loop
from lab.measure.samples import Samples
from lab.measure.speech import RATE_HZ, SILENT_DB, active_level_db, levels_db

LEAST_FOUND = 0.2
"""The least share of the clip's speech that must be found. Other or reversed speech: 0.00
(99 pairs). The right clip: 0.85 and more in 18 recordings of field calls, 0.66 and more with
70 % of the packets lost in bursts of 200 ms."""
LEAST_SPAN_S = 8.0
LEAST_SPAN_SHARE = 0.75
"""What is found must reach across 8 s, the least that P.862 is validated for, or across three
quarters of a shorter clip: a clip cut to 4 s is not a call of it."""
MOST_MISPLACED = 0.02
"""The share of the clip's speech that may lie outside the clip's order: one short piece in a
minute, found twice by chance."""
MOST_CLIPPED = 0.01
"""The share of samples at the limit. Codecs overshoot for single samples; more means that a
gain was wrong, and then the score measures that gain."""
LONG_LEAD_S = 0.5
"""A silence at the start beyond this is remarked; calls begin within 0.35 s of the clip."""
SOUND_BELOW_DB = 30.0
"""Sound begins where the level comes this near to that of speech; noise floors are lower."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about one recording; audio is 8 kHz, one dimension."""

    clip: Samples
    heard: Samples
    passes: tuple[Alignment, ...]
    chosen: Alignment
    """The pass that is scored."""
    clipped_share: float
    """Share of the recording's samples at the limit, at its own rate."""
    drift: Drift
    """Of the recorder's clock; undone in `heard`."""
    arrived_share: float
    """Share of the voice sent that is known, from captures, to have reached the recorder."""

    @property
    def covered_share(self) -> float:
        """The share of the clip during which the recorder ran."""
        return covered_share(self.chosen, len(self.clip), len(self.heard))

    @property
    def misplaced_share(self) -> float:
        """The share of the clip's speech that is there in another order."""
        speech_s = sum(m.segment.duration_s for m in self.chosen.matches)
        return self.chosen.misplaced_s / speech_s if speech_s else 0.0


def doubts(evidence: Evidence) -> tuple[str, ...]:
    """Why the recording proves nothing about a call of this clip; empty where it does.

    Speech that the network is known to have lost is missing in a true recording: so much less
    of the clip has to be found.
    """
    level = active_level_db(evidence.heard)
    if level < SILENT_DB:
        return (f"the recording is silent (loudest speech {level:.0f} dB re full scale)",)
    chosen = evidence.chosen
    reasons = []
    if chosen.found_share < LEAST_FOUND * evidence.arrived_share:
        reasons.append(
            f"the recording is not the reference: {chosen.found_share:.0%} of its speech was found"
        )
    if evidence.misplaced_share > MOST_MISPLACED:
        reasons.append(
            f"the speech is in another order: {chosen.misplaced_s:.1f} s are out of place"
        )
    least = least_covered(len(evidence.clip))
    if not chosen.found and len(evidence.heard) < least * len(evidence.clip):
        reasons.append(
            f"the recording is truncated: {len(evidence.heard) / RATE_HZ:.1f} s of a clip of "
            f"{len(evidence.clip) / RATE_HZ:.1f} s"
        )
    if chosen.found:
        if evidence.covered_share < least * evidence.arrived_share:
            reasons.append(
                f"the recording is truncated: it covers {evidence.covered_share:.0%} of the clip"
            )
        speech = [match.segment for match in chosen.matches]
        whole_s = (speech[-1].end - speech[0].start) / RATE_HZ
        least_s = min(LEAST_SPAN_S, LEAST_SPAN_SHARE * whole_s)
        if chosen.span_s < least_s * evidence.arrived_share:
            reasons.append(f"only {chosen.span_s:.1f} s of the clip are there")
    if evidence.clipped_share > MOST_CLIPPED:
        reasons.append(
            f"the recording is clipped: {evidence.clipped_share:.1%} of its samples are at a limit"
        )
    return tuple(reasons)


def remarks(evidence: Evidence, loop: Loop | None, compared: Alignment) -> tuple[str, ...]:
    """What was noticed and dealt with by aligning; `compared` is the whole of a loop."""
    chosen = evidence.chosen
    if not chosen.found:
        return ()
    said = []
    start_s = chosen.delays[0] / RATE_HZ
    if loop is not None:
        said += _about(loop, start_s, compared)
    elif len(evidence.passes) > 1:
        said.append(
            f"the clip occurs {len(evidence.passes)} times; "
            f"the pass that starts at {start_s:.1f} s is scored"
        )
    lead_s = leading_silence_s(evidence.heard) - leading_silence_s(evidence.clip)
    if lead_s > LONG_LEAD_S:
        said.append(f"a leading silence of {lead_s:.1f} s is left out")
    elif len(evidence.passes) == 1 and start_s > LONG_LEAD_S:
        said.append(f"the clip starts {start_s:.1f} s into the recording")
    if start_s < 0:
        said.append(f"the recording starts {-start_s:.2f} s into the clip")
    missed_s = (len(evidence.clip) + min(chosen.delays) - len(evidence.heard)) / RATE_HZ
    if missed_s > 0:
        said.append(f"the recording ends {missed_s:.2f} s before the clip does")
    if steps := delay_steps_ms(chosen):
        delays = [piece.delay_ms for piece in chosen.pieces]
        said.append(
            f"the delay changes {len(steps)} times, between {min(delays):.0f} and "
            f"{max(delays):.0f} ms"
        )
    drift_ppm = evidence.drift.ppm
    if abs(drift_ppm) >= LEAST_PPM:
        said.append(
            f"the recorder's clock runs {abs(drift_ppm) / 1e4:.3f} % "
            f"{'fast' if drift_ppm > 0 else 'slow'} against the player's, which is undone"
        )
    return tuple(said)


def _about(loop: Loop, start_s: float, compared: Alignment) -> list[str]:
    said = [
        f"looped playback: the clip occurs {loop.times:.1f} times; "
        f"the pass that starts at {start_s:.1f} s is scored"
    ]
    last = max((s.end + p.delay for s, p in compared.found), default=0)
    silent_s = (loop.end - loop.begin - last) / RATE_HZ
    if silent_s > loop.period / RATE_HZ:
        said.append(
            f"nothing of it is heard in the last {silent_s:.0f} s; if it was not played any more "
            "then, say how long it was with --duration"
        )
    return said


def leading_silence_s(samples: Samples) -> float:
    """Until the first sound in 8 kHz audio; all of it where there is none."""
    level = active_level_db(samples)
    heard = levels_db(samples, RATE_HZ // 100) > max(level - SOUND_BELOW_DB, SILENT_DB)
    return float(np.argmax(heard)) / 100 if heard.any() else len(samples) / RATE_HZ
