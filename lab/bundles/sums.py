"""The checksums of a bundle: a line for every file, as `sha256sum` writes them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from lab.bundles.layout import SUMS
from lab.errors import LabError

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def read_sums(text: str, bundle: Path) -> Mapping[str, str]:
    """File → its SHA-256 in hexadecimal; LabError where a line is none."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise LabError(f"{bundle} is damaged: line {number} of {SUMS} is no checksum")
        found[match[2]] = match[1]
    return found


def sha256_of(file: Path) -> str:
    """In hexadecimal; OSError where it cannot be read."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
