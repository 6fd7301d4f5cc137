"""What there is of a kind, role, method, load or dimension: one module each, registered once.

A package whose modules each hold one such thing under one name (`METHOD` in every module of
`lab.calls.methods`, say) is its registry: a new module is a new thing, and there is no list to
keep in step with it. Everything else, choices, schema, columns, words, is derived from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

from lab.errors import UsageError


class Named(Protocol):
    """A thing that can be registered."""

    @property
    def name(self) -> str:
        """What it is called wherever a user meets it."""


T = TypeVar("T", bound=Named)


class Registry(Generic[T]):
    """The things of one kind, by name, in the order that `order` gives them."""

    def __init__(self, package: str, attribute: str, what: str, order: Callable[[T], Any]) -> None:
        """Of `package`, each module's `attribute`; `what` is the kind in a sentence: `method`.

        Nothing is imported before something is asked for.
        """
        self._package = package
        self._attribute = attribute
        self._what = what
        self._order = order
        self._found: dict[str, T] | None = None

    @property
    def all(self) -> Mapping[str, T]:
        """Every thing by its name."""
        return MappingProxyType(self._things())

    def named(self, name: str) -> T:
        """The thing called `name`; UsageError that names those there are."""
        things = self._things()
        if name in things:
            return things[name]
        close = get_close_matches(name, things, n=1)
        meant = f", did you mean {close[0]!r}?" if close else ""
        raise UsageError(f"no {self._what} {name!r}{meant}", f"There are: {', '.join(things)}.")

    def register(self, thing: T) -> None:
        """Add one that has no module here, such as an extension's; ValueError if it is there."""
        things = self._things()
        if thing.name in things:
            raise ValueError(f"there is a {self._what} {thing.name!r} already")
        self._found = self._in_order([*things.values(), thing])

    @contextmanager
    def having(self, thing: T) -> Iterator[T]:
        """Have one more while the block runs."""
        before = dict(self._things())
        self.register(thing)
        try:
            yield thing
        finally:
            self._found = before

    def __iter__(self) -> Iterator[T]:
        return iter(self._things().values())

    def __contains__(self, name: object) -> bool:
        return name in self._things()

    def _things(self) -> dict[str, T]:
        if self._found is None:
            package = import_module(self._package)
            modules = sorted(info.name for info in iter_modules(package.__path__))
            loaded = [import_module(f"{self._package}.{name}") for name in modules]
            self._found = self._in_order([getattr(module, self._attribute) for module in loaded])
        return self._found

    def _in_order(self, things: list[T]) -> dict[str, T]:
        return {thing.name: thing for thing in sorted(things, key=self._order)}
