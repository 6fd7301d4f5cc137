"""What load is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Route = Literal["direct", "tor"]
Flow = Literal["down", "up"]


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """Competing traffic of one kind."""

    kind: str
    """Of `lab.load.kinds`."""
    count: int
    route: Route = "direct"
    """Straight over the shared link, or through Tor with a circuit each."""
    direction: Flow = "down"
    """From the server towards the caller's side, or the other way: where a kind flows one way,
    that one; where it flows both ways, that in which it is counted."""
    circuit: tuple[str, ...] = ()
    """The relays that every stream's circuit crosses, guard first; empty: tor chooses."""
    seed: int = 0
    """Of what a kind draws by chance: the call's own."""
