"""Finished calls that wait on the disk of the host that made them until they are stored."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from lab.errors import LabError
from lab.measure.record import CallRecord
from lab.sweep.plan import PlannedCall


@dataclass(frozen=True, slots=True)
class CallName:
    """Which call of which run; the same whoever makes it, and however often."""

    run_id: str
    point_id: str
    number: int

    @classmethod
    def of(cls, run_id: str, planned: PlannedCall) -> CallName:
        """A call of that run's plan."""
        return cls(run_id, planned.point.point_id, planned.number)


@dataclass(frozen=True, slots=True)
class Outbox:
    """A directory with a file for each such call."""

    directory: Path

    def put(self, name: CallName, record: CallRecord) -> None:
        """Keep a call; when this returns, a kill does not lose it. LabError where it cannot be."""
        file = self._file(name)
        half = file.with_suffix(".half")
        text = json.dumps({"name": asdict(name), "record": asdict(record)})
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with half.open("w", encoding="utf-8") as written:
                written.write(text)
                written.flush()
                os.fsync(written.fileno())
            half.replace(file)
            descriptor = os.open(self.directory, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise LabError(f"cannot write {file}: {error.strerror}", "Make room.") from error

    def get(self, name: CallName) -> CallRecord | None:
        """The call of that name; None where it is not here."""
        try:
            text = self._file(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        return CallRecord(**json.loads(text)["record"])

    def names(self, run_id: str | None = None) -> Iterator[CallName]:
        """What is kept, of one run or of all."""
        for file in sorted(self.directory.glob("*.json")):
            try:
                name = CallName(**json.loads(file.read_text(encoding="utf-8"))["name"])
            except FileNotFoundError:
                continue
            if run_id in (None, name.run_id):
                yield name

    def forget(self, name: CallName) -> None:
        """Keep it no more: it is stored."""
        self._file(name).unlink(missing_ok=True)

    def _file(self, name: CallName) -> Path:
        text = f"{name.run_id}\0{name.point_id}\0{name.number}"
        return self.directory / f"{sha256(text.encode()).hexdigest()[:32]}.json"
