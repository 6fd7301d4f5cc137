"""What a node's running Tor is and goes by (`tor.settings`), beside what was asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.wire.messages import Dialogue, Event, Order

TORS_OWN = frozenset({"AuthDirMaxServersPerAddr"})
"""Parameters that an authority of 0.4.9 adds by itself to those that it is to vote for."""


@dataclass(frozen=True, slots=True)
class ReadSettings(Order):
    """Tell `SettingsInForce`, as soon as there is a consensus or at the deadline."""

    options: tuple[str, ...]
    """Those of tor to tell of; one that this tor does not know is left out."""
    deadline_s: float


@dataclass(frozen=True, slots=True)
class SettingsInForce(Event):
    """What the Tor says of itself."""

    version: str
    """Of the running process: 0.4.9.11."""
    options: Mapping[str, str]
    parameters: Mapping[str, int] | None
    """Of the consensus it has; None where it has none."""


@dataclass(frozen=True, slots=True)
class SettingsAsked:
    """What a topology wants of a node's Tor."""

    series: str
    """What its version begins with: 0.4.9."""
    options: Mapping[str, str]
    parameters: Mapping[str, int]
    """All that the consensus is to say."""

    def faults(self, node: str, told: SettingsInForce) -> tuple[str, ...]:
        """What is not as asked, a sentence each."""
        found = []
        if not told.version.startswith(f"{self.series}."):
            found.append(f"the Tor of {node} is {told.version}, not a {self.series}")
        for option, wanted in self.options.items():
            if (got := told.options.get(option)) != wanted:
                said = "is not known to it" if got is None else f"is {got}"
                found.append(f"{option} of the Tor of {node} {said}, not {wanted}")
        if told.parameters is None:
            found.append(f"the Tor of {node} has no consensus")
        else:
            told_of = told.parameters.items()
            heard = {name: value for name, value in told_of if name not in TORS_OWN}
            if heard != self.parameters:
                wanted = _in_words(self.parameters)
                found.append(f"the consensus at {node} says {_in_words(heard)}, not {wanted}")
        return tuple(found)


def _in_words(parameters: Mapping[str, int]) -> str:
    return " ".join(f"{name}={value}" for name, value in parameters.items()) or "no parameters"


SETTINGS_TOLD = "the settings in force are "
"""In a relay's log, in front of its `SettingsInForce` as soon as it has a consensus."""
TOR_SETTINGS = Dialogue("tor.settings", orders=(ReadSettings,), events=(SettingsInForce,))
