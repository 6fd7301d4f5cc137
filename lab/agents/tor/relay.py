"""Starts the tor of a relay or of the directory authority, and tells what it then goes by.

Voting by the clock is what makes a private network slow to start: the first vote comes too
early, and then a relay is missing for a whole interval, or too late. Here the authority
votes when the last relay has uploaded its descriptor, and every relay makes its keys before
there is an authority, and is told to fetch the consensus when there is one.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import partial

from stem.control import Controller, EventType

from lab.agents.tor.control import connect
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
from lab.agents.tor.settings import read_settings
from lab.wire.messages import write
from lab.wire.tor_network import AUTHORITY_RUNS, IDLE_VOTING_INTERVAL_S, TorNetwork
from lab.wire.tor_settings import SETTINGS_TOLD, ReadSettings

CONTROL_DEADLINE_S = 30.0
STRAGGLER_DEADLINE_S = 15.0
"""How long after the last new relay the authority votes without those still missing."""
AUTHORITY_DEADLINE_S = 60.0
AUTHORITY_POLL_S = 0.1
CONSENSUS_DEADLINE_S = 300.0
CONSENSUS = "/tor/status-vote/current/consensus"
POLL_S = 0.25
POLL_PER_RELAY_S = 0.02
"""All relays of a network together look for the consensus no more than so often: each look is a
connection that the authority, and the links to it, have to bear."""
LOOK_PER_RELAY_S = 0.005
"""Between two looks at which descriptors have come, of those that have not."""
SETTINGS_DEADLINE_S = 60.0
VOTE_DELAY_S = 1
"""tor looks at its voting schedule this long after the schedule was changed."""
VOTE_MARGIN_S = 0.3
"""By how much tor may be late for that without missing the vote."""
LATE_CONSENSUS_S = 4.0
"""How long after its time a consensus may still come on a busy host, where tor makes it due a
second later; another call before that would undo the vote that is under way."""


def main() -> None:
    """Entry point of the node."""
    files = files_from()
    network = read_network(files)
    prepare_data(files)
    # Where a consensus is there already, the signal to reload may come before tor listens to it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if network.authority:
        run_beside(partial(call_first_vote, files, network))
        become_tor(files, "--TestingV3AuthVotingStartOffset", str(farthest_offset(time.time())))
    else:
        run_beside(partial(join_network, files, network, os.getpid()))
        # A reload that read the options again would take tor off the network.
        become_tor(files, "--DisableNetwork", "1", "--__ReloadTorrcOnSIGHUP", "0")


def join_network(files: TorFiles, network: TorNetwork, tor: int) -> None:
    """Let the relay's tor onto the network as soon as the authority is there.

    It makes its keys meanwhile.
    """
    wait_for_authority(network)
    with connect(files, CONTROL_DEADLINE_S) as controller:
        controller.set_conf("DisableNetwork", "0")
    reload_at_consensus(network, tor)
    tell_settings(files, network)


def tell_settings(files: TorFiles, network: TorNetwork) -> None:
    """Put what tor says of itself into the node's log, once it has a consensus.

    So nobody needs to start a program in every relay to be told that.
    """
    order = ReadSettings(network.told_options, SETTINGS_DEADLINE_S)
    with connect(files) as controller:
        note(f"{SETTINGS_TOLD}{write(read_settings(controller, order))}")


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


def farthest_offset(now: float) -> int:
    """The voting offset, s, that puts the next vote by the clock half an interval away."""
    return int(now + IDLE_VOTING_INTERVAL_S / 2) % IDLE_VOTING_INTERVAL_S


def call_first_vote(files: TorFiles, network: TorNetwork) -> None:
    """Let the authority vote as soon as it knows every relay, or no more of them come."""
    with connect(files, CONTROL_DEADLINE_S) as controller:
        note(AUTHORITY_RUNS)
        missing = wait_for_descriptors(controller, set(network.relays.values()))
        if missing:
            names = [name for name, relay in network.relays.items() if relay in missing]
            note(f"voting without {', '.join(names)}: no news for {STRAGGLER_DEADLINE_S:.0f} s")
        published = threading.Event()
        controller.add_event_listener(lambda _: published.set(), EventType.NEWCONSENSUS)
        while not published.is_set():
            note(f"calling a vote, {len(network.relays) - len(missing)} relays are known")
            due = call_vote(controller, network.voting_interval_s)
            published.wait(due + LATE_CONSENSUS_S - time.time())
    tell_settings(files, network)


def call_vote(controller: Controller, interval_s: int) -> int:
    """Have the authority vote at once and every `interval_s` from then on.

    Where the consensus is due sooner than voting takes, tor votes, computes and signs
    without pausing; so it is made due in the first full second after the vote.
    Returns that time, s since the epoch.
    """
    remainder = 1 - time.time() % 1
    if remainder < VOTE_MARGIN_S:
        time.sleep(remainder)
    due = int(time.time()) + VOTE_DELAY_S + 1
    controller.set_options(
        {
            "V3AuthVotingInterval": str(interval_s),
            "TestingV3AuthInitialVotingInterval": str(interval_s),
            "TestingV3AuthVotingStartOffset": str(due % interval_s),
        }
    )
    return due


def wait_for_descriptors(controller: Controller, expected: set[str]) -> set[str]:
    """The relays of `expected` that have not come when no new one came for a while."""
    news = threading.Event()
    controller.add_event_listener(lambda _: news.set(), EventType.NEWDESC)
    missing = expected
    while missing:
        news.clear()
        missing = {relay for relay in missing if not knows(controller, relay)}
        if missing and not news.wait(STRAGGLER_DEADLINE_S):
            break
        time.sleep(LOOK_PER_RELAY_S * len(missing))
    return missing


def knows(controller: Controller, relay: str) -> bool:
    """Whether the authority has the relay's descriptor."""
    return bool(controller.get_info(f"desc/id/{relay}", ""))


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
