"""Starts the tor of an onion service, with its keys and a directory that is already complete."""

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
    install_service(files)
    have_directory(files, network)
    become_tor(files)


def install_service(files: TorFiles) -> None:
    """Put the service's keys where tor looks for them, as private as it demands."""
    target = files.data / places.ONION.name
    target.mkdir(mode=0o700, exist_ok=True)
    for key in (files.configuration / places.ONION.name).iterdir():
        shutil.copyfile(key, target / key.name)
        (target / key.name).chmod(0o600)


if __name__ == "__main__":
    main()
