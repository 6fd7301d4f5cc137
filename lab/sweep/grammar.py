"""How experiment files are checked: `lab.sweep.raw` with the dimensions that there are."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from types import GenericAlias
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, PlainValidator, create_model

from lab.calls.methods import METHODS
from lab.sweep.dimension import Dimension
from lab.sweep.dimensions import DIMENSIONS
from lab.sweep.raw import (
    RawCorner,
    RawExperiment,
    RawGrid,
    RawQuick,
    RawQuickGrid,
    values_of,
)
from lab.sweep.topology_key import GRID_KEY
from lab.sweep.written import REQUIRED, JsonSchema, Key, Keys, Parse, one_of
from lab.topology.mistakes import Path
from lab.topology.raw import RawModel
from lab.topology.validation import Grammar

Model = TypeVar("Model", bound=RawModel)


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
    grid = _model(RawGrid, **{each.name: _values(items[each.name], each) for each in dimensions})
    quick_grid = _model(
        RawQuickGrid,
        **{
            each.name: (_values(items[each.name], each)[0] | None, _field(each.description, None))
            for each in dimensions
        },
    )
    corner = _model(
        RawCorner,
        **{
            each.name: (_one_or_more(items[each.name]) | None, _field(each.description, None))
            for each in dimensions
        },
    )
    corners: Any = GenericAlias(dict, (str, corner))
    quick = _model(
        RawQuick,
        grid=(quick_grid, _again(RawQuick, "grid")),
        corners=(corners, _again(RawQuick, "corners")),
    )
    fitted = _checked(*one_of(lambda: [*(d.name for d in dimensions if d.may_fit), GRID_KEY]))
    model = _model(
        RawExperiment,
        fit=(_list_of(fitted), _again(RawExperiment, "fit")),
        grid=(grid, _again(RawExperiment, "grid")),
        corners=(corners, _again(RawExperiment, "corners")),
        quick=(quick, _again(RawExperiment, "quick")),
    )
    mappings = {each.name: each.written for each in dimensions if isinstance(each.written, Keys)}

    def keys_at(path: Path) -> list[str]:
        match path:
            case ():
                return _keys(model)
            case ("grid",) | ("quick", "grid"):
                return _keys(grid)
            case ("corners", str()) | ("quick", "corners", str()):
                return _keys(corner)
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


@dataclass(frozen=True, slots=True)
class _OrOne:
    """The schema of a list in place of which one item may stand."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> JsonSchema:
        listed = handler(schema)
        return {"anyOf": [listed["items"], listed]}


def _one_or_more(item: Any) -> Any:
    """A list of values, or one of them."""
    several: Any = Annotated[_list_of(item), Field(min_length=1)]
    return Annotated[several, BeforeValidator(values_of), _OrOne()]


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
