"""The scores of a call's recordings, and what of them stands in its record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from lab.ends import EACH_END
from lab.measure.call.files import CODED, REFERENCE
from lab.measure.call.notes import CallNotes
from lab.measure.record import CallRecord
from lab.measure.score import Score, score
from lab.measure.wav import Wav, read_wav

CEILING = "ceiling"
"""The name of the clip's own score, through the codec alone, among those of the call."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """One recording that is to be scored."""

    name: str
    """Of the score."""
    directory: Path
    file: str
    played_s: float | None
    """For how long the clip was played, where that is not once."""
    arrived_share: float = 1.0
    """Of the voice packets, as captures saw them."""
    once: bool = False
    """Whether the clip was not repeated in it, however long it was played in the call."""
    as_choppy: bool = False
    """Whether the second study's score is asked for, too."""


Map = Callable[[Callable[[Scoring], Score], Iterable[Scoring]], Iterable[Score]]
"""`map`, or that of several processes."""


def note_scores(
    record: CallRecord, notes: CallNotes, directory: Path, mapped: Map = map
) -> dict[str, Any]:
    """PESQ and damage of all recordings; returns the whole scores by what they are of.

    What another playout made of the same packets (`caller-adaptive.wav`) is scored beside the
    ends' own, and so is the clip through the codec alone. A recording that is not the clip makes
    the call invalid, but for what the network lost on the way to that end.
    """
    jobs = _scorings(record, notes, directory)
    found = {job.name: one for job, one in zip(jobs, mapped(score_one, jobs), strict=True)}
    if CEILING in found:
        record.pesq_ceiling_mos = found[CEILING].pesq_mos
    for end in EACH_END:
        _note_score(record, end, found[end])
    return {name: one.to_dict() for name, one in found.items()}


def score_one(job: Scoring) -> Score:
    """The score of one recording; LabError where it cannot be read."""
    clip, recording = _read(job.directory, REFERENCE), _read(job.directory, job.file)
    played_s = job.played_s
    if job.once and played_s is not None and played_s >= clip.duration_s:
        played_s = None
    return score(clip, recording, played_s, job.arrived_share, as_choppy=job.as_choppy)


def ceiling_of(directory: Path, played_s: float | None) -> Scoring:
    """What scores the clip through the codec alone, in a call that played it for so long."""
    return Scoring(CEILING, directory, CODED, played_s, once=True)


def _scorings(record: CallRecord, notes: CallNotes, directory: Path) -> list[Scoring]:
    played_s = notes.plan.duration_s
    jobs = []
    for end in EACH_END:
        lost_pct = getattr(record, f"{end}_loss_pct") or 0.0
        arrived_share = 1.0 - lost_pct / 100
        jobs.append(Scoring(end, directory, f"{end}.wav", played_s, arrived_share, as_choppy=True))
    for file in sorted(file for end in EACH_END for file in directory.glob(f"{end}-*.wav")):
        jobs.append(Scoring(file.stem, directory, file.name, played_s))
    if (directory / CODED).exists():
        jobs.append(ceiling_of(directory, played_s))
    return jobs


def _read(directory: Path, name: str) -> Wav:
    """A file of the call, that goes by its name alone wherever the directory is."""
    return replace(read_wav(directory / name), name=name)


def _note_score(record: CallRecord, end: str, result: Score) -> None:
    _note_windows(record, end, result)
    setattr(record, f"{end}_pesq_raw", result.pesq_raw)
    setattr(record, f"{end}_pesq_mos", result.pesq_mos)
    setattr(record, f"{end}_pesq_mos_choppy", result.pesq_choppy_mos)
    setattr(record, f"{end}_missing_share", result.damage.missing_share)
    setattr(record, f"{end}_longest_gap_ms", result.damage.longest_gap_ms)
    if not result.valid:
        record.invalid_reasons += [f"{end}'s recording: {text}" for text in result.reasons]


def _note_windows(record: CallRecord, end: str, result: Score) -> None:
    """What the series of a long call's windows is about, in a few figures."""
    if not result.windows:
        return
    scores = [window.pesq_mos for window in result.windows if window.pesq_mos is not None]
    setattr(record, f"{end}_windows", len(result.windows))
    setattr(record, f"{end}_windows_lost", len(result.windows) - len(scores))
    if scores:
        setattr(record, f"{end}_window_mos_min", min(scores))
        setattr(record, f"{end}_window_mos_p50", median(scores))
        setattr(record, f"{end}_window_mos_max", max(scores))
