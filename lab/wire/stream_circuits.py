"""A circuit of its own for every stream of a node's tor client (`tor.stream_circuits`).

`Failed` where a stream did not get its circuit.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.wire.messages import Dialogue, Event, Order


@dataclass(frozen=True, slots=True)
class RouteStreams(Order):
    """Build each new stream's circuit over these relays, as long as the program runs.

    `StreamsRouted`.
    """

    path: tuple[str, ...]
    """Node names from guard to exit."""


@dataclass(frozen=True, slots=True)
class StreamsRouted(Event):
    """Streams wait for their circuits from now on."""


STREAM_CIRCUITS = Dialogue("tor.stream_circuits", orders=(RouteStreams,), events=(StreamsRouted,))
