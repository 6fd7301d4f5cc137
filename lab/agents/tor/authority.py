"""Starts the tor of the directory authority, and has it vote when the network is there.

Voting by the clock is what makes a private network slow to start: the first vote comes too
early, and then a relay is missing for a whole interval, or too late. Here the authority votes when
the last relay has uploaded its descriptor, and gives the relays its word when there is a consensus.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from ipaddress import IPv4Address

from stem.control import Controller, EventType

from lab.agents.tor.control import connect
from lab.agents.tor.node import (
    TorFiles,
    become_tor,
    files_from,
    note,
    prepare_data,
    read_network,
    run_beside,
)
from lab.agents.tor.settings import tell_settings
from lab.agents.tor.word import Word
from lab.wire.tor_network import AUTHORITY_RUNS, IDLE_VOTING_INTERVAL_S, TorNetwork

CONTROL_DEADLINE_S = 30.0
STRAGGLER_DEADLINE_S = 15.0
"""How long after the last new relay the authority votes without those still missing."""
LOOK_PER_RELAY_S = 0.005
"""Between two looks at which descriptors have come, of those that have not."""
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
    run_beside(partial(call_first_vote, files, network))
    become_tor(files, "--TestingV3AuthVotingStartOffset", str(farthest_offset(time.time())))


def farthest_offset(now: float) -> int:
    """The voting offset, s, that puts the next vote by the clock half an interval away."""
    return int(now + IDLE_VOTING_INTERVAL_S / 2) % IDLE_VOTING_INTERVAL_S


def call_first_vote(files: TorFiles, network: TorNetwork) -> None:
    """Let the authority vote as soon as it knows every relay, or no more of them come."""
    word = Word(IPv4Address(network.directory.partition(":")[0]), waiting=len(network.relays))
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
    word.give()
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


if __name__ == "__main__":
    main()
