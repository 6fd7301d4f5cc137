"""Make a bundle: gather all that a run consists of, and pack it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lab import __version__
from lab.bundles.archive import Entry, write_archive
from lab.bundles.crate import crate_metadata
from lab.bundles.images import image_digests, recorded_images
from lab.bundles.layout import (
    CALLS,
    CONTENTS,
    CRATE,
    EXPERIMENT,
    IMAGES,
    PLAN,
    PROJECTS,
    STORE,
    TOPOLOGY,
    VERSIONS,
    Artefacts,
    Contents,
    as_json,
    contents_text,
)
from lab.bundles.locks import locks
from lab.bundles.projects import Rendered, rendered_projects
from lab.bundles.reduced import portable_calls, portable_run, write_store
from lab.bundles.sums import sha256_of
from lab.errors import LabError
from lab.measure.record import CallRecord
from lab.store.database import Run
from lab.store.kept import directory_of
from lab.verdict import VALID


@dataclass(frozen=True, slots=True)
class Made:
    """A bundle that was written."""

    file: Path
    contents: Contents
    size_bytes: int
    sha256: str


def make_bundle(
    run: Run,
    calls: Sequence[CallRecord],
    file: Path,
    artefacts: Artefacts = Artefacts.NONE,
    authors: Sequence[str] = (),
) -> Made:
    """Write the bundle of `run`, of which these are all calls, to `file`.

    The same run, on the same host, gives the same octets. LabError where something of it cannot
    be read, or the bundle not be written; then `file` is as it was.
    """
    portable, named = portable_run(run)
    directories = {call.call_id: directory_of(call) for call in calls if call.artefacts}
    files = {name: path for name, path in named.items() if path.is_file()}
    projects = rendered_projects(run, calls)
    contents = Contents(
        run_id=run.run_id,
        packed_by=__version__,
        artefacts=artefacts,
        calls={call.call_id: _why_not(call, directories, artefacts) for call in calls},
        topologies={project.name: project.changes for project in projects},
        left_out={
            **{f"{PROJECTS}/{each.name}": each.left_out for each in projects if each.left_out},
            **dict.fromkeys(sorted(named.keys() - files), "not there when it was packed"),
        },
    )
    with tempfile.TemporaryDirectory(prefix="voice-tor-lab-") as scratch:
        store = Path(scratch) / STORE
        write_store(store, portable, portable_calls(calls))
        entries = [
            *_about(portable, calls, contents),
            *_in_projects(projects),
            *locks(),
            *(Entry(name, path) for name, path in files.items()),
            *(e for call in contents.kept for e in _in_call(call, directories[call])),
            Entry(STORE, store),
        ]
        try:
            crate = Entry(CRATE, crate_metadata(run, contents, entries, authors))
        except OSError as error:
            raise LabError(f"cannot read {error.filename}: {error.strerror}") from error
        write_archive(file, run.run_id, [*entries, crate], _modified_s(run))
    return Made(file, contents, file.stat().st_size, sha256_of(file))


def _about(run: Run, calls: Sequence[CallRecord], contents: Contents) -> list[Entry]:
    tags = recorded_images(run, calls)
    digests = image_digests(tags)
    images = {
        tag: {"image": name, "digest_now": digests.get(tag)} for tag, name in sorted(tags.items())
    }
    texts = {
        CONTENTS: contents_text(contents),
        EXPERIMENT: run.definition,
        TOPOLOGY: run.topology,
        PLAN: run.plan,
        VERSIONS: as_json(dict(sorted(run.versions.items()))),
        IMAGES: as_json(images),
    }
    return [Entry(name, text.encode()) for name, text in texts.items()]


def _in_projects(projects: Sequence[Rendered]) -> Iterator[Entry]:
    for project in projects:
        for name, content in project.files.items():
            yield Entry(f"{PROJECTS}/{project.name}/{name}", content)


def _in_call(call: str, directory: Path) -> Iterator[Entry]:
    for path in sorted(directory.rglob("*")):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise LabError(
                f"{path} is neither a file nor a directory, and a bundle takes nothing else",
                "Remove it, or leave the calls' directories out: --artefacts none.",
            )
        if path.is_file():
            yield Entry(f"{CALLS}/{call}/{path.relative_to(directory)}", path)


def _why_not(call: CallRecord, directories: Mapping[str, Path], artefacts: Artefacts) -> str | None:
    """Why a call's directory is not in the bundle; None where it is."""
    if artefacts is Artefacts.NONE:
        return "no call's directory was asked for"
    if artefacts is Artefacts.FAILED and call.verdict == VALID:
        return "only those of failed and invalid calls were asked for"
    if call.call_id not in directories:
        return "the call left no files"
    directory = directories[call.call_id]
    if not directory.is_dir():
        return "its directory was not there when the bundle was made"
    if not any(path.is_file() for path in directory.rglob("*")):
        return "its directory was empty when the bundle was made"
    return None


def _modified_s(run: Run) -> int:
    """The time that all files of a bundle have: when the run ended, or began."""
    return int(datetime.fromisoformat(run.ended_at or run.started_at).timestamp())
