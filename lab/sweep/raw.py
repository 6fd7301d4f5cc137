"""What a user writes in an experiment file, before anything is decided.

The grid's keys are the dimensions there are when a file is read; with the descriptions here they
become the JSON Schema that editors show (`lab schema experiment`).
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from types import GenericAlias
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema, create_model

from lab.calls.methods import METHODS
from lab.sweep.dimension import Dimension
from lab.sweep.dimensions import DIMENSIONS
from lab.sweep.topology_key import GRID_KEY
from lab.sweep.written import REQUIRED, JsonSchema, Key, Keys, Parse, one_of
from lab.topology.mistakes import Path
from lab.topology.raw import NAME_PATTERN, RawModel, is_name
from lab.topology.validation import Grammar

MAX_NAME_LENGTH = 14
"""Runs are named after their experiment, and labs side by side after their run."""
TOPOLOGY_KEYS = (
    "Keys of the topology (vpn.cipher, tor.circuit, nodes.server.links.hosting.delay), each with "
    "the values that it is to have in turn; the lab is brought up anew for another."
)


def _name(name: str) -> str:
    if not is_name(name) or len(name) > MAX_NAME_LENGTH:
        raise ValueError(
            "cannot be a name; write lowercase letters, digits and hyphens, at most "
            f"{MAX_NAME_LENGTH}, beginning with a letter"
        )
    return name


Name = Annotated[
    str,
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "pattern": NAME_PATTERN, "maxLength": MAX_NAME_LENGTH}),
]
TopologyKeys = Annotated[
    dict[str, Annotated[list[Any], Field(min_length=1)]],
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"pattern": r"^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*$"},
            "additionalProperties": {"type": "array", "minItems": 1},
        }
    ),
]
Model = TypeVar("Model", bound=RawModel)


class RawGrid(RawModel):
    """What is varied: every combination is a point."""


class RawQuickGrid(RawModel):
    """Lists that replace those of the grid in a quick run."""


class RawQuick(RawModel):
    """What `--quick` changes."""

    calls: int | None = Field(default=None, ge=1, le=1000)
    """Valid calls wanted at each point."""
    grid: RawQuickGrid = Field(default_factory=RawQuickGrid)
    """Lists that replace those of the grid."""


class RawExperiment(RawModel):
    """An experiment of the voice-over-Tor lab."""

    name: Name
    """Lowercase letters, digits and hyphens, at most 14 characters; runs are named after it."""
    description: str = Field(default="", max_length=2000)
    """What the experiment is for."""
    paper_table: Literal[1, 2, 3] | None = None
    """The table of the paper beside which the report sets the results."""
    topology: str = "paper"
    """A shipped topology, or the path of one relative to this file."""
    seed: int = Field(default=1, ge=0, le=2**31 - 1)
    """Decides the order of calls and their circuits; stored with the run."""
    calls: int = Field(default=10, ge=1, le=1000)
    """Valid calls wanted at each point."""
    attempts: int = Field(default=3, ge=1, le=20)
    """At most so many times `calls` are made at a point, invalid and failed ones included."""
    precision_mos: float | None = Field(default=None, gt=0, le=2, alias="precision")
    """Call on at a point, as far as `attempts` allow, until the 95 % confidence interval of its
    mean PESQ is no wider than ± this; absent: `calls` valid ones are enough. Not in quick runs."""
    fit: list[str] = Field(default=[])
    """What in the grid was chosen after seeing results; the report calls it a fit."""
    grid: RawGrid
    """What is varied."""
    quick: RawQuick = Field(default_factory=RawQuick)
    """How the short version, `lab experiment run --quick`, differs."""


def lists_of(grid: RawModel) -> dict[str, Any]:
    """What a checked grid says: key → what is written there; without what is left out."""
    lists = {name: getattr(grid, name) for name in type(grid).model_fields}
    return {name: value for name, value in lists.items() if value is not None}


def experiment_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an experiment file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **experiment_grammar().model.model_json_schema(),
    }


def experiment_grammar() -> Grammar[RawExperiment]:
    """How experiment files are checked, with the dimensions there are now."""
    return _grammar(tuple(DIMENSIONS))


@lru_cache(maxsize=4)
def _grammar(dimensions: tuple[Dimension, ...]) -> Grammar[RawExperiment]:
    items = {dimension.name: _item(dimension) for dimension in dimensions}
    grid = _model(
        RawGrid,
        **{each.name: _values(items[each.name], each) for each in dimensions},
        **{GRID_KEY: (TopologyKeys, _field(TOPOLOGY_KEYS, {}))},
    )
    quick_grid = _model(
        RawQuickGrid,
        **{
            each.name: (_values(items[each.name], each)[0] | None, _field(each.description, None))
            for each in dimensions
        },
        **{GRID_KEY: (TopologyKeys | None, _field(TOPOLOGY_KEYS, None))},
    )
    quick = _model(RawQuick, grid=(quick_grid, _again(RawQuick, "grid")))
    fitted = _checked(*one_of(lambda: [*(d.name for d in dimensions if d.may_fit), GRID_KEY]))
    model = _model(
        RawExperiment,
        fit=(_list_of(fitted), _again(RawExperiment, "fit")),
        grid=(grid, _again(RawExperiment, "grid")),
        quick=(quick, _again(RawExperiment, "quick")),
    )
    mappings = {each.name: each.written for each in dimensions if isinstance(each.written, Keys)}

    def keys_at(path: Path) -> list[str]:
        match path:
            case ():
                return _keys(model)
            case ("grid",) | ("quick", "grid"):
                return _keys(grid)
            case ("quick",):
                return _keys(quick)
            case (*_, str(name), int()) if name in mappings:
                return list(mappings[name].keys)
        return []

    return Grammar(model, keys_at, {"name": "unnamed", "grid": {"method": [*METHODS.all][:1]}})


def _values(item: Any, dimension: Dimension) -> tuple[Any, Any]:
    """The field of the grid in which the values of a dimension are listed."""
    if dimension.usual is None:
        return _list_of(item), _field(dimension.description, [])
    several: Any = Annotated[_list_of(item), Field(min_length=1)]
    if dimension.usual is REQUIRED:
        return several, _field(dimension.description, ...)
    return several, _field(dimension.description, [dimension.usual])


def _item(dimension: Dimension) -> Any:
    """What one value of a dimension is written as."""
    written = dimension.written
    if isinstance(written, Key):
        return _checked(written.parse, written.schema)
    fields = {}
    for name, key in written.keys.items():
        value = _checked(key.parse, key.schema)
        usual = ... if key.usual is REQUIRED else key.usual
        fields[name] = _list_of(value) if key.many else value, _field(key.description, usual)
    made = type(f"Raw{dimension.name.title()}", (RawModel,), {"__doc__": written.description})
    return _model(made, **fields)


def _checked(parse: Parse, schema: Callable[[], JsonSchema]) -> Any:
    """A value that `parse` takes; it stays as it is written."""

    def check(value: object) -> object:
        parse(value)
        return value

    return Annotated[Any, PlainValidator(check), _Schema(schema)]


@dataclass(frozen=True, slots=True)
class _Schema:
    """The schema of a value, made when one is asked for: it may name what is registered."""

    schema: Callable[[], JsonSchema]

    def __get_pydantic_json_schema__(self, _schema: Any, _handler: Any) -> JsonSchema:
        return self.schema()


def _list_of(item: Any) -> Any:
    return GenericAlias(list, (item,))


def _model(base: type[Model], **fields: Any) -> type[Model]:
    """The model with fields of its own, or others in place of its base's."""
    return create_model(base.__name__, __base__=base, __doc__=base.__doc__, **fields)


def _field(description: str, default: Any) -> Any:
    return Field(default, description=description or None)


def _again(base: type[RawModel], name: str) -> Any:
    """The field of that name, for values of another type."""
    return copy(base.model_fields[name])


def _keys(model: type[RawModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
