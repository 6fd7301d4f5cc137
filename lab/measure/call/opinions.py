"""The further opinions on a call's recordings: asked once, kept with the call, read as columns.

They take minutes where everything else takes seconds, and their figures differ in the last digits
from one processor to another. So they are asked apart from measuring, and what they said is a
file of the call, `opinions.json`: whoever measures the call again gets the same record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from lab.ends import EACH_END
from lab.errors import LabError
from lab.measure.call.files import CODED, REFERENCE
from lab.measure.call.notes import CallNotes, read_notes
from lab.measure.disagreement import disagreements
from lab.measure.opinion import RATE_HZ, Opinion, Pair
from lab.measure.opinions import OPINIONS
from lab.measure.pesq_score import LONGEST_S
from lab.measure.record import CallRecord
from lab.measure.score import compared
from lab.measure.wav import read_wav

FILE = "opinions.json"
CEILING = "ceiling"
FILES = {CEILING: CODED} | {end: f"{end}.wav" for end in EACH_END}
"""What is listened to, by what it is of."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """One recording that one opinion is asked about."""

    opinion: str
    of: str
    """`caller`, `callee` or `ceiling`."""
    directory: Path
    played_s: float | None

    @property
    def digest(self) -> str:
        """Of all that decides the figure but the opinion's version."""
        basis = sha256(str(self.played_s).encode())
        for name in (REFERENCE, FILES[self.of]):
            basis.update(sha256((self.directory / name).read_bytes()).digest())
        return basis.hexdigest()


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of it."""

    value: float | None
    reason: str | None = None
    """Why there is no value."""


Map = Callable[[Callable[[Hearing], Heard], Sequence[Hearing]], Iterable[Heard]]


def ask(directory: Path, names: Iterable[str], mapped: Map = map) -> None:
    """Have the opinions called `names` listen to a call's recordings; keep what they say with it.

    What the same version has said of the same audio already is not asked again. A recording for
    which there is no answer has a reason there. LabError where a package is missing, or the
    directory describes no call or cannot be written.
    """
    opinions = [OPINIONS.named(name) for name in names]
    check_present(opinions)
    notes, kept = read_notes(directory), _kept(directory)
    hearings = [job for opinion in opinions for job in _hearings(opinion, directory, notes)]
    new = [job for job in hearings if not _known(kept, job)]
    for job, heard in zip(new, mapped(hear, new), strict=True):
        kept.setdefault(job.opinion, {})[job.of] = {
            "version": OPINIONS.named(job.opinion).version,
            "of": job.digest,
            "value": heard.value,
            "reason": heard.reason,
        }
    if new:
        _keep(directory, kept)


def check_present(opinions: Iterable[Opinion]) -> None:
    """LabError where this Python lacks what one of them needs."""
    for opinion in opinions:
        if opinion.lacking:
            raise LabError(
                f"{opinion.title} needs {' and '.join(opinion.lacking)}, not installed here",
                "`make setup` installs them, and so does `pip install '.[opinions]'`.",
            )


def hear(job: Hearing) -> Heard:
    """Ask one opinion about one recording."""
    rate = OPINIONS.named(job.opinion).rate
    assert rate is not None
    clip, recording = (read_wav(job.directory / name) for name in (REFERENCE, FILES[job.of]))
    played_s = clip.duration_s if job.played_s is None else job.played_s
    if played_s > LONGEST_S:
        return Heard(None, f"opinions are asked about {LONGEST_S:g} s at most")
    try:
        pair = Pair(*compared(clip, recording, RATE_HZ, job.played_s))
        return Heard(rate.load()(pair))
    except LabError as error:
        return Heard(None, error.message)


def note_opinions(record: CallRecord, directory: Path) -> None:
    """Write what is kept of them into the record, with versions and where they contradict.

    What was said of other audio than is there now does not count.
    """
    notes, kept = read_notes(directory), _kept(directory)
    for opinion in OPINIONS:
        said = {
            job.of: kept[opinion.name][job.of]
            for job in _hearings(opinion, directory, notes)
            if opinion.is_extra and _is_about(kept, job)
        }
        values = {of: entry["value"] for of, entry in said.items() if entry["value"] is not None}
        for of, value in values.items():
            name = opinion.ceiling_name if of == CEILING else opinion.column(of)
            record.opinions[name] = value
            record.versions[opinion.name] = str(said[of]["version"])
            if of != CEILING and CEILING in values:
                record.opinions[opinion.delta_column(of)] = value - values[CEILING]
    record.opinions_disagree = list(disagreements(record.to_dict()))


def _hearings(opinion: Opinion, directory: Path, notes: CallNotes) -> list[Hearing]:
    return [
        Hearing(opinion.name, of, directory, notes.plan.duration_s)
        for of, file in FILES.items()
        if (directory / file).exists() and (directory / REFERENCE).exists()
    ]


def _known(kept: Mapping[str, Any], job: Hearing) -> bool:
    version = OPINIONS.named(job.opinion).version
    return _is_about(kept, job) and kept[job.opinion][job.of]["version"] == version


def _is_about(kept: Mapping[str, Any], job: Hearing) -> bool:
    entry = kept.get(job.opinion, {}).get(job.of)
    return entry is not None and entry["of"] == job.digest


def _kept(directory: Path) -> dict[str, Any]:
    file = directory / FILE
    if not file.exists():
        return {}
    try:
        kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LabError(f"{file} cannot be read: {error}", "Remove it, and ask again.") from error
    return kept


def _keep(directory: Path, kept: Mapping[str, Any]) -> None:
    unfinished = directory / f".{FILE}"
    try:
        unfinished.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        unfinished.replace(directory / FILE)
    except OSError as error:
        raise LabError(f"cannot write {directory / FILE}: {error.strerror}") from error
