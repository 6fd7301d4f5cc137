"""How verbs print: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.text import Text

# Names hold what their owners like: neither `[red]` nor `:cat:` in them is meant for a terminal.
err = Console(stderr=True, highlight=False, markup=False, emoji=False)
"""For progress and remarks."""

out = Console(
    highlight=False,
    markup=False,
    emoji=False,
    width=None if sys.stdout and sys.stdout.isatty() else 240,
)
"""For tables meant for people; in a file or a pipe their lines may be long."""


def styled(text: str, style: str) -> Text:
    """Text in a colour, for a table or a print; the text itself is taken as it is."""
    return Text(text, style=style)


@contextmanager
def doing(text: str) -> Iterator[Callable[[str], None]]:
    """A line on stderr for as long as something is done; what is yielded changes its text."""
    # rich takes what it spins for markup, whatever its console says.
    with err.status(Text(text)) as spinner:
        yield lambda now: spinner.update(Text(now))


def print_json(value: Any, *, compact: bool = False) -> None:
    """Write `value` as JSON to stdout, indented or on one line; non-finite numbers are refused.

    Indenting takes ten times as long: what has thousands of entries is for programs anyway.
    """
    if compact:
        sys.stdout.write(json.dumps(value, allow_nan=False, default=str))
    else:
        json.dump(value, sys.stdout, indent=2, allow_nan=False, default=str)
    sys.stdout.write("\n")
