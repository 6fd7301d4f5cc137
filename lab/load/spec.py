"""What load is wanted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from lab.errors import UsageError

Kind = Literal["wget", "voip", "mumble"]
Route = Literal["direct", "tor"]
Flow = Literal["down", "up"]

_PATTERN = re.compile(r"(wget|voip|mumble):(\d{1,4})(?::(direct|tor))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """Competing traffic of one kind."""

    kind: Kind
    """`wget`: parallel endless transfers; `voip`: other G.711 calls, `mumble`: other Mumble
    calls, both ways at once."""
    count: int
    route: Route = "direct"
    """Straight over the shared link, or through Tor with a circuit each."""
    direction: Flow = "down"
    """Transfers only: from the server towards the caller's side, or the other way."""
    circuit: tuple[str, ...] = ()
    """The relays that every stream's circuit crosses, guard first; empty: tor chooses."""


def parse_load(text: str, direction: Flow = "down") -> LoadSpec:
    """A load as it is written on the command line: `wget:20`, `voip:5:tor` or `mumble:5:tor`."""
    match = _PATTERN.fullmatch(text)
    if not match:
        raise UsageError(
            f"{text!r} is not a load", "Write a kind, a count and a route, such as wget:20:tor."
        )
    kind, count, route = match.groups()
    return LoadSpec(cast(Kind, kind), int(count), cast(Route, route or "direct"), direction)
