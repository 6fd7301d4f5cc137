"""An experiment file → the checked `Experiment`: its points and how often to call at each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path as FilePath

from pydantic import BaseModel

from lab.calls.coding import choose_coding
from lab.calls.methods import METHODS
from lab.checkout import EXPERIMENTS
from lab.errors import LabError, UsageError
from lab.load.kinds import LOAD_KINDS
from lab.sweep.point import Point
from lab.sweep.raw import (
    Fitted,
    RawExperiment,
    RawGrid,
    RawLoad,
    RawQuick,
    RawQuickGrid,
    RawVariant,
)
from lab.topology.load import find_topology
from lab.topology.mistakes import DocumentError, Mistake, Path, did_you_mean, quoted
from lab.topology.validation import Grammar, check_text, read_content

MAX_POINTS = 5000

_FITTED: Mapping[Fitted, tuple[str, ...]] = {
    "rate": ("rate_kbps",),
    "placement": ("placement",),
    "queue": ("queue_packets",),
    "playout": ("playout",),
    "vpn": ("cipher", "digest"),
}
"""Key of the grid → fields of a point."""

_HINT = "`lab schema experiment` prints a JSON Schema with which an editor explains every key."


class ExperimentError(DocumentError):
    """An experiment cannot be used."""

    kind = "experiment"


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is to be run."""

    name: str
    description: str
    paper_table: int | None
    topology: FilePath
    seed: int
    calls: int
    """Valid calls wanted at each point."""
    calls_at_most: int
    """Calls of any outcome made at a point."""
    points: tuple[Point, ...]
    quick: bool
    source: str
    """The file's text."""
    fit: tuple[str, ...] = ()
    """Fields of the points whose values were chosen after seeing results."""
    precision_mos: float | None = None
    """Half the width that the 95 % confidence interval of a point's mean PESQ may have in the
    end; None where the number of calls is all that counts."""


def find_experiment(name_or_path: str) -> FilePath:
    """The file of a shipped experiment (`table1`) or of the user's own; LabError where none is."""
    if not re.search(r"[/\\]|\.ya?ml$", name_or_path):
        shipped = {path.stem: path for path in sorted(EXPERIMENTS.glob("[!.]*.yaml"))}
        if name_or_path in shipped:
            return shipped[name_or_path]
        raise LabError(
            f"there is no experiment {quoted(name_or_path)}{did_you_mean(name_or_path, shipped)}",
            f"Shipped: {', '.join(shipped)}. Write your own as a path, such as ./mine.yaml.",
        )
    return FilePath(name_or_path)


def load_experiment(path: FilePath, quick: bool = False) -> Experiment:
    """Read and check an experiment; ExperimentError lists all that is wrong with it."""
    source = ascii(str(path))[1:-1]
    content = read_content(path)
    if isinstance(content, Mistake):
        raise ExperimentError(source, [content], "`lab experiment list` names what there is.")
    return parse_experiment(content, source, path.parent, quick)


def parse_experiment(
    content: bytes | str, source: str, directory: FilePath, quick: bool = False
) -> Experiment:
    """Check an experiment given as YAML text; topologies are looked up from `directory`."""
    checked = check_text(content, _GRAMMAR)
    raw = checked.value
    if raw is not None:
        checked.mistakes += _check(raw)
    if checked.mistakes or raw is None:
        raise ExperimentError(source, checked.in_order(), _HINT)
    text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
    calls = (raw.quick.calls or raw.calls) if quick else raw.calls
    points = _points(_quick_grid(raw) if quick else raw.grid)
    if impossible := _impossible(points):
        raise ExperimentError(source, impossible)
    if len(points) > MAX_POINTS:
        mistake = Mistake(("grid",), f"makes {len(points)} points; at most {MAX_POINTS} may be")
        raise ExperimentError(source, [mistake])
    return Experiment(
        name=raw.name,
        description=raw.description,
        paper_table=raw.paper_table,
        topology=_topology(raw.topology, directory),
        seed=raw.seed,
        calls=calls,
        calls_at_most=calls * raw.attempts,
        points=points,
        quick=quick,
        source=text,
        fit=tuple(name for key in raw.fit for name in _FITTED[key]),
        precision_mos=None if quick else raw.precision_mos,
    )


