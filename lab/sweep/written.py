"""How the values of a dimension are written in an experiment file, and its schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lab.topology.mistakes import Path, did_you_mean

Scalar = str | int | float | None
"""A value of a point, and of a cell of a record."""
Parse = Callable[[Any], Scalar]
"""A value as YAML gives it → what is meant; ValueError says the end of a sentence about it."""
JsonSchema = dict[str, Any]


class _Required:
    """Stands where a key has no usual value."""


REQUIRED: Final = _Required()


@dataclass(frozen=True, eq=False, slots=True)
class Key:
    """One value."""

    parse: Parse
    schema: Callable[[], JsonSchema]
    """Asked for when it is needed: it may name what is registered."""
    description: str = ""
    """Of a key among others of `Keys`."""
    usual: object = REQUIRED
    """Of such a key: what is meant where it is left out."""
    many: bool = False
    """Of such a key: whether a list of values is written."""

    def values(self, written: object) -> list[tuple[Scalar, ...]]:
        """What is meant: one coordinate's value, once."""
        return [(self.parse(written),)]

    def mistakes(self, written: object) -> Iterator[tuple[Path, str]]:
        """None that `parse` would not find."""
        yield from ()


@dataclass(frozen=True, eq=False, slots=True)
class Keys:
    """Several values that belong together, in a mapping."""

    description: str
    keys: Mapping[str, Key]
    meaning: Callable[[Mapping[str, Any]], Iterable[tuple[Scalar, ...]]]
    """What a whole mapping means: values of the dimension's coordinates, once or more."""
    problems: Callable[[Mapping[str, Any]], Iterator[tuple[Path, str]]] = lambda _: iter(())
    """What is wrong with a whole mapping of which each key is right, with the place in it."""

    def values(self, written: Mapping[str, Any]) -> list[tuple[Scalar, ...]]:
        """What is meant: values of the coordinates, once or more."""
        return list(self.meaning(self._whole(written)))

    def mistakes(self, written: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        """What is wrong with a mapping of which each key is right, with the place in it."""
        return self.problems(self._whole(written))

    def _whole(self, written: Mapping[str, Any]) -> dict[str, Any]:
        return {name: key.usual for name, key in self.keys.items()} | dict(written)


def one_of(names: Callable[[], Iterable[str]]) -> tuple[Parse, Callable[[], JsonSchema]]:
    """One of some names, which are asked for when they are needed."""

    def parse(value: object) -> str:
        known = list(names())
        if isinstance(value, str) and value in known:
            return value
        raise ValueError(f"is not one of {', '.join(known)}{did_you_mean(str(value), known)}")

    return parse, lambda: {"enum": list(names()), "type": "string"}


def or_word(
    word: str, parse: Parse, schema: Callable[[], JsonSchema]
) -> tuple[Parse, Callable[[], JsonSchema]]:
    """A value, or `word` for None."""
    return (
        lambda value: None if value == word else parse(value),
        lambda: {"anyOf": [{"const": word}, schema()]},
    )


def text_like(pattern: str) -> Callable[[], JsonSchema]:
    """The schema of text that fits a regular expression."""
    return lambda: {"type": "string", "pattern": pattern}


def whole_number(least: int, most: int) -> tuple[Parse, Callable[[], JsonSchema]]:
    """A number of something."""

    def parse(value: object) -> int:
        if type(value) is not int:
            raise ValueError("must be a whole number")
        if not least <= value <= most:
            raise ValueError(f"must be from {least} to {most}")
        return value

    return parse, lambda: {"type": "integer", "minimum": least, "maximum": most}
