"""Words on the command line that are the names of a registry's things."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import click
from click.shell_completion import CompletionItem

from lab.errors import UsageError
from lab.registry import Named, Registry

T = TypeVar("T", bound=Named)


class Registered(click.ParamType, Generic[T]):  # type: ignore[type-arg]  # not so in click 8.1
    """Takes the name of a thing, and gives the thing; what there is, is asked when needed."""

    def __init__(self, registry: Registry[T], what: str) -> None:
        """`what` is the kind of thing, in one word."""
        self.name = what
        self._registry = registry

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> T:
        """The thing called `value`; click's own error where there is none."""
        if not isinstance(value, str):
            thing: T = value
            return thing
        try:
            return self._registry.named(value)
        except UsageError as error:
            self.fail(f"{error.message}. {error.hint}", param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Every name, as click shows choices."""
        names = "|".join(self._registry.all)
        return f"{{{names}}}" if param.param_type_name == "argument" else f"[{names}]"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The names that begin as typed."""
        return [CompletionItem(name) for name in self._registry.all if name.startswith(incomplete)]
