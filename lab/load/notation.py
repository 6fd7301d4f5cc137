"""A load as it is written on the command line."""

from __future__ import annotations

import re
from typing import cast

from lab.errors import UsageError
from lab.load.kinds import LOAD_KINDS
from lab.load.spec import LoadSpec, Route

_PATTERN = re.compile(r"([a-z-]{1,30}):(\d{1,4})(?::(direct|tor))?", re.ASCII)


def parse_load(text: str) -> LoadSpec:
    """A kind, a count and, if not the usual, a route: `wget:20`, `voip:5:tor`, `background:8`.

    UsageError for what is no load, and for more of it than there can be.
    """
    match = _PATTERN.fullmatch(text)
    if not match:
        raise UsageError(
            f"{text!r} is not a load", "Write a kind, a count and a route, such as wget:20:tor."
        )
    kind, count = LOAD_KINDS.named(match[1]), int(match[2])
    route = cast(Route, match[3] or kind.usual_route)
    if excess := kind.excess(count, route):
        raise UsageError(excess)
    return LoadSpec(kind.name, count, route)
