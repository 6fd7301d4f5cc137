"""What a bundle holds and where: the names of its files, and `bundle.json`, which tells of it.

A bundle is a tar archive, compressed by gzip: projects and the database shrink to a tenth, captures
and recordings to a half, and every host unpacks it; xz would halve those again, in eight times the
time. All its files lie below one directory, which has the run's name. `bundle.json` comes first, so
that a bundle is known by its first few hundred octets, and the calls' directories come last, so
that a report reads none of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

from lab.errors import LabError
from lab.wire.plain import ShapeError, from_plain, to_plain

FORMAT = 1
"""Counts what cannot be read as it was before; what is only added needs a default instead."""

CONTENTS = "bundle.json"
CRATE = "ro-crate-metadata.json"
SUMS = "SHA256SUMS"
"""A checksum for every other file, as `sha256sum --check` reads them."""
STORE = "results.sqlite"
"""The database of results, with this run and its calls alone."""
FIRST = (CONTENTS, SUMS, STORE)
"""The files that come before all others, in this order."""

EXPERIMENT = "experiment.yaml"
TOPOLOGY = "topology.yaml"
PLAN = "plan.json"
"""The order of the calls and the seed of each."""
VERSIONS = "versions.json"
IMAGES = "images.json"
"""The images that the calls were made with, by their tags, and their digests if they are known."""
CALLS = "calls"
PROJECTS = "projects"
"""The rendered project of every topology of the run, without secrets."""
PROFILES = "profiles"
"""The files that points of the experiment name."""
LOCKS = "locks"
"""Every package that is installed, with hashes: on the host, and in the images."""


class Artefacts(StrEnum):
    """Of which calls the directories are in a bundle."""

    NONE = "none"
    FAILED = "failed"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Contents:
    """What `bundle.json` tells."""

    run_id: str
    packed_by: str
    """The version of the lab that packed it."""
    artefacts: Artefacts
    calls: Mapping[str, str | None]
    """Call → why its directory is left out; None where it is in the bundle."""
    topologies: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Project → the keys of the topology that have another value there, with that as YAML."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """What else should be there and is not: its place → why."""
    format: int = FORMAT

    @property
    def kept(self) -> tuple[str, ...]:
        """The calls of which the directories are in the bundle."""
        return tuple(call for call, why_not in self.calls.items() if why_not is None)


def contents_text(contents: Contents) -> str:
    """What `bundle.json` says."""
    return as_json({"format": FORMAT} | to_plain(contents))


def read_contents(text: str, bundle: Path) -> Contents:
    """What `bundle.json` said; LabError where it is none, or one of a newer version."""
    try:
        plain: Any = json.loads(text)
    except ValueError as error:
        raise LabError(f"{bundle} is damaged: its {CONTENTS} cannot be read: {error}") from None
    made_as = plain.get("format") if isinstance(plain, dict) else None
    if type(made_as) is int and made_as > FORMAT:
        raise LabError(
            f"{bundle} is a bundle of format {made_as}, made by lab "
            f"{plain.get('packed_by', 'of an unknown version')}; this version reads format "
            f"{FORMAT}",
            "Use the version that made it, or a later one.",
        )
    try:
        contents = from_plain(Contents, plain)
    except ShapeError as error:
        words = f"{bundle} is damaged: {CONTENTS} does not tell of a bundle: {error}"
        raise LabError(words) from error
    for call in contents.calls:
        if call in ("", "..") or PurePosixPath(call).name != call:
            raise LabError(f"{bundle} is refused: {call!r} cannot be the name of a call")
    return contents


def as_json(value: Any) -> str:
    """As every JSON file of a bundle is written: the same value is the same text."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
