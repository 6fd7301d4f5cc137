"""What a user writes in an experiment file, before anything is decided.

The grids have a key for each dimension there is: `lab.sweep.grammar` adds them. With those, the
descriptions here become the JSON Schema that editors show (`lab schema experiment`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, TypeAdapter, WithJsonSchema

from lab.sweep.design import FULL, choice_of, design_schema
from lab.topology.names import NAME_PATTERN, is_name
from lab.topology.raw import RawModel

MAX_NAME_LENGTH = 14
"""Runs are named after their experiment, and labs side by side after their run."""
_NAME_SCHEMA: dict[str, Any] = {"pattern": NAME_PATTERN, "maxLength": MAX_NAME_LENGTH}
_NAMED: dict[str, Any] = {"propertyNames": _NAME_SCHEMA}


def checked_name(name: str) -> str:
    """The name of an experiment or of a corner; ValueError as the end of a sentence about it."""
    if not is_name(name) or len(name) > MAX_NAME_LENGTH:
        raise ValueError(
            "cannot be a name; write lowercase letters, digits and hyphens, at most "
            f"{MAX_NAME_LENGTH}, beginning with a letter"
        )
    return name


def _design(written: object) -> object:
    choice_of(written)
    return written


Name = Annotated[
    str,
    AfterValidator(checked_name),
    WithJsonSchema({"type": "string", **_NAME_SCHEMA}),
]
DesignChoice = Annotated[Any, PlainValidator(_design), WithJsonSchema(design_schema())]

_EACH: TypeAdapter[Any] = TypeAdapter(dict[str, Annotated[list[Any], Field(min_length=1)]])
_TOGETHER: TypeAdapter[Any] = TypeAdapter(
    Annotated[list[Annotated[dict[str, Any], Field(min_length=1)]], Field(min_length=1)]
)
_KEY = {"pattern": r"^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*$"}


def _topology_keys(written: object) -> Any:
    return (_TOGETHER if isinstance(written, list) else _EACH).validate_python(written, strict=True)


TopologyKeys = Annotated[
    Any,
    PlainValidator(_topology_keys),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "description": "Every combination: each key with the values it has in turn.",
                    "type": "object",
                    "propertyNames": _KEY,
                    "additionalProperties": {"type": "array", "minItems": 1},
                },
                {
                    "description": "Keys that vary together: each item gives some their values.",
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": "object", "propertyNames": _KEY, "minProperties": 1},
                },
            ]
        }
    ),
]


def _corner_keys(written: object) -> Any:
    if isinstance(written, dict):
        written = {key: values_of(values) for key, values in written.items()}
    return _topology_keys(written)


CornerKeys = Annotated[
    Any,
    PlainValidator(_corner_keys),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "description": "Each key with its value, or a list of those it has in turn.",
                    "type": "object",
                    "propertyNames": _KEY,
                },
                {
                    "description": "Keys that vary together: each item gives some their values.",
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": "object", "propertyNames": _KEY, "minProperties": 1},
                },
            ]
        }
    ),
]


class RawGrid(RawModel):
    """What is varied: the combinations that the design takes are points."""

    topology: TopologyKeys = Field(default={})
    """Keys of the topology (vpn.cipher, tor.circuit, nodes.server.links.hosting.delay), each with
    the values that it has in turn, or a list of mappings of keys that vary together; for another
    value the lab is brought up anew."""


class RawQuickGrid(RawModel):
    """Lists that replace those of the grid in a quick run."""

    topology: TopologyKeys | None = None
    """Keys of the topology, with their values; they replace all those of the grid."""


class RawCorner(RawModel):
    """Values whose combinations are points beside the design, with a name; a key of the grid that
    is not here has the grid's first value."""

    topology: CornerKeys | None = None
    """Keys of the topology, each with a value or a list of them, or a list of mappings of keys
    that vary together."""


class RawQuick(RawModel):
    """What `--quick` changes."""

    calls: int | None = Field(default=None, ge=1, le=1000)
    """Valid calls wanted at each point."""
    design: DesignChoice | None = None
    """The design in place of the experiment's."""
    grid: RawQuickGrid = Field(default_factory=RawQuickGrid)
    """Lists that replace those of the grid."""
    corners: dict[str, RawCorner] = Field(default={}, json_schema_extra=_NAMED)
    """Values that replace those of corners, key by key."""


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
    design: DesignChoice = FULL
    """Which combinations of the grid are points."""
    grid: RawGrid
    """What is varied."""
    corners: dict[str, RawCorner] = Field(default={}, json_schema_extra=_NAMED)
    """Named sets of points beside the design, such as the settings of a study: every combination
    of the values that a corner gives."""
    quick: RawQuick = Field(default_factory=RawQuick)
    """How the short version, `lab experiment run --quick`, differs."""


def values_of(written: Any) -> Any:
    """What is written in a corner: a single value is a list of one."""
    return written if isinstance(written, list) else [written]


def lists_of(grid: RawModel) -> dict[str, Any]:
    """What a checked grid says: key → what is written there; without what is left out."""
    lists = {name: getattr(grid, name) for name in type(grid).model_fields}
    return {name: value for name, value in lists.items() if value is not None}
