"""Runs among a user's results that nobody made, to be bundled: calls with a few files each."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from simulated_calls import simulated

from lab import storage
from lab.bundles.make import Made, make_bundle
from lab.measure.record import CallRecord
from lab.store.database import Run, open_store
from lab.sweep.experiment import load_experiment
from lab.sweep.plan import Plan, plan_from_json
from lab.sweep.run import new_run

EXPERIMENT = """\
name: cliff
topology: paper
seed: 7
calls: 2
grid:
  method: [sip, v-tor]
  topology:
    tor.voting_interval: [30s, 60s]
"""
VERSIONS = {
    "lab": "0.0.9",
    "kernel": "6.1.0",
    "tor": "0.4.9.11",
    "image net": "voice-tor-lab/net:0123456789ab",
    "image tor": "voice-tor-lab/tor:ba9876543210",
}
CLOCK = "20260101T0{:05}-{:06x}"


def make_run(directory: Path, experiment: str = EXPERIMENT) -> tuple[Run, list[CallRecord]]:
    """A complete run in `$LAB_HOME`, and its calls: valid, invalid and failed ones."""
    file = directory / "experiment.yaml"
    file.write_text(experiment)
    with open_store() as store:
        begun = new_run(store, load_experiment(file), None)
        run = replace(
            begun,
            run_id=f"{begun.experiment}-260101-120000",
            started_at="2026-01-01T12:00:00.000+00:00",
            ended_at="2026-01-01T13:00:00.000+00:00",
            versions=VERSIONS,
        )
        calls = [_call(run, plan_from_json(run.plan), index) for index in range(8)]
        store.add_run(run)
        for call in calls:
            store.add_call(call)
    return run, calls


def _call(run: Run, plan: Plan, index: int) -> CallRecord:
    call = simulated(plan.order[index], run.run_id)
    call.call_id = CLOCK.format(index, index)
    call.started_at = f"2026-01-01T12:00:{index:02}.000+00:00"
    call.versions = VERSIONS
    call.status, call.valid = ("failed", False) if index == 1 else ("ok", index != 2)
    call.reason = "nobody answered" if index == 1 else None
    call.invalid_reasons = ["the host was busy"] if index == 2 else []
    if index == 1:
        return call
    directory = storage.results_directory() / "calls" / call.call_id
    (directory / "logs").mkdir(parents=True)
    (directory / "call.json").write_text(f'{{"call_id": "{call.call_id}"}}\n')
    (directory / "access.pcap").write_bytes(bytes(range(256)) * 20)
    (directory / "logs" / "phone.log").write_text("registered\n")
    call.artefacts = str(directory)
    return call


def bundled(run: Run, calls: list[CallRecord], file: Path, **options: object) -> Made:
    """The run's bundle, made without Docker."""
    return make_bundle(run, calls, file, **options)  # type: ignore[arg-type]


def files_in(bundle: Path) -> dict[str, bytes]:
    """What is in a bundle, by the names below its directory."""
    with tarfile.open(bundle) as archive:
        found = {}
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            found[member.name.partition("/")[2]] = content.read()
    return found


def repacked(
    bundle: Path,
    target: Path,
    change: Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None],
    more: Mapping[str, bytes] | None = None,
) -> Path:
    """The bundle with every member as `change` leaves it, or without it, and `more` members."""
    with tarfile.open(bundle) as archive, tarfile.open(target, "w:gz") as packed:
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            changed = change(member, content.read())
            if changed is not None:
                _add(packed, *changed)
        for name, data in (more or {}).items():
            _add(packed, tarfile.TarInfo(name), data)
    return target


def _add(packed: tarfile.TarFile, member: tarfile.TarInfo, data: bytes) -> None:
    member.size = len(data) if member.isreg() else 0
    packed.addfile(member, io.BytesIO(data))
