"""What a host must have alike with whoever sends it calls: else records could not be compared."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version

from lab import __version__
from lab.checkout import ROOT

About = Mapping[str, str]
"""What → its version."""


@lru_cache
def about_here() -> About:
    """The lab, with a checksum of its code, and what carries calls to and fro."""
    return {
        "lab": f"{__version__} ({code_here()})",
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "distributed": version("distributed"),
    }


def code_here() -> str:
    """A checksum of the modules of the lab, its templates and its images: 8 hexadecimal digits."""
    found = sha256()
    for directory in ("lab", "compose", "images"):
        for file in sorted((ROOT / directory).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                found.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:8]


def difference(there: About, here: About) -> str | None:
    """What differs, as what follows a host's name; None where nothing does."""
    for name, ours in here.items():
        if there.get(name) != ours:
            return f"runs {name} {there.get(name, 'of an unknown version')}, and here is {ours}"
    return None
