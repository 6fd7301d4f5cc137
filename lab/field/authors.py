"""The second study's own table, one row per call, beside ours."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lab.errors import LabError
from lab.field.row import CallRow

Key = tuple[int, str, str, str]
"""Iteration, Tor status, location, codec; the last three in small letters."""
Raw = tuple[float | None, float | None]
"""Raw PESQ of the caller and the callee."""
NEEDED = ("iteration_no", "tor_status", "location", "codec", "caller_pesq_raw", "callee_pesq_raw")


def read_authors(path: Path) -> dict[Key, Raw]:
    """Its scores by call; a call that it names twice stands for none.

    LabError where it is no such table.
    """
    found: dict[Key, list[Raw]] = defaultdict(list)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if missing := [name for name in NEEDED if name not in (reader.fieldnames or ())]:
                raise LabError(f"{path} is not the study's table: it lacks {', '.join(missing)}.")
            for row in reader:
                found[_key(*(row[name] for name in NEEDED[:4]))].append(
                    (_raw(row["caller_pesq_raw"]), _raw(row["callee_pesq_raw"]))
                )
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise LabError(f"{path} cannot be read as the study's table: {error}.") from error
    return {key: scores[0] for key, scores in found.items() if len(scores) == 1}


def beside(rows: Sequence[CallRow], theirs: dict[Key, Raw]) -> list[CallRow]:
    """Our rows with the scores that the study has of the same call."""
    keys = [
        _key(str(row.iteration_no), row.tor_status or "", row.location, row.codec or "")
        for row in rows
    ]
    result = []
    for row, key in zip(rows, keys, strict=True):
        caller, callee = theirs.get(key, (None, None)) if keys.count(key) == 1 else (None, None)
        result.append(replace(row, caller_authors_pesq_raw=caller, callee_authors_pesq_raw=callee))
    return result


def _key(number: str, tor_status: str, location: str, codec: str) -> Key:
    return int(float(number)), tor_status.lower(), location.lower(), codec.lower()


def _raw(text: str) -> float | None:
    """None also for the 0 that stands for a failed call there."""
    return float(text) or None if text.strip() else None
