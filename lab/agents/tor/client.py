"""Starts the tor client of an endpoint, with a directory that is already complete."""

from __future__ import annotations

import socket
import time

from lab.agents.tor.directory import COMPLETE_DEADLINE_S, POLL_S, have_directory
from lab.agents.tor.node import become_tor, files_from, note, prepare_data, read_network
from lab.wire.tor_network import TorNetwork

CONNECT_TIMEOUT_S = 2.0


def main() -> None:
    """Entry point of the node."""
    files = files_from()
    network = read_network(files)
    prepare_data(files)
    if network.transports:
        # By its bridges it gets everything else, as it would without the lab.
        wait_for_bridges(network)
    else:
        have_directory(files, network)
    become_tor(files)


def wait_for_bridges(network: TorNetwork) -> None:
    """Wait until every bridge takes clients, or a deadline: tor tries one that does not late again.

    They do so once there is a complete consensus.
    """
    deadline = time.monotonic() + COMPLETE_DEADLINE_S
    for name, port in network.transports.items():
        while not is_open(str(port.address), port.port):
            if time.monotonic() > deadline:
                note(f"bridge {name} is not open after {COMPLETE_DEADLINE_S:.0f} s; starting")
                return
            time.sleep(POLL_S)


def is_open(address: str, port: int) -> bool:
    """Whether a TCP connection can be made there."""
    try:
        with socket.create_connection((address, port), timeout=CONNECT_TIMEOUT_S):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    main()
