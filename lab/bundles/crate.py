"""What a bundle is, for programs that read research data: its RO-Crate 1.1 metadata.

Written by hand against the specification (https://w3id.org/ro/crate/1.1) and the profile Process
Run Crate 0.5: `rocrate` on PyPI is well kept, but it dates a crate when it writes it, lays out the
files itself, and brings requests, Jinja2 and a client for Galaxy for one JSON file. Files below
the directories are not listed one by one: `SHA256SUMS` has them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from lab.bundles.archive import Entry
from lab.bundles.layout import (
    CALLS,
    CONTENTS,
    CRATE,
    EXPERIMENT,
    IMAGES,
    LOCKS,
    PLAN,
    PROFILES,
    PROJECTS,
    STORE,
    SUMS,
    TOPOLOGY,
    VERSIONS,
    Contents,
    as_json,
)
from lab.engine.components import IMAGE
from lab.store.database import Run

LICENCE = "https://spdx.org/licenses/MIT"
"""Of the data, as in the CITATION.cff of a report."""
_SPECIFICATION = "https://w3id.org/ro/crate/1.1"
_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_CONTEXT = [
    f"{_SPECIFICATION}/context",
    {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"},
]
_FORMATS = {
    ".json": "application/json",
    ".sqlite": "application/vnd.sqlite3",
    ".yaml": "application/yaml",
}
_TOLD = {
    CONTENTS: "What the bundle holds and what is left out of it",
    SUMS: "A SHA-256 checksum for every other file; `sha256sum --check` reads it",
    STORE: "The run and every call of it, one row each, invalid and failed ones too",
    EXPERIMENT: "The experiment as it was run",
    TOPOLOGY: "The topology as it was run",
    PLAN: "The order of the calls and the seed of each",
    VERSIONS: "The versions of all that took part",
    IMAGES: "The container images and their digests",
}
_DIRECTORIES = {
    CALLS: "What calls left: recordings, captures and notes",
    LOCKS: "The locks of every package, with hashes",
    PROFILES: "Calls of the field that were replayed",
    PROJECTS: "The rendered compose project of every topology, without secrets",
}
_AUTHOR = re.compile(r"(?P<name>[^<>]+?)\s*(?:<(?P<address>https?://[^<>\s]+)>)?")
_COMPLETED = "http://schema.org/CompletedActionStatus"
_RUN, _LAB, _SEED = "#run", "#lab", "#seed"


def author(text: str) -> tuple[str, str | None]:
    """`Name`, or `Name <https://orcid.org/...>`, as its two parts; ValueError where it is none."""
    match = _AUTHOR.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is neither a name nor NAME <https://ADDRESS>")
    return match["name"], match["address"]


def crate_metadata(
    run: Run, contents: Contents, entries: Sequence[Entry], authors: Iterable[str]
) -> bytes:
    """`ro-crate-metadata.json` of a bundle with these entries; the same for the same run.

    Authors are as `author` takes them; nobody is named who is not given.
    """
    files = {entry.name: entry for entry in entries if "/" not in entry.name}
    parts = [_file(entry) for _, entry in sorted(files.items())]
    parts.append(_about(SUMS) | {"encodingFormat": "text/plain"})
    found = {PurePosixPath(e.name).parts[0] for e in entries if "/" in e.name}
    directories = [_directory(f"{name}/", _DIRECTORIES[name]) for name in sorted(found)]
    calls = [_directory(f"{CALLS}/{call}/", f"Call {call}") for call in contents.kept]
    for directory in directories:
        if directory["@id"] == f"{CALLS}/":
            directory["hasPart"] = _references(calls)
    objects = [EXPERIMENT, TOPOLOGY, PLAN, *(f"{name}/" for name in (PROFILES,) if name in found)]
    people = [_person(*author(text)) for text in authors]
    tools = _tools(run.versions)
    graph = [
        {
            "@id": CRATE,
            "@type": "CreativeWork",
            "conformsTo": {"@id": _SPECIFICATION},
            "about": {"@id": "./"},
        },
        _root(run, [*parts, *directories], people),
        {"@id": _PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        {"@id": LICENCE, "@type": "CreativeWork", "name": "MIT License", "identifier": LICENCE},
        _action(run, objects, [STORE, *(c["@id"] for c in calls)], people),
        {"@id": _SEED, "@type": "PropertyValue", "name": "seed", "value": str(run.seed)},
        {
            "@id": _LAB,
            "@type": "SoftwareApplication",
            "name": "voice-tor-lab",
            "softwareVersion": run.versions.get("lab", "not recorded"),
            "softwareRequirements": _references(tools),
        },
        *tools,
        *people,
        *parts,
        *directories,
        *calls,
    ]
    return as_json({"@context": _CONTEXT, "@graph": graph}).encode()


def _root(
    run: Run, parts: Sequence[Mapping[str, Any]], people: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    quick = " (its quick version)" if run.quick else ""
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Voice calls over a private Tor network: {run.experiment}, run {run.run_id}",
        "description": f"Experiment {run.experiment}{quick}, started {run.started_at}, seed "
        f"{run.seed}: speech both ways through a private Tor network in containers, recorded, "
        "captured and scored at both ends.",
        "datePublished": (run.ended_at or run.started_at)[:10],
        "license": {"@id": LICENCE},
        "conformsTo": {"@id": _PROFILE},
        "identifier": run.run_id,
        "hasPart": _references(parts),
        "mentions": {"@id": _RUN},
        **({"author": _references(people)} if people else {}),
    }


def _action(
    run: Run, objects: Iterable[str], results: Iterable[str], people: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    ended = {"endTime": run.ended_at, "actionStatus": _COMPLETED} if run.ended_at else {}
    return {
        "@id": _RUN,
        "@type": "CreateAction",
        "name": f"Run {run.run_id}",
        "description": f"The calls of experiment {run.experiment}, in an order drawn from seed "
        f"{run.seed}, each stored as it ended",
        "startTime": run.started_at,
        **ended,
        "instrument": {"@id": _LAB},
        "object": [{"@id": name} for name in (*objects, _SEED)],
        "result": _references({"@id": name} for name in results),
        **({"agent": _references(people)} if people else {}),
    }


def _tools(versions: Mapping[str, str]) -> list[dict[str, Any]]:
    """The programs that took part, but for the lab itself and the images that hold them."""
    return [
        {
            "@id": "#" + re.sub(r"[^A-Za-z0-9.-]+", "-", name),
            "@type": "SoftwareApplication",
            "name": name,
            "softwareVersion": version,
        }
        for name, version in sorted(versions.items())
        if name != "lab" and not name.startswith(IMAGE)
    ]


def _file(entry: Entry) -> dict[str, Any]:
    return _about(entry.name) | {
        "encodingFormat": _FORMATS[PurePosixPath(entry.name).suffix],
        "contentSize": str(entry.size_bytes),
        "sha256": entry.sha256,
    }


def _about(name: str) -> dict[str, Any]:
    return {"@id": name, "@type": "File", "name": name, "description": _TOLD[name]}


def _directory(place: str, description: str) -> dict[str, Any]:
    return {"@id": place, "@type": "Dataset", "name": place, "description": description}


def _person(name: str, address: str | None) -> dict[str, Any]:
    made = "#author-" + re.sub(r"\W+", "-", name)
    return {"@id": address or made, "@type": "Person", "name": name}


def _references(things: Iterable[Mapping[str, Any]]) -> list[dict[str, str]] | dict[str, str]:
    """A reference to each; to a single one without a list around it, as is recommended."""
    found = [{"@id": thing["@id"]} for thing in things]
    return found[0] if len(found) == 1 else found
