"""Where the lab keeps what it writes: one directory, `$LAB_HOME`."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from lab.errors import LabError

NETWORKS = "networks.json"
"""In a lab's project directory: machine → what was set in its network namespace."""
TOPOLOGY = "topology.yaml"
"""In a lab's project directory: what its user wrote."""


def home() -> Path:
    """`$LAB_HOME`, or `voice-tor-lab` in the user's data directory (XDG).

    LabError where it stands below a home directory that is not known.
    """
    if configured := os.environ.get("LAB_HOME"):
        return _directory(configured, f"LAB_HOME ({configured})")
    if data := os.environ.get("XDG_DATA_HOME"):
        return _directory(data, f"XDG_DATA_HOME ({data})") / "voice-tor-lab"
    return _directory("~/.local/share", "the user's data directory") / "voice-tor-lab"


def _directory(text: str, what: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise LabError(
            f"{what} names the home directory of a user who has none",
            "Set LAB_HOME to a directory that can be written.",
        ) from error


def project_directory(lab: str) -> Path:
    """The rendered compose project of a lab; it is there as long as the lab is."""
    return home() / "labs" / lab


def results_directory() -> Path:
    """The database and the calls' directories, of all labs; no command removes it."""
    return home() / "results"


def run_directory(run_id: str) -> Path:
    """What is kept of a run beside its row: journal, variants of its topology, report."""
    return results_directory() / "runs" / run_id


def call_directory(call_id: str) -> Path:
    """The files of a call that was made here, unless its record names another place."""
    return calls_directory() / call_id


def calls_directory() -> Path:
    """Where every call that was made here has its directory."""
    return results_directory() / "calls"


def refusal(error: OSError) -> LabError | None:
    """What a disk says that takes no more, in words; None for another error."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG):
        return None
    where = f"write {error.filename}" if error.filename else f"write in {home()}"
    return LabError(
        f"cannot {where}: {error.strerror}",
        "Make room, or set LAB_HOME to a directory that can be written.",
    )


def private_file(path: Path, flags: int) -> int:
    """Open a file that its owner alone may read, and that belongs to whom its directory does.

    A descriptor; OSError where it cannot be opened.
    """
    descriptor = os.open(path, flags | os.O_CREAT, 0o600)
    if os.getuid() == 0:
        directory = path.parent.stat()
        os.fchown(descriptor, directory.st_uid, directory.st_gid)
    return descriptor