def _topology(name_or_path: str, directory: FilePath) -> FilePath:
    if re.search(r"[/\\]|\.ya?ml$", name_or_path):
        return find_topology(str(directory / name_or_path))
    return find_topology(name_or_path)


def _check(raw: RawExperiment) -> list[Mistake]:
    """What the model cannot say: a kind of load needs a count, and none has none."""
    mistakes = []
    places: list[tuple[Path, list[RawLoad]]] = [(("grid", "load"), raw.grid.load)]
    if raw.quick.grid.load is not None:
        places.append((("quick", "grid", "load"), raw.quick.grid.load))
    for path, loads in places:
        for index, load in enumerate(loads):
            if load.kind == "none" and load.count:
                mistakes.append(Mistake((*path, index, "count"), "has no meaning without load"))
            if load.kind != "none" and not load.count:
                mistakes.append(Mistake((*path, index), f"{load.kind} needs a `count`"))
            for position, count in enumerate(load.count if load.kind != "none" else ()):
                if excess := LOAD_KINDS.named(load.kind).excess(count, load.through):
                    mistakes.append(Mistake((*path, index, "count", position), excess))
    return mistakes


def _quick_grid(raw: RawExperiment) -> RawGrid:
    replaced = {
        name: value
        for name in RawQuickGrid.model_fields
        if (value := getattr(raw.quick.grid, name)) is not None
    }
    return raw.grid.model_copy(update=replaced)


def _points(grid: RawGrid) -> tuple[Point, ...]:
    loads = [
        (load.kind, count, load.through) for load in grid.load for count in (load.count or [0])
    ]
    variants: list[tuple[str | None, str | None]] = [
        (item.cipher, item.digest) for item in grid.vpn
    ] or [(None, None)]
    voices = list(
        product(
            grid.duration_s,
            grid.playout,
            grid.ptime_ms,
            grid.bitrate_kbps,
            grid.codec,
            grid.method,
        )
    )
    points = {
        Point(
            method=method,
            codec=codec,
            bitrate_kbps=bitrate_kbps,
            ptime_ms=ptime_ms,
            duration_s=duration_s,
            playout=None if playout is None else playout.spec,
            direction=direction,
            rate_kbps=rate_kbps,
            placement=placement,
            queue_packets=queue_packets,
            load_kind=kind,
            load_count=count,
            load_through=through,
            cipher=cipher,
            digest=digest,
        ).normalised(): None
        for (
            (cipher, digest),
            rate_kbps,
            placement,
            queue_packets,
            direction,
            (duration_s, playout, ptime_ms, bitrate_kbps, codec, method),
            (kind, count, through),
        ) in product(
            variants,
            grid.rate_kbps,
            grid.placement,
            grid.queue_packets,
            grid.direction,
            voices,
            loads,
        )
    }
    return tuple(points)


def _impossible(points: Iterable[Point]) -> list[Mistake]:
    """What no phone can do: a bit rate out of the codec's range, a buffer it has not."""
    mistakes = {}
    for point in points:
        method = METHODS.named(point.method)
        codec = method.codec(point.codec)
        try:
            choose_coding(codec, point.ptime_ms, point.bitrate_kbps)
            method.check_playout(codec, point.playout_buffer)
        except UsageError as error:
            what = f"asks for what cannot be: {error.message}"
            mistakes[what] = Mistake(("grid",), what)
    return list(mistakes.values())


def _model_at(path: Path) -> type[BaseModel]:
    """Which model describes the mapping at `path`."""
    match path:
        case ("grid",):
            return RawGrid
        case ("quick",):
            return RawQuick
        case ("quick", "grid"):
            return RawQuickGrid
        case (*_, "load", _):
            return RawLoad
        case (*_, "vpn", _):
            return RawVariant
    return RawExperiment


def _keys_at(path: Path) -> list[str]:
    return [field.alias or name for name, field in _model_at(path).model_fields.items()]


_GRAMMAR = Grammar(RawExperiment, _keys_at, {"name": "unnamed", "grid": {"method": ["sip"]}})
