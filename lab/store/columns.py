"""The columns of stored rows: what each holds, said once for SQLite, CSV and Parquet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any


def _as_it_is(value: Any) -> Any:
    return value


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Kind:
    """What cells of one Python type become in each format."""

    sqlite: str
    """The type that its columns are declared with."""
    arrow: Callable[[Any], Any]
    """pyarrow → the type of its columns; nothing but an export needs to load that."""
    to_sql: Callable[[Any], Any] = _as_it_is
    from_sql: Callable[[Any], Any] = _as_it_is
    to_csv: Callable[[Any], Any] = _as_it_is
    to_arrow: Callable[[Any], Any] = _as_it_is


def _as_json(arrow: Callable[[Any], Any], to_arrow: Callable[[Any], Any] = _as_it_is) -> Kind:
    def text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    return Kind("TEXT", arrow, text, json.loads, text, to_arrow)


def _pairs(mapping: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return list(mapping.items())


KINDS: Mapping[str, Kind] = {
    "str": Kind("TEXT", lambda arrow: arrow.string(), to_arrow=str),
    "int": Kind("INTEGER", lambda arrow: arrow.int64()),
    "float": Kind("REAL", lambda arrow: arrow.float64()),
    "bool": Kind(
        "INTEGER",
        lambda arrow: arrow.bool_(),
        from_sql=bool,
        to_csv=lambda value: str(value).lower(),
    ),
    "list[str]": _as_json(lambda arrow: arrow.list_(arrow.string())),
    "dict[str, str]": _as_json(lambda arrow: arrow.map_(arrow.string(), arrow.string()), _pairs),
    "dict[str, float]": _as_json(lambda arrow: arrow.map_(arrow.string(), arrow.float64()), _pairs),
}
"""By the annotation that a field of a row has, None aside."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    kind: Kind
    if_null: Callable[[], Any] = _nothing
    """What a row says for which the database has nothing: one older than the column, say."""

    def to_sql(self, value: Any) -> Any:
        """As SQLite stores it."""
        return None if value is None else self.kind.to_sql(value)

    def from_sql(self, stored: Any) -> Any:
        """From what SQLite has stored."""
        return self.if_null() if stored is None else self.kind.from_sql(stored)

    def all_from_sql(self, stored: Sequence[Any]) -> Sequence[Any]:
        """The same of many: quicker, as most are what SQLite has stored."""
        has_own_null = self.if_null is not _nothing and None in stored
        if self.kind.from_sql is _as_it_is and not has_own_null:
            return stored
        return [self.from_sql(each) for each in stored]


def columns_of(row: type[Any], apart_from: Iterable[str] = ()) -> Mapping[str, Column]:
    """A column for each field of the dataclass `row`, but for some, by name and in its order."""
    return {
        item.name: _column(item.name, str(item.type), item.default, item.default_factory)
        for item in fields(row)
        if item.name not in apart_from
    }


def _column(name: str, annotation: str, default: Any, factory: Any) -> Column:
    kind = KINDS[annotation.removesuffix(" | None")]
    if annotation.endswith(" | None"):
        return Column(name, kind)
    if factory is not MISSING:
        return Column(name, kind, factory)
    return Column(name, kind, lambda: None if default is MISSING else default)


def column_of_values(name: str, values: Iterable[str | int | float | None]) -> Column:
    """The column that holds `values`: of their own type, whole numbers beside others as floats."""
    types = {type(value).__name__ for value in values if value is not None}
    if types == {"int", "float"}:
        types = {"float"}
    return Column(name, KINDS[types.pop() if len(types) == 1 else "str"])
