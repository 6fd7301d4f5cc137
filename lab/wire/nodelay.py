"""Where Nagle's algorithm is switched off: on which connections of which Tor processes.

Tor itself sets TCP_NODELAY on no socket; an object that is preloaded into a Tor does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Place(StrEnum):
    """Which of a lab's Tor processes set it."""

    NONE = "none"
    """Tor as it is."""
    CLIENT = "client"
    """Every Tor that is neither relay nor bridge: at endpoints, and before onion services."""
    EXIT = "exit"
    """Every relay, on the connections that it opens as an exit alone: whichever relay a circuit
    ends at, and no connection between relays."""
    RELAYS = "relays"
    """Every relay, on all its connections."""
    ALL = "all"
    """Every Tor, on all its connections."""


class Reach(StrEnum):
    """On which of its connections a Tor that sets it does."""

    ALL = "all"
    """On every one that it opens or accepts."""
    EXITS = "exits"
    """On those that it opens to another port than a relay's."""


@dataclass(frozen=True, slots=True)
class NodelaySeen:
    """What a running Tor process does, as found in it."""

    loaded: bool
    """Whether the object that sets it is mapped into the process."""
    reach: Reach | None
    """On which connections, as the object itself says; None where it is not there."""
    set: int
    """Connections of which the option was read back as set, since the process began."""
    left: int
    """Connections that were left as they were."""
    refused: int
    """Connections of which it was read back as not set, although it had been."""
