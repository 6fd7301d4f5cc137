"""What a topology file must make sense of beyond the form of its values."""

from __future__ import annotations

from collections.abc import Iterator

from lab.topology.check_hosts import check_hosts
from lab.topology.check_networks import check_networks
from lab.topology.check_nodes import check_nodes
from lab.topology.draft import Draft, repeated
from lab.topology.mistakes import Mistake, Path, quoted
from lab.topology.names import is_name
from lab.topology.tor import check_tor

VOTING_INTERVALS_S = range(10, 1801)
"""From tor's least `TestingV3AuthInitialVotingInterval` to the 30 min it must divide evenly."""


def check(draft: Draft) -> Iterator[Mistake]:
    """Every mistake in a well-formed topology, in no particular order."""
    yield from _names(draft)
    yield from check_networks(draft)
    yield from check_nodes(draft)
    yield from check_hosts(draft)
    yield from _voting(draft)
    yield from check_tor(draft)
    yield from repeated(("codecs",), draft.raw.codecs)


def _names(draft: Draft) -> Iterator[Mistake]:
    places: list[Path] = [("networks", name) for name in draft.raw.networks]
    places += [("nodes", name) for name in draft.raw.nodes]
    places += [("hosts", name) for name in draft.raw.hosts]
    names = [(path, str(path[-1])) for path in places]
    for path, name in [(("name",), draft.raw.name), *names]:
        if not is_name(name):
            message = f"{quoted(name)} cannot be a name; use at most 30 lowercase letters, digits "
            yield Mistake(path, f"{message}and hyphens, a letter first and no hyphen last")


def _voting(draft: Draft) -> Iterator[Mistake]:
    interval_s = draft.raw.tor.voting_interval_s
    if interval_s not in VOTING_INTERVALS_S or VOTING_INTERVALS_S[-1] % interval_s:
        message = f"must be 10s to 30m and divide 30m evenly; {interval_s}s does not"
        yield Mistake(("tor", "voting_interval"), message)
