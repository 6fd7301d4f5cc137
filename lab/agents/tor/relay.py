"""Starts the tor of a relay, and tells what it then goes by.

Every relay makes its keys before there is an authority, and is told to fetch the consensus when
there is one, which the authority makes when the last relay has told it of itself
(`lab.agents.tor.authority`).
"""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from ipaddress import IPv4Address

from lab.agents.tor.node import (
    TorFiles,
    become_tor,
    consensus_relays,
    fetch,
    files_from,
    note,
    prepare_data,
    read_network,
    run_beside,
)
from lab.agents.tor.plain_control import PlainControl
from lab.agents.tor.settings import tell_settings
from lab.agents.tor.word import await_word
from lab.wire.tor_network import TorNetwork

CONTROL_DEADLINE_S = 30.0
AUTHORITY_DEADLINE_S = 60.0
AUTHORITY_POLL_S = 0.1
CONSENSUS_DEADLINE_S = 300.0
CONSENSUS = "/tor/status-vote/current/consensus"
POLL_S = 0.25
POLL_PER_RELAY_S = 0.02
"""Where the authority gives no word of it, all relays of a network together look for the consensus
no more than so often: each look is a connection that the authority, and the links to it, have to
bear."""


def main() -> None:
    """Entry point of the node."""
    files = files_from()
    network = read_network(files)
    prepare_data(files)
    # Where a consensus is there already, the signal to reload may come before tor listens to it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    run_beside(partial(join_network, files, network, os.getpid()))
    # A reload that read the options again would take tor off the network.
    become_tor(files, "--DisableNetwork", "1", "--__ReloadTorrcOnSIGHUP", "0")


def join_network(files: TorFiles, network: TorNetwork, tor: int) -> None:
    """Let the relay's tor onto the network as soon as the authority is there.

    It makes its keys meanwhile.
    """
    wait_for_authority(network)
    with PlainControl(files, CONTROL_DEADLINE_S) as control:
        control.ask("SETCONF DisableNetwork=0")
    await_word(IPv4Address(network.directory.partition(":")[0]), CONSENSUS_DEADLINE_S)
    reload_at_consensus(network, tor)
    tell_settings(files, network)


def wait_for_authority(network: TorNetwork) -> None:
    """Wait until the authority answers, or a deadline: tor tells it of this relay only once.

    An upload that fails, because the authority or a hop on the way starts later, is not tried
    again for many hours.
    """
    deadline = time.monotonic() + AUTHORITY_DEADLINE_S
    while fetch(network.directory, CONSENSUS) is None:
        if time.monotonic() > deadline:
            note(f"no answer from the authority for {AUTHORITY_DEADLINE_S:.0f} s; starting anyway")
            return
        time.sleep(AUTHORITY_POLL_S)


def reload_at_consensus(network: TorNetwork, tor: int) -> None:
    """Tell the relay's tor to try its downloads again once it is part of a consensus.

    By itself it would come back at a random time, up to a quarter of a minute later.
    """
    own = network.relays[network.node]
    pause_s = max(POLL_S, POLL_PER_RELAY_S * len(network.relays))
    deadline = time.monotonic() + CONSENSUS_DEADLINE_S
    while time.monotonic() < deadline:
        consensus = fetch(network.directory, CONSENSUS)
        if consensus and own in consensus_relays(consensus):
            os.kill(tor, signal.SIGHUP)
            return
        time.sleep(pause_s)
    note(f"not in any consensus after {CONSENSUS_DEADLINE_S:.0f} s")


if __name__ == "__main__":
    main()
