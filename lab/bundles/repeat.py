"""Repeat the run of a bundle: a new run of the user's own, by the plan that the first one had."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from lab import storage
from lab.bundles.layout import PROFILES
from lab.bundles.opened import opened
from lab.bundles.reduced import files_named, plan_with_files
from lab.bundles.sums import sha256_of
from lab.engine.components import IMAGE
from lab.errors import LabError, UsageError
from lab.store.database import Run, Store
from lab.store.reading import read_store
from lab.sweep.plan import plan_from_json
from lab.sweep.raw import checked_name
from lab.sweep.run import new_run_id
from lab.topology.load import parse_topology


def repeated_run(store: Store, file: Path, lab: str | None, jobs: int = 1) -> tuple[Run, Run]:
    """A new run, which `store` does not know yet, that repeats the one in the bundle; that one.

    It has the same experiment, topology, seed, and plan: the same calls in the same order, each
    with its own seed. `lab` defaults to the topology's name, or to names made from the run's with
    several jobs. Files that its points name are put into the run's directory. LabError where the
    bundle is damaged, or asks for what this version does not know.
    """
    if jobs > 1 and lab is not None:
        raise UsageError("several labs side by side get their names from the run", "Drop --name.")
    with opened(file) as bundle:
        with read_store(bundle.store) as packed:
            first = packed.run(bundle.contents.run_id)
        topology = parse_topology(first.topology, f"the topology in {file}")
        _check_names(file, first)
        run_id, now = new_run_id(store, first.experiment)
        own = storage.run_directory(run_id) / "profiles"
        for name in files_named(first.plan):
            if why := bundle.contents.left_out.get(name):
                raise LabError(f"{file} cannot be repeated: {name} is {why}")
            _copy(bundle.directory / name, own)
    return (
        replace(
            first,
            run_id=run_id,
            started_at=now.isoformat(timespec="milliseconds"),
            plan=plan_with_files(first.plan, own),
            lab=run_id if jobs > 1 else lab or topology.name,
            jobs=jobs,
            lab_is_own=False,
            versions={},
            ended_at=None,
            repeats=first.run_id,
            bundle_sha256=sha256_of(file),
        ),
        first,
    )


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """A sentence, without its full stop, for each component that is another one than before."""
    for name in sorted({**before, **now}, key=lambda name: (name.startswith(IMAGE), name)):
        there, here = before.get(name), now.get(name)
        if there == here:
            continue
        if there is None:
            yield f"{name} is {here} here, and was not part of it there"
        elif here is None:
            yield f"{name} was {there} there, and is not part of it here"
        else:
            yield f"{name} is {here} here, and was {there} there"


def _check_names(file: Path, run: Run) -> None:
    """LabError where what becomes a path here would lie elsewhere, or the plan cannot be used."""
    plan_from_json(run.plan)
    try:
        checked_name(run.experiment)
    except ValueError as error:
        raise LabError(f"{file} is refused: {run.experiment!r} {error}") from None
    for name in files_named(run.plan):
        if PurePosixPath(name).parts[:-1] != (PROFILES,) or PurePosixPath(name).name == "..":
            raise LabError(f"{file} is refused: its plan names {name}, which is no file of it")


def _copy(file: Path, directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, directory / file.name)
    except OSError as error:
        raise LabError(
            f"cannot put {file.name} into {directory}: {error.strerror}", "Make room."
        ) from error
