"""Starts the tor client of an endpoint, with a directory that is already complete.

A client that starts before there is a consensus asks, is refused and backs off. This one
is started once the authority serves a consensus with every relay in it, and finds that
consensus and all descriptors in its data directory.
"""

from __future__ import annotations

import time

from lab.agents.tor.node import (
    Network,
    Place,
    become_tor,
    consensus_relays,
    fetch,
    place_from,
    prepare_data,
    read_network,
    say,
)

COMPLETE_DEADLINE_S = 120.0
"""After that the client starts with whatever there is, for someone to look into it."""
POLL_S = 0.1
DOCUMENTS = {
    "cached-consensus": "/tor/status-vote/current/consensus",
    "cached-certs": "/tor/keys/all",
    "cached-descriptors": "/tor/server/all",
}


def main() -> None:
    """Entry point of the node."""
    place = place_from()
    network = read_network(place)
    prepare_data(place)
    if wait_for_consensus(network):
        store_documents(place, network)
    else:
        say(f"no complete consensus within {COMPLETE_DEADLINE_S:.0f} s; starting without")
    become_tor(place)


def wait_for_consensus(network: Network) -> bool:
    """Whether the authority serves a consensus with every relay before the deadline."""
    expected = set(network.relays.values())
    deadline = time.monotonic() + COMPLETE_DEADLINE_S
    while time.monotonic() < deadline:
        consensus = fetch(network.directory, DOCUMENTS["cached-consensus"])
        if consensus and expected <= consensus_relays(consensus):
            return True
        time.sleep(POLL_S)
    return False


def store_documents(place: Place, network: Network) -> None:
    """Put what the authority serves where tor looks for it when it starts."""
    for name, path in DOCUMENTS.items():
        document = fetch(network.directory, path)
        if document:
            (place.data / name).write_bytes(document)
        else:
            say(f"the authority does not serve {path}")


if __name__ == "__main__":
    main()
