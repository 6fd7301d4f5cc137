"""Where the lab keeps what it writes: one directory, `$LAB_HOME`."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """`$LAB_HOME`, or `voice-tor-lab` in the user's data directory (XDG)."""
    if configured := os.environ.get("LAB_HOME"):
        return Path(configured).expanduser().absolute()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser().absolute() / "voice-tor-lab"


def project_directory(lab: str) -> Path:
    """The rendered compose project of a lab; it is there as long as the lab is."""
    return home() / "labs" / lab


def results_directory() -> Path:
    """The database and the calls' directories, of all labs; no command removes it."""
    return home() / "results"
