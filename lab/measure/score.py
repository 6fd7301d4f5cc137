"""The score of one recording: PESQ, and whether it may be believed.

PESQ gives 1.1 to 4.5 to the wrong audio. So first the recording is proven to be the clip; its
score is `valid` where that proof stands. A bad call is a valid low score; an invalid score says
nothing about the call.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.measure.alignment import Alignment, DelayPiece, align, pass_to_score
from lab.measure.damage import Damage, damage
from lab.measure.pesq_score import LONGEST_S, narrow_band_mos, raw_from_mos, wide_band_mos
from lab.measure.speech import RATE_HZ, active_level_db, speech_segments
from lab.measure.validity import Evidence, clipped_share, doubts, leading_silence_s, remarks
from lab.measure.wav import Samples, Wav, read_wav
from lab.measure.windows import windows

WIDE_RATE_HZ = 16_000
LEAST_SPEECH_S = 3.2
"""P.862.3 asks for at least 3.2 s of active speech in a reference."""
MARGIN_S = 0.2
"""What PESQ gets to hear before and after the clip, so that it meets changes of delay in the
first and last words itself; exact cuts move its result by up to 0.09 MOS in the field."""


@dataclass(frozen=True, slots=True)
class Window:
    """The score of one stretch of a long recording."""

    start_s: float
    """In the recording."""
    end_s: float
    clip_start_s: float
    pesq_raw: float | None
    """None where PESQ found no speech to compare."""
    pesq_mos: float | None
    found_share: float
    """Share of the window's speech that was found in the recording."""


