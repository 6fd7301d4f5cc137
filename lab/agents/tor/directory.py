"""The directory of the network, put in place before a tor starts.

A tor that starts before there is a consensus asks, is refused and backs off. One that waits until
the authority serves a consensus with every relay in it, and finds that and all descriptors in its
data directory, knows the network at once.
"""

from __future__ import annotations

import time

from lab.agents.tor.node import TorFiles, consensus_relays, fetch, note
from lab.wire.tor_network import TorNetwork

COMPLETE_DEADLINE_S = 120.0
"""After that a tor starts with whatever there is, for someone to look into it."""
POLL_S = 0.1
DOCUMENTS = {
    "cached-consensus": "/tor/status-vote/current/consensus",
    "cached-certs": "/tor/keys/all",
    "cached-descriptors": "/tor/server/all",
}


def have_directory(files: TorFiles, network: TorNetwork) -> None:
    """Wait for the whole directory and store it where tor looks for it; say so without it."""
    if wait_for_consensus(network):
        store_documents(files, network)
    else:
        note(f"no complete consensus within {COMPLETE_DEADLINE_S:.0f} s; starting without")


def wait_for_consensus(network: TorNetwork) -> bool:
    """Whether the authority serves a consensus with every relay before the deadline."""
    expected = set(network.relays.values())
    deadline = time.monotonic() + COMPLETE_DEADLINE_S
    while time.monotonic() < deadline:
        consensus = fetch(network.directory, DOCUMENTS["cached-consensus"])
        if consensus and expected <= consensus_relays(consensus):
            return True
        time.sleep(POLL_S)
    return False


def store_documents(files: TorFiles, network: TorNetwork) -> None:
    """Put what the authority serves where tor looks for it when it starts."""
    for name, path in DOCUMENTS.items():
        document = fetch(network.directory, path)
        if document:
            (files.data / name).write_bytes(document)
        else:
            note(f"the authority does not serve {path}")
