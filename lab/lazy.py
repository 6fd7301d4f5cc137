"""Names of what is imported only when it is used, so that lists and help load nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Generic, TypeVar, cast

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lazy(Generic[T]):
    """A `T` of another module, by the names of both."""

    module: str
    attribute: str

    def load(self) -> T:
        """The thing itself; its module is imported now."""
        return cast(T, getattr(import_module(self.module), self.attribute))
