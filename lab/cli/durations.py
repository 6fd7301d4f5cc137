"""The option `--duration`, the same wherever a call has a length."""

from __future__ import annotations

from lab.errors import UsageError
from lab.topology.units import parse_call_s


def call_s_of(duration: str | None) -> int | None:
    """Seconds of the option's text; UsageError where it is no length that a call can have."""
    try:
        return None if duration is None else parse_call_s(duration)
    except ValueError as error:
        raise UsageError(f"--duration: {duration!r} {error}") from None
