"""The score of one recording: PESQ, and whether it may be believed.

PESQ gives 1.1 to 4.5 to the wrong audio. So first the recording is proven to be the clip; its
score is `valid` where that proof stands. A bad call is a valid low score; an invalid score says
nothing about the call.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.measure.alignment import Alignment, DelayPiece, align
from lab.measure.damage import Damage, damage
from lab.measure.header_score import header_mos
from lab.measure.hearing import Heard, hear
from lab.measure.loops import Loop, find_loop, repeated
from lab.measure.pesq_score import LONGEST_S, narrow_band_mos, raw_from_mos, wide_band_mos
from lab.measure.samples import Samples
from lab.measure.speech import RATE_HZ, active_level_db, speech_segments
from lab.measure.validity import leading_silence_s, remarks
from lab.measure.wav import Audio, open_wav
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
    channel: int
    """The one of the recording that is scored, from 1."""
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
    """Share of the speech played that was found: of looped playback, in all of the recording."""
    segments_found: int
    segments: int
    misplaced_share: float
    """Share of the clip's speech that was found, but in another order."""
    covered_share: float
    """Share of the clip during which the recorder ran."""
    drift_ppm: float | None
    """By how much the recorder's clock is faster than the player's, in parts per million; 0 where
    no drift is to be told, None where the clip was not found."""
    passes: float
    """How often the clip was played, in part too; 0 where it was not found."""
    leading_silence_s: float
    """From the start of the recording to its first sound."""
    level_db: float
    """The recording's active level, dB re full scale."""
    clipped_share: float
    """Share of the recording's samples at the limit."""
    damage: Damage
    windows: tuple[Window, ...]
    """Longer than 32 s, or looped: the series of scores; otherwise empty."""
    pesq_choppy_mos: float | None = None
    """MOS-LQO as the second study's program had it (`lab.measure.header_score`), where asked."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def score(
    reference: Path | Audio,
    recording: Path | Audio,
    played_s: float | None = None,
    arrived_share: float = 1.0,
    channel: int | None = None,
    as_choppy: bool = False,
) -> Score:
    """Score a recording against the clip that was played.

    Of a recording with different channels the one that holds the clip is scored, or `channel`,
    from 1; where several hold it the score is not valid until one is named. `played_s` says for
    how long the clip was played, repeated where it is shorter: then the recording is compared
    with all of that, and speech that is missing anywhere in it is missed. `arrived_share` is the
    share of the voice packets that captures saw arrive: what a network loses makes a score low,
    not invalid. `as_choppy` asks for the second study's score beside the right one. Raises
    LabError where a file cannot be read, where the reference itself is no speech, and for a
    channel that is not there.
    """
    clip = open_wav(reference) if isinstance(reference, Path) else reference
    whole = open_wav(recording) if isinstance(recording, Path) else recording
    clip8 = clip.mono(RATE_HZ)
    period_s = None
    if played_s is not None:
        period_s = clip.duration_s if played_s > clip.duration_s else None
        clip8 = repeated(clip8, clip.duration_s * RATE_HZ, round(played_s * RATE_HZ))
    if sum(s.duration_s for s in speech_segments(clip8)) < LEAST_SPEECH_S:
        raise LabError(
            f"{clip.name} has less than {LEAST_SPEECH_S} s of speech, too little for PESQ.",
            "Take a clip of 8 to 30 s of speech with pauses (ITU-T P.862.3).",
        )
    heard = hear(clip8, whole, period_s, arrived_share, channel)
    one = _score(clip, played_s, whole, heard)
    if as_choppy:
        mos = header_mos(clip8, whole.mono(RATE_HZ, heard.channel))
        one = replace(one, pesq_choppy_mos=mos)
    if period_s is not None and one.passes:
        return replace(one, passes=len(clip8) / (period_s * RATE_HZ))
    return one


def compared(
    clip: Audio, recording: Audio, rate_hz: int, played_s: float | None = None
) -> tuple[Samples, Samples]:
    """What PESQ compares, at a multiple of 8 kHz, for others to compare as well.

    The clip as far as it was played and the recorder ran, and the stretch of the recording that
    holds it. Without the clip in it: both from their start.
    """
    clip8, clip_at_rate = clip.mono(RATE_HZ), clip.mono(rate_hz)
    if played_s is not None:
        clip8 = repeated(clip8, clip.duration_s * RATE_HZ, round(played_s * RATE_HZ))
        clip_at_rate = repeated(clip_at_rate, clip.duration_s * rate_hz, round(played_s * rate_hz))
    period_s = clip.duration_s if played_s is not None and played_s > clip.duration_s else None
    heard = hear(clip8, recording, period_s, 1.0, None)
    samples = recording.mono(rate_hz, heard.channel)
    factor = rate_hz // RATE_HZ
    drift = heard.evidence.drift
    if drift.slope:
        samples = drift.undone(samples, factor)
    return _pair(heard.evidence.chosen, clip_at_rate, samples, factor)


def _score(clip: Audio, played_s: float | None, whole: Audio, heard: Heard) -> Score:
    evidence = heard.evidence
    clip8, heard8, chosen = evidence.clip, evidence.heard, evidence.chosen
    reasons = heard.doubts()
    is_long = len(clip8) > LONGEST_S * RATE_HZ
    mos = wb_mos = None
    if not is_long:
        try:
            mos = narrow_band_mos(*_pair(chosen, clip8, heard8, 1))
            if min(clip.rate_hz, whole.rate_hz) >= WIDE_RATE_HZ:
                clip16 = clip.mono(WIDE_RATE_HZ)
                if played_s is not None:
                    period = clip.duration_s * WIDE_RATE_HZ
                    clip16 = repeated(clip16, period, round(played_s * WIDE_RATE_HZ))
                heard16 = whole.mono(WIDE_RATE_HZ, heard.channel)
                if evidence.drift.slope:
                    heard16 = evidence.drift.undone(heard16, WIDE_RATE_HZ // RATE_HZ)
                wb_mos = wide_band_mos(*_pair(chosen, clip16, heard16, WIDE_RATE_HZ // RATE_HZ))
        except LabError as error:
            reasons = reasons or (error.message.rstrip("."),)
    loop = find_loop(evidence.passes, len(clip8), len(heard8))
    played, compared = clip8, chosen
    if loop is not None:
        played = loop.played(clip8)
        heard8 = heard8[loop.begin :]
        (compared, *_) = align(played, heard8, loop.period / RATE_HZ)
    is_series = is_long or loop is not None
    return Score(
        reference=clip.name,
        recording=whole.name,
        channel=heard.channel + 1,
        pesq_raw=None if mos is None else raw_from_mos(mos),
        pesq_mos=mos,
        pesq_wb_mos=wb_mos,
        valid=not reasons,
        reasons=reasons,
        remarks=(
            *(f"reference: {remark}" for remark in clip.remarks),
            *whole.remarks,
            *heard.remarks(),
            *remarks(evidence, loop, compared),
        ),
        delay_ms=chosen.delay_ms,
        delay_pieces=chosen.pieces,
        drift_ppm=evidence.drift.ppm if chosen.found else None,
        found_share=compared.found_share,
        segments_found=len(compared.found),
        segments=len(compared.matches),
        misplaced_share=evidence.misplaced_share,
        covered_share=evidence.covered_share,
        passes=loop.times if loop else float(bool(chosen.found)),
        leading_silence_s=leading_silence_s(evidence.heard),
        level_db=active_level_db(evidence.heard),
        clipped_share=evidence.clipped_share,
        damage=damage(played, heard8, compared),
        windows=_series(compared, played, heard8, loop) if is_series else (),
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


def _series(one: Alignment, clip: Samples, heard: Samples, loop: Loop | None) -> tuple[Window, ...]:
    """The windows of what was played, as far as the recorder caught them whole."""
    begin, first = (loop.begin, loop.first) if loop else (0, 0)
    starts = [match.segment.start for match in one.matches]
    series = []
    for part in windows(clip):
        start, end = part.start + one.delay_at(part.start), part.end + one.delay_at(part.end)
        inside = one.matches[bisect_left(starts, part.start) : bisect_left(starts, part.end)]
        speech = sum(m.segment.duration_s for m in inside)
        found = sum(m.segment.duration_s for m in inside if m.place)
        try:
            mos = narrow_band_mos(clip[part.start : part.end], heard[max(0, start) : max(0, end)])
        except LabError:
            mos = None
        series.append(
            Window(
                start_s=(begin + start) / RATE_HZ,
                end_s=(begin + end) / RATE_HZ,
                clip_start_s=(begin - first + part.start) / RATE_HZ,
                pesq_raw=None if mos is None else raw_from_mos(mos),
                pesq_mos=mos,
                found_share=found / speech if speech else 0.0,
            )
        )
    return tuple(series)
