"""What travels between whoever runs an experiment and the hosts that make its calls."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab import storage
from lab.errors import LabError
from lab.measure.record import CallRecord
from lab.sweep.outbox import CallName
from lab.sweep.plan import PlannedCall
from lab.sweep.point import Point

MARK = "submitter"
"""A file in a run's directory: who sees the same mark there sees the same results."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a host has to know of a run."""

    run_id: str
    topology: str
    """YAML."""
    first: Point
    """Labs are brought up for this point."""
    mark: str
    """The text of the `MARK` where the run is stored."""
    stay: bool
    """Whether files of calls stay on the host."""

    @property
    def sees_results(self) -> bool:
        """Whether this host keeps results where the run has them."""
        try:
            return (storage.run_directory(self.run_id) / MARK).read_text() == self.mark
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Order:
    """A call to make."""

    run: Run
    planned: PlannedCall

    @property
    def name(self) -> CallName:
        """The call's, the same whoever makes it."""
        return CallName.of(self.run.run_id, self.planned)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What has become of an order."""

    record: dict[str, Any] | None
    """The fields of a `CallRecord`; None where no call can be made there."""
    archive: bytes | None = None
    """The call's directory as a compressed tar archive; None where it stays where it is."""
    trouble: tuple[str, str] = ("", "")
    """Why no call can be made there, and what to do."""
    versions: dict[str, str] | None = None
    """What the lab consists of in which it was made; None where that is not known any more."""


def packed(record: CallRecord, run: Run, host: str, versions: dict[str, str] | None) -> Delivery:
    """A finished call with its files, as they are to travel; LabError where they cannot be read."""
    fields, archive = asdict(record), None
    directory = Path(record.artefacts) if record.artefacts else None
    if directory is not None and not run.sees_results:
        if run.stay:
            fields["artefacts"] = f"{host}:{directory}"
        elif directory.is_dir():
            archive = _archive(directory)
    return Delivery(fields, archive, versions=versions)


def _archive(directory: Path) -> bytes:
    written = io.BytesIO()
    try:
        with tarfile.open(fileobj=written, mode="w:gz", compresslevel=1) as archive:
            archive.add(directory, directory.name)
    except OSError as error:
        raise LabError(f"cannot read {directory}: {error.strerror}") from error
    return written.getvalue()


def unpacked(delivery: Delivery) -> CallRecord:
    """The record of a delivery, its files in the results; LabError where they cannot be put there.

    Files that are there already are left as they are.
    """
    assert delivery.record is not None
    record = CallRecord(**delivery.record)
    if delivery.archive is None:
        return record
    target = storage.call_directory(record.call_id)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".arrives-", dir=target.parent) as scratch:
            with tarfile.open(fileobj=io.BytesIO(delivery.archive)) as archive:
                archive.extractall(scratch, filter="data")
            if not target.exists():
                (Path(scratch) / record.call_id).rename(target)
    except (OSError, tarfile.TarError) as error:
        raise LabError(
            f"cannot put the files of call {record.call_id} into {target.parent}: {error}",
            "Make room; the call is kept on its host until `lab experiment resume` has it.",
        ) from error
    record.artefacts = str(target)
    return record


def forget_files(record: CallRecord, run: Run) -> None:
    """Remove a stored call's files from the host that has sent them on."""
    if record.artefacts and not run.stay and not run.sees_results:
        shutil.rmtree(record.artefacts, ignore_errors=True)
