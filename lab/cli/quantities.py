"""Quantities as options give them: `10s`, `2mbit`, `0.5%`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from lab.errors import UsageError

T = TypeVar("T")


def quantity(option: str, text: str | None, parse: Callable[[str], T]) -> T | None:
    """What `parse` makes of an option's text; None where the option is not given.

    UsageError, with the option's name, where `parse` raises ValueError.
    """
    try:
        return None if text is None else parse(text)
    except ValueError as error:
        raise UsageError(f"{option}: {text!r} {error}") from None
