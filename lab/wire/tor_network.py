"""The private Tor network as one of its nodes is told of it, in the file `places.TOR_NETWORK`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

IDLE_VOTING_INTERVAL_S = 1800
"""What the authority's torrc says until the first vote is called. tor's rule: the first voting
interval must divide 30 minutes."""
AUTHORITY_RUNS = "the authority's tor runs"
"""What the authority's log says as soon as it does."""


@dataclass(frozen=True, slots=True)
class TorNetwork:
    """Who the others are."""

    node: str
    authority: bool
    """Whether this node is the directory authority."""
    directory: str
    """`address:port` of the authority's directory."""
    voting_interval_s: int
    relays: Mapping[str, str]
    """Node name to fingerprint, of every relay."""

    def names_of(self, fingerprints: Iterable[str]) -> tuple[str, ...]:
        """Relays by their nodes' names; one that no node has keeps its fingerprint."""
        names = {fingerprint: name for name, fingerprint in self.relays.items()}
        return tuple(names.get(fingerprint, fingerprint) for fingerprint in fingerprints)

    def fingerprints_of(self, names: Iterable[str]) -> tuple[str, ...]:
        """The other way round; LookupError names the one that is no relay."""
        wanted = tuple(names)
        if unknown := [name for name in wanted if name not in self.relays]:
            raise LookupError(f"no relay is called {unknown[0]}")
        return tuple(self.relays[name] for name in wanted)
