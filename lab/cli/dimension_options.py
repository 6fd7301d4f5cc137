"""The options by which a single call is given what experiments vary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import click
from click.shell_completion import CompletionItem

from lab.sweep.dimension import Dimension, Option
from lab.sweep.dimensions import DIMENSIONS
from lab.sweep.point import Point
from lab.sweep.written import Key, Scalar


@dataclass(frozen=True, slots=True)
class Chosen:
    """What an option asks for."""

    dimension: Dimension
    values: dict[str, Scalar]
    """Of the dimension's coordinates."""


class _Value(click.ParamType):  # type: ignore[type-arg]  # not so in click 8.1
    """Takes a value of a dimension, as experiments write it, or as its option has it."""

    def __init__(self, dimension: Dimension, option: Option) -> None:
        self.name = "text"
        self._dimension = dimension
        self._option = option

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Chosen:
        """What `value` means; click's own error where it cannot be."""
        if isinstance(value, Chosen):
            return value
        try:
            (meant,) = self._dimension.assignments(self._option.read(value))
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)
        return Chosen(self._dimension, meant)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str | None:
        """Every value, where there are few; else what click shows."""
        return f"[{'|'.join(names)}]" if (names := self._names()) else None

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The values that begin as typed."""
        return [CompletionItem(name) for name in self._names() if name.startswith(incomplete)]

    def _names(self) -> list[str]:
        written = self._dimension.written
        names: list[str] = written.schema().get("enum", []) if isinstance(written, Key) else []
        return names


def dimension_options() -> Iterator[click.Option]:
    """One for every dimension that a single call can choose."""
    for dimension in DIMENSIONS:
        if option := dimension.option:
            yield click.Option(
                [f"--{dimension.name}"],
                type=_Value(dimension, option),
                default=option.usual,
                show_default=option.usual is not None,
                help=option.help,
            )


def point_of(method: str, chosen: Iterable[Chosen]) -> Point:
    """What options ask for, as a point of an experiment; UsageError for what cannot be."""
    chosen = list(chosen)
    values = {name: value for each in chosen for name, value in each.values.items()}
    point = Point(method, **cast(dict[str, Any], values))
    for each in chosen:
        each.dimension.check(point)
    return point.normalised()
