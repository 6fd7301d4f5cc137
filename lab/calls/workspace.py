"""The directory of one call: made beside the lab, moved to the results when the call has ended."""

from __future__ import annotations

import os
import secrets
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from lab import storage
from lab.errors import LabError
from lab.events import Listener, Noted
from lab.lifecycle.ready import ReadyLab
from lab.wire import places


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where a call in progress leaves its captures, recordings and logs."""

    call_id: str
    host: Path
    """The directory as this process sees it."""
    node: PurePosixPath
    """The same directory as seen inside endpoints and helpers."""

    def write_log(self, name: str, text: str) -> None:
        """Keep the log of a program that took part."""
        (self.host / f"{name}.log").write_text(text, encoding="utf-8")


def new_call_id(now: datetime | None = None) -> str:
    """A name for a call that sorts by time: 20261122T060102-3fa9c1."""
    return f"{now or datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def make_workspace(lab: ReadyLab, call_id: str) -> Workspace:
    """Make the call's directory; LabError where the disk refuses."""
    workspace = workspace_of(lab, call_id)
    host = workspace.host
    try:
        host.mkdir(parents=True)
        if os.getuid() == 0:
            os.chown(host, lab.owner.uid, lab.owner.gid)
        host.chmod(0o770)
    except OSError as error:
        raise LabError(
            f"cannot make the directory of the call, {host}: {error.strerror}"
        ) from error
    return workspace


def workspace_of(lab: ReadyLab, call_id: str) -> Workspace:
    """The directory of a call in progress."""
    return Workspace(call_id, lab.directory / "calls" / call_id, places.CALLS / call_id)


def keep_workspace(workspace: Workspace) -> Path:
    """Move the call's directory to the results, in one step; LabError where that fails."""
    target = storage.call_directory(workspace.call_id)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        workspace.host.rename(target)
    except OSError as error:
        raise LabError(
            f"cannot move {workspace.host} to {target}: {error.strerror}",
            "The call's files are in the first place until the next call in this lab.",
        ) from error
    return target


def clear_workspaces(lab: ReadyLab, tell: Listener) -> None:
    """Remove the directories that calls which were killed have left, and say so.

    Only for who has its turn in the lab: no call is under way then. LabError where the disk
    refuses.
    """
    for directory in sorted((lab.directory / "calls").glob("*/")):
        try:
            shutil.rmtree(directory)
        except OSError as error:
            raise LabError(f"cannot remove {directory}: {error.strerror}") from error
        tell(Noted(f"call {directory.name} did not come to its end; what it left is removed"))


def discard_workspace(workspace: Workspace) -> None:
    """Remove the directory of a call that was interrupted."""
    shutil.rmtree(workspace.host, ignore_errors=True)
