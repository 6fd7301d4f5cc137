"""Circuits of their own for several users of a node's tor client (`tor.user_circuits`).

`Failed` where tor did not do as it was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.wire.messages import Dialogue, Order
from lab.wire.stream_circuits import StreamsRouted


@dataclass(frozen=True, slots=True)
class RouteUsers(Order):
    """Send the streams of each user over the user's own circuits, as long as the program runs.

    `StreamsRouted`.
    """

    users: Mapping[str, tuple[tuple[str, ...], ...]]
    """The address from which a user connects → the paths of the user's circuits, node names from
    guard to exit: one after the other, and then from the first again."""
    streams_per_circuit: int
    """After so many the user's next stream has the next circuit."""


USER_CIRCUITS = Dialogue("tor.user_circuits", orders=(RouteUsers,), events=(StreamsRouted,))