@dataclass(frozen=True, slots=True)
class Score:
    """What one recording is worth against its reference."""

    reference: str
    recording: str
    pesq_raw: float | None
    """P.862, -0.5 to 4.5; None for more than 32 s (see `windows`) and where there is none."""
    pesq_mos: float | None
    """MOS-LQO narrow-band, P.862.1."""
    pesq_wb_mos: float | None
    """MOS-LQO wide-band, P.862.2; None unless both files have 16 kHz or more."""
    valid: bool
    reasons: tuple[str, ...]
    """Why the score is not valid; empty where it is."""
    remarks: tuple[str, ...]
    """What was noticed and dealt with: looped playback, leading silence, ..."""
    delay_ms: float | None
    """The median delay of the clip in the recording; negative where recording began late."""
    delay_pieces: tuple[DelayPiece, ...]
    """The delay stretch by stretch; one where it is constant."""
    found_share: float
    """Share of the clip's speech that was found."""
    segments_found: int
    segments: int
    misplaced_share: float
    """Share of the clip's speech that was found, but in another order."""
    covered_share: float
    """Share of the clip during which the recorder ran."""
    passes: int
    """How often the clip was played; 0 where it was not found."""
    leading_silence_s: float
    """From the start of the recording to its first sound."""
    level_db: float
    """The recording's active level, dB re full scale."""
    clipped_share: float
    """Share of the recording's samples at the limit."""
    damage: Damage
    windows: tuple[Window, ...]
    """Longer than 32 s, or looped: the series of scores; otherwise empty."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def score(
    reference: Path | Wav,
    recording: Path | Wav,
    played_s: float | None = None,
    arrived_share: float = 1.0,
) -> Score:
    """Score a recording against the clip that was played.

    Of a recording with different channels the one that holds the clip is scored. `played_s`
    says for how long the clip was played, repeated where it is shorter: then the recording is
    compared with all of that, and speech that is missing anywhere in it is missed.
    `arrived_share` is the share of the voice packets that captures saw arrive: what a network
    loses makes a score low, not invalid. Raises LabError where a file cannot be read, or where
    the reference itself is no speech.
    """
    clip = reference if isinstance(reference, Wav) else read_wav(reference)
    whole = recording if isinstance(recording, Wav) else read_wav(recording)
    period_s = clip.duration_s if played_s is not None and played_s > clip.duration_s else None
    if played_s is not None:
        clip = clip.played_for(played_s)
    clip8 = clip.mono(RATE_HZ)
    if sum(s.duration_s for s in speech_segments(clip8)) < LEAST_SPEECH_S:
        raise LabError(
            f"{clip.name} has less than {LEAST_SPEECH_S} s of speech, too little for PESQ.",
            "Take a clip of 8 to 30 s of speech with pauses (ITU-T P.862.3).",
        )
    channels = whole.distinct_channels()
    each = [_evidence(clip8, channel, period_s, arrived_share) for channel in channels]
    number = max(range(len(each)), key=lambda n: each[n].chosen.found_share)
    one = _score(clip, channels[number], each[number])
    if period_s is not None and one.passes:
        one = replace(one, passes=ceil(clip.duration_s / period_s))
    if len(channels) == 1:
        return one
    return replace(
        one, remarks=(f"channel {number + 1} of {len(channels)} is scored", *one.remarks)
    )


def _evidence(
    clip8: Samples, channel: Wav, period_s: float | None, arrived_share: float
) -> Evidence:
    heard = channel.mono(RATE_HZ)
    passes = align(clip8, heard, period_s)
    chosen = pass_to_score(passes, len(clip8), len(heard))
    clipped = clipped_share(channel.samples[:, 0])
    return Evidence(clip8, heard, passes, chosen, clipped, arrived_share)


def _score(clip: Wav, channel: Wav, evidence: Evidence) -> Score:
    clip8, heard, chosen = evidence.clip, evidence.heard, evidence.chosen
    reasons = doubts(evidence)
    is_long = len(clip8) > LONGEST_S * RATE_HZ
    mos = wb_mos = None
    if not is_long:
        try:
            mos = narrow_band_mos(*_pair(chosen, clip8, heard, 1))
            if min(clip.rate_hz, channel.rate_hz) >= WIDE_RATE_HZ:
                wide = clip.mono(WIDE_RATE_HZ), channel.mono(WIDE_RATE_HZ)
                wb_mos = wide_band_mos(*_pair(chosen, *wide, WIDE_RATE_HZ // RATE_HZ))
        except LabError as error:
            reasons = reasons or (error.message.rstrip("."),)
    is_series = is_long or len(evidence.complete) > 1
    return Score(
        reference=clip.name,
        recording=channel.name,
        pesq_raw=None if mos is None else raw_from_mos(mos),
        pesq_mos=mos,
        pesq_wb_mos=wb_mos,
        valid=not reasons,
        reasons=reasons,
        remarks=remarks(evidence),
        delay_ms=chosen.delay_ms,
        delay_pieces=chosen.pieces,
        found_share=chosen.found_share,
        segments_found=len(chosen.found),
        segments=len(chosen.matches),
        misplaced_share=evidence.misplaced_share,
        covered_share=evidence.covered_share,
        passes=len(evidence.passes) if chosen.found else 0,
        leading_silence_s=leading_silence_s(heard),
        level_db=active_level_db(heard),
        clipped_share=evidence.clipped_share,
        damage=damage(clip8, heard, chosen),
        windows=_series(evidence.complete or (chosen,), clip8, heard) if is_series else (),
    )


def _pair(
    alignment: Alignment, clip: Samples, heard: Samples, factor: int
) -> tuple[Samples, Samples]:
    """The clip as far as the recorder ran, and the stretch of the recording that holds it.

    `factor` is the audio's rate over 8 kHz. Without an alignment: both from their start.
    """
    if not alignment.found:
        return clip, heard[: round(1.1 * len(clip))]
    usual = round((alignment.delay_ms or 0.0) * RATE_HZ / 1000)
    first, last = min(usual, alignment.delays[0]), max(usual, alignment.delays[-1])
    margin = round(MARGIN_S * RATE_HZ)
    missed_start, missed_end = -first, len(clip) // factor + min(alignment.delays)
    missed_end -= len(heard) // factor
    start = missed_start if missed_start > margin else 0
    end = len(clip) // factor - (missed_end if missed_end > margin else 0)
    heard_part = slice(
        max(0, start + first - margin) * factor, max(0, end + last + margin) * factor
    )
    return clip[start * factor : end * factor], heard[heard_part]


def _series(passes: tuple[Alignment, ...], clip: Samples, heard: Samples) -> tuple[Window, ...]:
    """The windows of every complete pass, in order of time."""
    series = []
    for one in passes:
        for part in windows(clip):
            start, end = part.start + one.delay_at(part.start), part.end + one.delay_at(part.end)
            inside = [m for m in one.matches if part.start <= m.segment.start < part.end]
            speech = sum(m.segment.duration_s for m in inside)
            found = sum(m.segment.duration_s for m in inside if m.place)
            try:
                mos = narrow_band_mos(
                    clip[part.start : part.end], heard[max(0, start) : max(0, end)]
                )
            except LabError:
                mos = None
            series.append(
                Window(
                    start_s=start / RATE_HZ,
                    end_s=end / RATE_HZ,
                    clip_start_s=part.start / RATE_HZ,
                    pesq_raw=None if mos is None else raw_from_mos(mos),
                    pesq_mos=mos,
                    found_share=found / speech if speech else 0.0,
                )
            )
    return tuple(series)
