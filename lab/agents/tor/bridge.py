"""Starts the tor of a bridge, with a directory that is already complete.

Its port opens when there is a consensus with every relay: clients that wait for the port find by
it all that they need, at the first try.
"""

from __future__ import annotations

import shutil

from lab.agents.tor.directory import have_directory
from lab.agents.tor.node import TorFiles, become_tor, files_from, prepare_data, read_network
from lab.wire import places


def main() -> None:
    """Entry point of the node."""
    files = files_from()
    network = read_network(files)
    prepare_data(files)
    prepare_transport(files)
    have_directory(files, network)
    become_tor(files)


def prepare_transport(files: TorFiles) -> None:
    """Put the bridge's identity in obfs4, if it has one, where obfs4proxy looks for it."""
    own = files.configuration / places.OBFS4_STATE.name
    if not own.exists():
        return
    state = files.data / "pt_state"
    state.mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(own, state / own.name)
    (state / own.name).chmod(0o600)


if __name__ == "__main__":
    main()
