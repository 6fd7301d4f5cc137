"""An experiment file → the checked `Experiment`: its points and how often to call at each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from itertools import chain
from pathlib import Path as FilePath
from typing import Any

from lab.checkout import shipped_experiments
from lab.errors import LabError, UsageError
from lab.sweep.corners import corner_axes, mistakes_in_corners
from lab.sweep.design import FULL, choice_of, designed_points
from lab.sweep.grammar import experiment_grammar
from lab.sweep.grid import MAX_POINTS, Axis, axes_of, points_of, with_files
from lab.sweep.point import Point, coordinates, dimensions_of
from lab.sweep.raw import RawExperiment, lists_of
from lab.sweep.topology_key import GRID_KEY, is_topology_key
from lab.sweep.variant_check import mistakes_of
from lab.topology.load import find_topology, load_topology
from lab.topology.mistakes import DocumentError, Mistake, Path, did_you_mean, quoted
from lab.topology.model import PbxKind
from lab.topology.raw import RawModel
from lab.topology.resolve import block_prefix, resolve
from lab.topology.validation import check_text, read_content

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
    design: str = FULL
    """How points were taken from the grid: of `lab.sweep.design.DESIGNS`."""
    corners: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    """Named sets of the points, such as the settings of a study."""
    beside: tuple[Point, ...] = ()
    """The points that corners alone have; the design has the others."""


def find_experiment(name_or_path: str) -> FilePath:
    """The file of a shipped experiment (`table1`) or of the user's own; LabError where none is."""
    if not re.search(r"[/\\]|\.ya?ml$", name_or_path):
        shipped = shipped_experiments()
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
        checked.mistakes += chain(_mistakes_in_mappings(raw), mistakes_in_corners(raw))
    if checked.mistakes or raw is None:
        raise ExperimentError(source, checked.in_order(), _HINT)
    text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
    calls = (raw.quick.calls or raw.calls) if quick else raw.calls
    topology = _topology(raw.topology, directory)
    axes = _axes(raw, quick, directory)
    written, place = _design(raw, quick)
    design = choice_of(written)
    designed, found = designed_points(design, axes, raw.seed, place)
    along = {
        name: [with_files(axis, directory) for axis in corner_axes(raw, name, axes, quick)]
        for name in raw.corners
    }
    corners = {name: points_of(of_corner) for name, of_corner in along.items()}
    points = tuple(dict.fromkeys(chain(designed, *corners.values())))
    beside = points[len(designed) :]
    if len(points) > MAX_POINTS:
        found = [Mistake((), f"makes {len(points)} points; at most {MAX_POINTS} may be")]
    elif not found:
        found += _wrong(("grid",), axes, designed, topology)
        for name, of_corner in along.items():
            found += _wrong(("corners", name), of_corner, corners[name], topology)
        found += _of_one_name(chain(axes, *along.values()))
    if found:
        checked.mistakes += found
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
        design=design.design.name,
        corners=corners,
        beside=beside,
    )


def _topology(name_or_path: str, directory: FilePath) -> FilePath:
    if re.search(r"[/\\]|\.ya?ml$", name_or_path):
        return find_topology(str(directory / name_or_path))
    return find_topology(name_or_path)


def _mistakes_in_mappings(raw: RawExperiment) -> Iterator[Mistake]:
    """What the model cannot say: what no key of a mapping is wrong with by itself."""
    grids: list[tuple[Path, RawModel]] = [
        (("grid",), raw.grid),
        (("quick", "grid"), raw.quick.grid),
        *((("corners", name), corner) for name, corner in raw.corners.items()),
        *((("quick", "corners", name), corner) for name, corner in raw.quick.corners.items()),
    ]
    for path, grid in grids:
        for axis in axes_of(lists_of(grid), path):
            for index, written in enumerate(axis.written):
                for place, what in axis.dimension.written.mistakes(written):
                    yield Mistake((*axis.path, index, *place), what)


def _axes(raw: RawExperiment, quick: bool, directory: FilePath) -> list[Axis]:
    """What the grid varies; in a quick run the quick grid's lists replace those of the grid."""
    grids: list[tuple[Path, RawModel]] = [(("grid",), raw.grid)]
    if quick:
        grids.append((("quick", "grid"), raw.quick.grid))
    places = {
        name: (path, written) for path, grid in grids for name, written in lists_of(grid).items()
    }
    return [
        with_files(axis, directory)
        for name, (path, written) in places.items()
        for axis in axes_of({name: written}, path)
    ]


def _design(raw: RawExperiment, quick: bool) -> tuple[Any, Path]:
    """The design as it is written, and where."""
    if quick and raw.quick.design is not None:
        return raw.quick.design, ("quick", "design")
    return raw.design, ("design",)


def _wrong(
    path: Path, axes: Sequence[Axis], points: Sequence[Point], topology: FilePath
) -> list[Mistake]:
    """What cannot be called at, of the points made at `path` of the file."""
    found = _impossible(axes, points) + _mistakes_in_topologies(axes, points, topology)
    found += found or _unsuitable(axes, points, topology)
    return [replace(mistake, path=mistake.path or path) for mistake in found]


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


def _unsuitable(axes: Iterable[Axis], points: Iterable[Point], topology: FilePath) -> list[Mistake]:
    """What the topology lacks of what values name: a node that is to break, say."""
    naming = {
        point: axis
        for axis in axes
        for point in points
        if axis.dimension.suits and any(c.name in point.values for c in axis.dimension.coordinates)
    }
    if not naming:
        return []
    raw = load_topology(topology)
    pbx = PbxKind.without_host(raw.wanted_pbx)
    block = IPv4Network(f"10.0.0.0/{block_prefix(raw)}")
    resolved = resolve(raw, raw.name, block, pbx)
    mistakes: dict[str, Mistake] = {}
    for point, axis in naming.items():
        try:
            point.check_suits(resolved)
        except UsageError as error:
            mistakes.setdefault(error.message, Mistake(axis.path, error.message))
    return list(mistakes.values())


def _of_one_name(axes: Iterable[Axis]) -> Iterator[Mistake]:
    """Files of one name in different directories: calls with them could not be told apart."""
    places: dict[str, dict[Point, Path]] = {}
    for axis in axes:
        if axis.dimension.found is None:
            continue
        for meant in axis.values:
            point = Point("", **meant)
            if name := axis.dimension.labelled(point):
                places.setdefault(name, {}).setdefault(point, axis.path)
    for name, files in places.items():
        if len(files) > 1:
            what = f"has {len(files)} files called {name}: rename all but one"
            yield Mistake([*files.values()][-1], what)


def _mistakes_in_topologies(
    axes: Sequence[Axis], points: Sequence[Point], topology: FilePath
) -> list[Mistake]:
    if not any(axis.dimension.topology for axis in axes):
        return []
    load_topology(topology)
    return mistakes_of(axes, points, topology.read_text(encoding="utf-8"))
