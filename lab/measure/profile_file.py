"""Profiles in files, as `docs/profiles.md` describes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.measure.profile import Profile, VoiceWay
from lab.wire.plain import ShapeError, from_plain, to_plain

FORMAT = "voice-tor-lab profile 1"


def write_profile(profile: Profile, file: Path) -> None:
    """Write it; LabError where that cannot be."""
    plain = {"format": FORMAT, **to_plain(profile)}
    try:
        file.write_text(json.dumps(plain, separators=(",", ":")) + "\n", encoding="utf-8")
    except OSError as error:
        raise LabError(f"cannot write {file}: {error.strerror}") from error


def read_profile(file: Path) -> Profile:
    """Read and check it; LabError that names the file and what is wrong with it."""
    try:
        plain: Any = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(f"cannot read the profile {file}: {error.strerror}") from error
    except ValueError as error:
        raise _no_profile(file, f"it is no JSON ({error})") from error
    if not isinstance(plain, dict) or plain.pop("format", None) != FORMAT:
        raise _no_profile(file, f'it does not say "format": "{FORMAT}"')
    try:
        profile = from_plain(Profile, plain)
    except ShapeError as error:
        raise _no_profile(file, str(error)) from error
    for name, way in (("to_callee", profile.to_callee), ("to_caller", profile.to_caller)):
        if wrong := _wrong(way):
            raise _no_profile(file, f"{name} {wrong}")
    return profile


def profiles_in(path: Path) -> tuple[Path, ...]:
    """The profile itself, or every `*.json` of a directory by name; LabError where none is."""
    if not path.is_dir():
        return (path,)
    found = tuple(sorted(path.glob("*.json")))
    if not found:
        raise LabError(f"there is no profile in {path}", "`lab profile make` makes one, *.json.")
    return found


def _wrong(way: VoiceWay) -> str | None:
    if not way.at_us:
        return "is empty: it holds no packet"
    if len(way.at_us) != len(way.takes_us):
        return f"has {len(way.at_us)} times and {len(way.takes_us)} delays"
    if way.at_us[0] != 0 or any(b <= a for a, b in zip(way.at_us, way.at_us[1:], strict=False)):
        return "has times that do not ascend from 0"
    if any(takes is not None and takes < 0 for takes in way.takes_us):
        return "has a packet that arrived before it was sent"
    if all(takes is None for takes in way.takes_us):
        return "lost every packet"
    return None


def _no_profile(file: Path, why: str) -> LabError:
    return LabError(f"{file} is no profile: {why}", "`lab profile make` makes one of two captures.")
