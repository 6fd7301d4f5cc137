"""Calls of the field played by phones of other settings, afterwards: profile by profile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from lab.errors import LabError
from lab.field.in_parallel import Progress, in_parallel
from lab.field.phones import End, Setting, heard
from lab.field.profiles import tor_status_of
from lab.measure.pesq_score import LONGEST_S
from lab.measure.profile import Profile, VoiceWay
from lab.measure.profile_file import profiles_in, read_profile
from lab.measure.unburst import WAYS, unburst
from lab.measure.wav import Wav, read_wav


@dataclass(frozen=True, slots=True)
class Played:
    """One profile under one setting."""

    setting: Setting
    caller: End
    callee: End


@dataclass(frozen=True, slots=True)
class PlayedProfile:
    """One profile under all settings that were asked for."""

    name: str
    """Of its file."""
    tor_status: str | None
    """By the file's name, as the study writes it."""
    codec: str | None
    """By the lab's name."""
    unburst: tuple[str, ...] = ()
    """The directions that have steady bursts, which settings without them leave out."""
    played: tuple[Played, ...] = ()
    reason: str = ""
    """Why nothing was played; empty where it was."""
    without_bursts: tuple[str, ...] = ()
    """The directions whose bursts the profile itself leaves out."""


def play_profiles(
    path: Path,
    clip: Path,
    settings: Sequence[Setting],
    codec: str | None,
    jobs: int,
    progress: Progress,
) -> list[PlayedProfile]:
    """A profile, or every one of a directory, played in `jobs` processes; by name.

    `codec` is the lab's name of one that takes the place of the profiles' own. LabError where
    there is no profile, or no clip that PESQ takes.
    """
    files = profiles_in(path)
    if (duration_s := read_wav(clip).duration_s) > LONGEST_S:
        raise LabError(
            f"{clip} lasts {duration_s:.0f} s, and PESQ takes {LONGEST_S:.0f} s",
            "Take a clip of 8 to 30 s of speech with pauses (ITU-T P.862.3).",
        )
    done = {}
    work = partial(_play_file, clip, tuple(settings), codec)
    for file, played in in_parallel(files, work, jobs, __name__):
        done[file] = played or _nothing(file, "the program that scores it crashed")
        progress(len(done), len(files))
    return [done[file] for file in files]


def play_profile(
    profile: Profile, clip: Wav, settings: Sequence[Setting], codec: str
) -> Iterator[Played]:
    """One profile under each setting; LabError where the codec cannot be coded or decoded here."""
    known: dict[tuple[str, VoiceWay, Setting], End] = {}

    def once(end: str, setting: Setting) -> End:
        way = _way(profile, f"to_{end}", setting)
        # Where nothing was to be taken out, it is the same.
        key = end, way, replace(setting, without_bursts=False)
        if key not in known:
            known[key] = heard(end, way, clip, setting, codec)
        return known[key]

    for setting in settings:
        yield Played(setting, once("caller", setting), once("callee", setting))


def _play_file(
    clip: Path, settings: tuple[Setting, ...], codec: str | None, file: Path
) -> PlayedProfile:
    try:
        profile = read_profile(file)
        chosen = codec or profile.to_callee.codec
        steady = tuple(name for name in WAYS if unburst(getattr(profile, name)) is not None)
        played = tuple(play_profile(profile, _clip(clip), settings, chosen))
    except LabError as error:
        return _nothing(file, error.message.rstrip("."))
    status = tor_status_of(file)
    return PlayedProfile(
        file.stem, status, chosen, steady, played, without_bursts=profile.without_bursts
    )


def _nothing(file: Path, reason: str) -> PlayedProfile:
    return PlayedProfile(file.stem, tor_status_of(file), None, reason=reason)


def _way(profile: Profile, name: str, setting: Setting) -> VoiceWay:
    way: VoiceWay = getattr(profile, name)
    return (unburst(way) or way) if setting.without_bursts else way


_clip = cache(read_wav)
"""Read once per process."""
