"""The form of a call: its fields are the options of `lab call`, and what is sent are its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import click

from lab.calls.methods import METHODS
from lab.cli.call import command
from lab.cli.dimension_options import Chosen, point_of
from lab.errors import UsageError
from lab.sweep.dimensions.playout import buffer_at
from lab.wire.playout import Playout

FIRST = ("codec", "duration", "direction")
"""What most calls choose; everything else stands behind it."""
NOT_ASKED = frozenset({"name", "as_json", "stalls"})
"""Which lab, and how the command prints: the page's own to say."""

Given = Mapping[str, str | bool | list[str] | None]
"""Field → what was entered."""


@dataclass(frozen=True, slots=True)
class Field:
    """One option."""

    name: str
    option: str
    """As it is typed: `--codec`."""
    help: str
    choices: tuple[str, ...]
    """All there are, where they are few; empty where any text may be typed."""
    usual: str
    """What is meant where it is left out, where that is a word; else empty."""
    is_flag: bool
    many: bool
    """Whether it may be given several times."""

    @property
    def label(self) -> str:
        """What it is called."""
        return self.option.removeprefix("--")

    def words(self, given: str | bool | list[str] | None) -> tuple[str, ...]:
        """What was entered, as words of the command line; none for what goes without saying."""
        if self.is_flag:
            return (self.option,) if given else ()
        values = given if isinstance(given, list) else [given]
        said = [str(value).strip() for value in values if value is not None]
        return tuple(
            word for value in said if value and value != self.usual for word in (self.option, value)
        )


def fields() -> tuple[Field, ...]:
    """Every option of `lab call` that says what call is made, those of `FIRST` first."""
    # No help among the fields; and click keeps the option for help as it is first asked for.
    context = click.Context(command, help_option_names=[])
    found = {
        param.name: _field(context, param)
        for param in command.get_params(context)
        if isinstance(param, click.Option) and not param.is_eager and param.name not in NOT_ASKED
    }
    first = [found[name] for name in FIRST if name in found]
    return (*first, *(field for field in found.values() if field not in first))


def _field(context: click.Context, param: click.Option) -> Field:
    items = param.type.shell_complete(context, param, "")
    choices = [str(item.value) for item in items]
    usual = param.default
    return Field(
        name=str(param.name),
        option=param.opts[0],
        help=(param.help or "").strip(),
        choices=tuple(choice for choice in choices if _is_taken(context, param, choice)),
        usual=str(usual) if isinstance(usual, str | int) and not param.is_flag else "",
        is_flag=bool(param.is_flag),
        many=param.multiple,
    )


def _is_taken(context: click.Context, param: click.Option, choice: str) -> bool:
    try:
        param.type.convert(choice, param, context)
    except click.ClickException:
        return False
    return True


def codecs_of(method: str) -> tuple[str, ...]:
    """The codecs that calls by a method can have; the first is the usual one."""
    return tuple(METHODS.named(method).codecs)


def words_of(method: str, given: Given, lab: str | None) -> tuple[str, ...]:
    """The words of `lab call` for what was entered in the form."""
    options = [word for field in fields() for word in field.words(given.get(field.name))]
    which = () if lab is None else ("--name", lab)
    return ("call", method, *options, *which, "--json")


def playout_asked(words: tuple[str, ...]) -> Playout:
    """The buffer before both ears of the call that the words of `lab call` ask for.

    UsageError where there can be no such call.
    """
    try:
        context = command.make_context(words[0], list(words[1:]))
    except click.ClickException as error:
        raise UsageError(error.format_message()) from error
    given = context.params
    chosen = [value for value in given.values() if isinstance(value, Chosen)]
    return buffer_at(point_of(given["method"].name, chosen))
