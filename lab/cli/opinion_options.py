"""The options that ask further opinions: `--opinions` for all there are, `--opinion` for one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from lab.cli.registered import Registered
from lab.measure.opinion import Opinion
from lab.measure.opinions import OPINIONS


class _Extra(Registered[Opinion]):
    """Takes the opinions that do not come by themselves."""

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Every name, as click shows choices."""
        return f"[{'|'.join(opinion.name for opinion in OPINIONS if opinion.is_extra)}]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Opinion:
        """The opinion called `value`; click's own error for one that comes with every call."""
        opinion = super().convert(value, param, ctx)
        if not opinion.is_extra:
            self.fail(f"{opinion.title} comes with every call", param, ctx)
        return opinion


def opinion_options(when: str) -> Callable[[Any], Any]:
    """A decorator; `when` ends the help's sentence."""

    def decorated(command: Any) -> Any:
        named = click.option(
            "--opinion",
            "some",
            multiple=True,
            type=_Extra(OPINIONS, "opinion"),
            help="One of them alone; may be given again.",
        )
        every = click.option(
            "--opinions", "every", is_flag=True, help=f"Ask other measures than PESQ, {when}."
        )
        return every(named(command))

    return decorated


def asked(every: bool, some: Sequence[Opinion]) -> tuple[str, ...]:
    """The names of those that are wanted; LabError where one lacks a package."""
    wanted = [opinion for opinion in OPINIONS if opinion.is_extra and (every or opinion in some)]
    if wanted:
        from lab.measure.call.opinions import check_present

        check_present(wanted)
    return tuple(opinion.name for opinion in wanted)
