"""Tells what this node's Tor is and goes by, asked over its control socket."""

from __future__ import annotations

import time

from lab.agents.tor.node import TorFiles, files_from, note
from lab.agents.tor.plain_control import PlainControl, PlainControlError, RefusedError
from lab.wire.line import Line
from lab.wire.messages import Failed, write
from lab.wire.tor_network import TorNetwork
from lab.wire.tor_settings import SETTINGS_TOLD, TOR_SETTINGS, ReadSettings, SettingsInForce

POLL_S = 0.2
TOLD_DEADLINE_S = 60.0
"""Within which a tor whose node tells of it has a consensus."""
CONSENSUSES = (
    "dir/status-vote/current/consensus",
    "dir/status-vote/current/consensus-microdesc",
)
"""Who uses one flavour may not have the other; both say the same parameters."""


def read_settings(tor: PlainControl, order: ReadSettings) -> SettingsInForce:
    """What the order wants to know, waiting for a consensus.

    PlainControlError where tor is gone.
    """
    options: dict[str, str] = {}
    for option in order.options:
        try:
            options[option] = tor.option(option)
        except RefusedError:
            # Not known to this tor.
            continue
    deadline = time.monotonic() + order.deadline_s
    while (parameters := read_parameters(tor)) is None and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return SettingsInForce(tor.version(), options, parameters)


def read_parameters(tor: PlainControl) -> dict[str, int] | None:
    """Those of the consensus (dir-spec, "params"); None where there is none."""
    for consensus in CONSENSUSES:
        try:
            document = tor.document(consensus)
        except RefusedError:
            continue
        if "\nvalid-after " in document:
            return parameters_in(document)
    return None


def parameters_in(document: str) -> dict[str, int]:
    """The parameters in a consensus, by name."""
    for text in document.splitlines():
        if text.startswith("params "):
            pairs = (word.partition("=") for word in text.split()[1:])
            return {name: int(value) for name, _, value in pairs}
    return {}


def tell_settings(files: TorFiles, network: TorNetwork) -> None:
    """Put what tor says of itself into the node's log, once it has a consensus.

    So nobody needs to start a program in every relay to be told that.
    """
    with PlainControl(files) as tor:
        told = read_settings(tor, ReadSettings(network.told_options, TOLD_DEADLINE_S))
    note(f"{SETTINGS_TOLD}{write(told)}")


def main() -> None:
    """Answer one order."""
    line = Line(TOR_SETTINGS)
    order = line.hear_first(ReadSettings)
    if order is None:
        return
    try:
        with PlainControl(files_from()) as tor:
            line.say(read_settings(tor, order))
    except PlainControlError as error:
        line.say(Failed(str(error)))


if __name__ == "__main__":
    main()
