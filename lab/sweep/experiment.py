"""An experiment file → the checked `Experiment`: its points and how often to call at each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

from lab.checkout import EXPERIMENTS
from lab.errors import LabError, UsageError
from lab.sweep.dimensions import DIMENSIONS
from lab.sweep.grammar import experiment_grammar
from lab.sweep.grid import Axis, axes_of, points_of
from lab.sweep.point import Point, coordinates, dimensions_of
from lab.sweep.raw import RawExperiment, lists_of
from lab.sweep.topology_key import GRID_KEY, is_topology_key
from lab.sweep.variant_check import mistakes_of
from lab.topology.load import find_topology, load_topology
from lab.topology.mistakes import DocumentError, Mistake, Path, did_you_mean, quoted
from lab.topology.raw import RawModel
from lab.topology.validation import check_text, read_content

MAX_POINTS = 5000

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
    """Coordinates of the points whose values were chosen after seeing results."""
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
    checked = check_text(content, experiment_grammar())
    raw = checked.value
    if raw is not None:
        checked.mistakes += _mistakes_in_mappings(raw)
    if checked.mistakes or raw is None:
        raise ExperimentError(source, checked.in_order(), _HINT)
    text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
    calls = (raw.quick.calls or raw.calls) if quick else raw.calls
    topology = _topology(raw.topology, directory)
    places = _places(raw, quick, directory)
    axes = list(axes_of({name: written for name, (_, written) in places.items()}))
    points = points_of(axes)
    if len(points) > MAX_POINTS:
        found = [Mistake((), f"makes {len(points)} points; at most {MAX_POINTS} may be")]
    else:
        found = _impossible(axes, points) + _mistakes_in_topologies(axes, points, topology)
        found += _of_one_name(axes)
    if found:
        checked.mistakes += [_placed(mistake, places) for mistake in found]
        raise ExperimentError(source, checked.in_order())
    return Experiment(
        name=raw.name,
        description=raw.description,
        paper_table=raw.paper_table,
        topology=topology,
        seed=raw.seed,
        calls=calls,
        calls_at_most=calls * raw.attempts,
        points=points,
        quick=quick,
        source=text,
        fit=_fit(raw.fit, points),
        precision_mos=None if quick else raw.precision_mos,
    )


def _topology(name_or_path: str, directory: FilePath) -> FilePath:
    if re.search(r"[/\\]|\.ya?ml$", name_or_path):
        return find_topology(str(directory / name_or_path))
    return find_topology(name_or_path)


def _mistakes_in_mappings(raw: RawExperiment) -> Iterator[Mistake]:
    """What the model cannot say: what no key of a mapping is wrong with by itself."""
    for path, grid in ((("grid",), raw.grid), (("quick", "grid"), raw.quick.grid)):
        for axis in axes_of(lists_of(grid)):
            for index, written in enumerate(axis.written):
                for place, what in axis.dimension.written.mistakes(written):
                    yield Mistake((*path, *axis.path, index, *place), what)


def _places(raw: RawExperiment, quick: bool, directory: FilePath) -> dict[str, tuple[Path, Any]]:
    """What the grid says of each of its keys that is used, and the path of the grid it is in."""
    grids: list[tuple[Path, RawModel]] = [(("grid",), raw.grid)]
    if quick:
        grids.append((("quick", "grid"), raw.quick.grid))
    return {
        name: (path, _found(name, written, directory))
        for path, grid in grids
        for name, written in lists_of(grid).items()
    }


def _found(name: str, written: Any, directory: FilePath) -> Any:
    """What is written of a dimension, with files where they are; LabError where none is."""
    found = None if name == GRID_KEY else DIMENSIONS.named(name).found
    if found is None:
        return written
    return [value for each in written for value in found(each, directory)]


def _placed(mistake: Mistake, places: Mapping[str, tuple[Path, Any]]) -> Mistake:
    """A mistake with the path from the grid on, as one with that from the file on."""
    path, _ = (
        places.get(str(mistake.path[0]), (("grid",), None)) if mistake.path else (("grid",), 0)
    )
    return replace(mistake, path=(*path, *mistake.path))


def _fit(keys: Iterable[str], points: Iterable[Point]) -> tuple[str, ...]:
    """The names of the coordinates that `keys` of the grid stand for."""
    chosen = [
        dimension
        for key in keys
        for dimension in dimensions_of(points)
        if key == dimension.name or (key == GRID_KEY and is_topology_key(dimension.name))
    ]
    return tuple(item.name for item in coordinates(chosen))


def _impossible(axes: Iterable[Axis], points: Iterable[Point]) -> list[Mistake]:
    """What cannot be: a bit rate out of the codec's range, a buffer that a phone has not."""
    mistakes: dict[str, Mistake] = {}
    for axis in axes:
        for point in points:
            try:
                axis.dimension.check(point)
            except UsageError as error:
                what = f"asks for what cannot be: {error.message}"
                mistakes.setdefault(what, Mistake(axis.path, what))
    return list(mistakes.values())


def _of_one_name(axes: Iterable[Axis]) -> Iterator[Mistake]:
    """Files of one name in different directories: calls with them could not be told apart."""
    for axis in axes:
        if axis.dimension.found is None:
            continue
        points = [
            Point("", **meant)
            for written in dict.fromkeys(axis.written)
            for meant in axis.dimension.assignments(written)
        ]
        names = Counter(axis.dimension.labelled(point) for point in points)
        for name, count in names.items():
            if count > 1:
                yield Mistake(axis.path, f"has {count} files called {name}: rename all but one")


def _mistakes_in_topologies(
    axes: Sequence[Axis], points: Sequence[Point], topology: FilePath
) -> list[Mistake]:
    if not any(axis.dimension.topology for axis in axes):
        return []
    load_topology(topology)
    return mistakes_of(axes, points, topology.read_text(encoding="utf-8"))
