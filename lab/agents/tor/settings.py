"""Tells what this node's Tor is and goes by, asked over its control socket."""

from __future__ import annotations

import time

import stem
from stem.control import Controller

from lab.agents.tor.control import ControlError, connect
from lab.agents.tor.node import files_from
from lab.wire.line import Line
from lab.wire.messages import Failed
from lab.wire.tor_settings import TOR_SETTINGS, ReadSettings, SettingsInForce

POLL_S = 0.2
CONSENSUSES = (
    "dir/status-vote/current/consensus",
    "dir/status-vote/current/consensus-microdesc",
)
"""Who uses one flavour may not have the other; both say the same parameters."""


def read_settings(tor: Controller, order: ReadSettings) -> SettingsInForce:
    """What the order wants to know, waiting for a consensus; stem's errors where tor is gone."""
    version = str(tor.get_version()).split()[0]
    options: dict[str, str] = {}
    for option in order.options:
        try:
            options[option] = tor.get_conf(option) or ""
        except stem.InvalidArguments:
            # Not known to this tor.
            continue
    deadline = time.monotonic() + order.deadline_s
    while (parameters := read_parameters(tor)) is None and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return SettingsInForce(version, options, parameters)


def read_parameters(tor: Controller) -> dict[str, int] | None:
    """Those of the consensus (dir-spec, "params"); None where there is none."""
    for consensus in CONSENSUSES:
        try:
            document = str(tor.get_info(consensus))
        except (stem.InvalidArguments, stem.OperationFailed):
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


def main() -> None:
    """Answer one order."""
    line = Line(TOR_SETTINGS)
    order = line.hear_first(ReadSettings)
    if order is None:
        return
    try:
        with connect(files_from()) as tor:
            line.say(read_settings(tor, order))
    except (ControlError, stem.ControllerError) as error:
        line.say(Failed(f"tor cannot be asked: {error}"))


if __name__ == "__main__":
    main()
