"""Profiles of a whole tree of calls that were captured at both ends, one file each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from lab.errors import LabError
from lab.field.in_parallel import Progress, in_parallel
from lab.field.layout import CODECS, TOR, CallFiles, EndFiles, find_calls
from lab.measure.capture import read_capture
from lab.measure.clocks import Clocks
from lab.measure.profile import HeardMos, Profile, make_profile
from lab.measure.profile_file import write_profile
from lab.measure.rtp import streams
from lab.measure.score import score
from lab.measure.unburst import without_bursts
from lab.measure.wav import read_wav


@dataclass(frozen=True, slots=True)
class Wanted:
    """How profiles are made."""

    clocks: Clocks = Clocks.AUTO
    unburst: bool = False
    """Without the waiting for steady bursts; a call that has none is skipped then."""
    reference: Path | None = None
    """The clip that was played, for the PESQ of the recordings."""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of one call."""

    name: str
    """Series and number."""
    file: Path | None
    """None where there is no profile."""
    reason: str = ""
    """Why."""


def make_profiles(
    root: Path, directory: Path, wanted: Wanted, jobs: int, progress: Progress
) -> list[Made]:
    """A profile of every call below `root`, written into `directory`; by series and number.

    LabError where there is no call, or no place to write.
    """
    calls = find_calls(root)
    if wanted.reference is not None:
        read_wav(wanted.reference)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(f"{directory} cannot be made: {error.strerror}.") from error
    named = named_calls(calls)
    waiting = [(call, directory / named[call.name]) for call in calls if call.name in named]
    done = {
        call.name: Made(call.name, None, "another call of this name has its file")
        for call in calls
        if call.name not in named
    }
    for (call, _), made in in_parallel(waiting, partial(_make, wanted), jobs, __name__):
        done[call.name] = made or Made(call.name, None, "the program that scores it crashed")
        progress(len(done), len(calls))
    return [done[call.name] for call in calls]


def named_calls(calls: Sequence[CallFiles]) -> dict[str, str]:
    """Each call's file: Tor or not, codec, the rest of its path, and its number.

    Of several that would have the same only the first is there.
    """
    names: dict[str, str] = {}
    for call in calls:
        names.setdefault(_file_name(call), call.name)
    return {call: file for file, call in names.items()}


def _file_name(call: CallFiles) -> str:
    rest = [
        part
        for part in Path(call.series).parts
        if part.lower() not in TOR and part.lower() not in CODECS
    ]
    parts = [call.tor_status or "unknown", call.codec or "unknown"]
    parts += rest or [call.location]
    return f"{'_'.join([*parts, str(call.iteration_no)])}.json"


def tor_status_of(profile: Path) -> str | None:
    """Whether a profile's call went through Tor, as the study writes it, by its file's name."""
    return TOR.get(profile.name.split("_")[0].lower())


def _make(wanted: Wanted, job: tuple[CallFiles, Path]) -> Made:
    call, file = job
    try:
        write_profile(profile_of(call.caller, call.callee, wanted), file)
    except LabError as error:
        return Made(call.name, None, error.message.rstrip("."))
    return Made(call.name, file)


def profile_of(caller: EndFiles, callee: EndFiles, wanted: Wanted) -> Profile:
    """The profile of one call; LabError where its captures give none as wanted."""
    if caller.capture is None or callee.capture is None:
        raise LabError(f"there is no capture of the {'callee' if caller.capture else 'caller'}")
    found = [streams(read_capture(end)) for end in (caller.capture, callee.capture)]
    names = (str(caller.capture), str(callee.capture))
    profile = make_profile(found[0], found[1], names, wanted.clocks)
    if wanted.unburst:
        profile = without_bursts(profile)
    if wanted.reference is None:
        return profile
    clip = _reference(wanted.reference)
    heard = (
        None if recording is None else score(clip, recording).pesq_mos
        for recording in (caller.recording, callee.recording)
    )
    return replace(profile, pesq_mos=HeardMos(*heard))


_reference = cache(read_wav)
"""Read once per process."""
