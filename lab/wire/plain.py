"""Dataclasses ⇄ the plain values that JSON has, checked by their annotations.

Understood are str, int, float, bool and None, paths, IPv4 addresses and networks, enumerations,
`Literal`, `X | None`, unions of single values, `tuple[X, ...]`, `tuple[X, Y]`, `list[X]`,
`Mapping[str, X]` or `dict[str, X]`, and dataclasses of these. Nothing is guessed: what does not fit
is a ShapeError.
What is `Any` stays plain, for whoever knows what it is.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

Scalar = str | int | float | bool | None
"""A value that JSON has by itself."""

_TEXTUAL = (IPv4Address, IPv4Network, PurePosixPath, Path)
_PLAIN = (str, int, float, bool, type(None))


class ShapeError(ValueError):
    """A plain value is not what its annotation says; the message names the place."""


def to_plain(value: Any) -> Any:
    """`value` as dicts, lists, strings, numbers and None; ShapeError for what is none of these."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, _PLAIN):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: to_plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(part) for key, part in value.items()}
    if isinstance(value, Sequence):
        return [to_plain(part) for part in value]
    if isinstance(value, _TEXTUAL):
        return str(value)
    raise ShapeError(f"{type(value).__name__} has no plain form")


def from_plain(kind: type[T], plain: Any) -> T:
    """The `kind` that `to_plain` made `plain` of; ShapeError where it cannot be one."""
    read: _Read = _reader(kind)  # type: ignore[arg-type]  # a type is hashable
    made: T = read(plain, kind.__name__)
    return made


_Read = Callable[[Any, str], Any]
"""Plain value and its place → the value."""


@cache
def _reader(kind: Any) -> _Read:
    if kind is Any:
        return lambda plain, place: plain
    origin = get_origin(kind)
    if origin is not None:
        return _composed(kind, origin, get_args(kind))
    if is_dataclass(kind):
        return _dataclass(kind)
    if kind in _PLAIN:
        return _scalar(kind)
    if isinstance(kind, type) and issubclass(kind, (Enum, *_TEXTUAL)):
        return _converted(kind)
    raise TypeError(f"{kind} cannot stand in a message")


def _composed(kind: Any, origin: Any, arguments: tuple[Any, ...]) -> _Read:
    if origin in (Union, types.UnionType):
        return _union(kind, arguments)
    if origin is Literal:
        return _one_of(arguments)
    if origin is tuple:
        return _tuple(arguments)
    if origin is list:
        return _each(_reader(arguments[0]), list)
    if issubclass(origin, Mapping):
        return _mapping(_reader(arguments[1]))
    raise TypeError(f"{kind} cannot stand in a message")


def _scalar(kind: Any) -> _Read:
    def read(plain: Any, place: str) -> Any:
        if kind is float and type(plain) is int:
            return float(plain)
        if type(plain) is not kind:
            raise ShapeError(f"{place}: {_short(plain)} is not {kind.__name__}")
        return plain

    return read


def _converted(kind: Any) -> _Read:
    def read(plain: Any, place: str) -> Any:
        try:
            return kind(plain)
        except (TypeError, ValueError):
            raise ShapeError(f"{place}: {_short(plain)} is not {kind.__name__}") from None

    return read


def _one_of(values: tuple[Any, ...]) -> _Read:
    def read(plain: Any, place: str) -> Any:
        if plain not in values:
            raise ShapeError(f"{place}: {_short(plain)} is none of {', '.join(map(repr, values))}")
        return plain

    return read


def _union(kind: Any, arguments: tuple[Any, ...]) -> _Read:
    """One type or None, or any of several single values."""
    others = [argument for argument in arguments if argument is not type(None)]
    if len(others) == 1:
        inner = _reader(others[0])
        return lambda plain, place: None if plain is None else inner(plain, place)
    if any(argument not in _PLAIN for argument in others):
        raise TypeError(f"{kind}: of several types only single values can stand in a message")

    def read(plain: Any, place: str) -> Any:
        if type(plain) not in arguments:
            words = " or ".join(one.__name__ for one in others)
            raise ShapeError(f"{place}: {_short(plain)} is not {words}")
        return plain

    return read


def _each(read_one: _Read, make: Callable[[Any], Any]) -> _Read:
    def read(plain: Any, place: str) -> Any:
        if not isinstance(plain, list):
            raise ShapeError(f"{place}: {_short(plain)} is no list")
        return make(read_one(part, f"{place}[{index}]") for index, part in enumerate(plain))

    return read


def _tuple(arguments: tuple[Any, ...]) -> _Read:
    if arguments[-1:] == (Ellipsis,):
        return _each(_reader(arguments[0]), tuple)
    readers = tuple(map(_reader, arguments))

    def read(plain: Any, place: str) -> Any:
        if not isinstance(plain, list) or len(plain) != len(readers):
            raise ShapeError(f"{place}: {_short(plain)} is no list of {len(readers)}")
        return tuple(
            inner(part, f"{place}[{index}]")
            for index, (inner, part) in enumerate(zip(readers, plain, strict=True))
        )

    return read


def _mapping(read_one: _Read) -> _Read:
    def read(plain: Any, place: str) -> Any:
        if not isinstance(plain, dict):
            raise ShapeError(f"{place}: {_short(plain)} is no mapping")
        return {key: read_one(part, f"{place}.{key}") for key, part in plain.items()}

    return read


def _dataclass(kind: Any) -> _Read:
    hints = get_type_hints(kind)
    readers = {item.name: _reader(hints[item.name]) for item in fields(kind)}
    needed = {
        item.name
        for item in fields(kind)
        if item.default is MISSING and item.default_factory is MISSING
    }

    def read(plain: Any, place: str) -> Any:
        if not isinstance(plain, dict):
            raise ShapeError(f"{place}: {_short(plain)} is no mapping")
        if unknown := plain.keys() - readers.keys():
            raise ShapeError(f"{place} has no {', '.join(sorted(unknown))}")
        if missing := needed - plain.keys():
            raise ShapeError(f"{place} lacks {', '.join(sorted(missing))}")
        return kind(
            **{name: readers[name](part, f"{place}.{name}") for name, part in plain.items()}
        )

    return read


def _short(plain: Any) -> str:
    text = repr(plain)
    return text if len(text) <= 60 else f"{text[:57]}..."
