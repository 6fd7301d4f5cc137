"""What a Tor says of itself: asked over its control socket, compared with what was asked of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest

from lab.agents.tor.plain_control import PlainControl, RefusedError
from lab.agents.tor.settings import CONSENSUSES, parameters_in, read_settings
from lab.measure.call.tor_notes import TorNotes
from lab.measure.call.tors import note_tors
from lab.measure.record import CallRecord
from lab.wire.tor_settings import ReadSettings, SettingsAsked, SettingsInForce

CONSENSUS = """network-status-version 3
valid-after 2026-11-27 20:00:00
params cc_alg=2 cfx_enabled=1
dir-source authority
"""
ASKED = SettingsAsked("0.4.9", {"ConfluxEnabled": "0"}, {"cc_alg": 2})
TOLD = SettingsInForce("0.4.9.11", {"ConfluxEnabled": "0"}, {"cc_alg": 2})


@dataclass
class AnsweringTor:
    """A tor, as it answers."""

    running: str = "0.4.8.14"
    options: dict[str, str] = field(default_factory=lambda: {"Schedulers": "KISTLite"})
    documents: dict[str, str] = field(
        default_factory=lambda: {"dir/status-vote/current/consensus-microdesc": CONSENSUS}
    )

    def version(self) -> str:
        return self.running

    def option(self, option: str) -> str:
        if option not in self.options:
            raise RefusedError(f'unrecognized configuration key "{option}"')
        return self.options[option]

    def document(self, name: str) -> str:
        if name not in self.documents:
            raise RefusedError("not there")
        return self.documents[name]


def asked(tor: AnsweringTor, *options: str) -> SettingsInForce:
    return read_settings(cast("PlainControl", tor), ReadSettings(options, 0.0))


def test_version_options_and_parameters_are_those_of_the_running_process() -> None:
    told = asked(AnsweringTor(), "Schedulers", "ConfluxEnabled")
    assert told.version == "0.4.8.14"
    assert told.options == {"Schedulers": "KISTLite"}, "an option it does not know is left out"
    assert told.parameters == {"cc_alg": 2, "cfx_enabled": 1}


def test_no_consensus_is_none_at_all() -> None:
    assert asked(AnsweringTor(documents={})).parameters is None
    empty = dict.fromkeys(CONSENSUSES, "")
    assert asked(AnsweringTor(documents=empty)).parameters is None


def test_a_consensus_without_parameters_says_none() -> None:
    assert parameters_in("valid-after 2026-11-27 20:00:00\nparams ") == {}
    assert parameters_in("valid-after 2026-11-27 20:00:00") == {}


def test_what_is_as_asked_has_no_fault() -> None:
    assert ASKED.faults("caller", TOLD) == ()
    by_itself = {"AuthDirMaxServersPerAddr": 0, "cc_alg": 2}
    assert ASKED.faults("caller", SettingsInForce(TOLD.version, TOLD.options, by_itself)) == ()


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        (
            SettingsInForce("0.4.8.14", TOLD.options, TOLD.parameters),
            "the Tor of caller is 0.4.8.14, not a 0.4.9",
        ),
        (
            SettingsInForce(TOLD.version, {"ConfluxEnabled": "1"}, TOLD.parameters),
            "ConfluxEnabled of the Tor of caller is 1, not 0",
        ),
        (
            SettingsInForce(TOLD.version, {}, TOLD.parameters),
            "ConfluxEnabled of the Tor of caller is not known to it, not 0",
        ),
        (SettingsInForce(TOLD.version, TOLD.options, None), "the Tor of caller has no consensus"),
        (
            SettingsInForce(TOLD.version, TOLD.options, {}),
            "the consensus at caller says no parameters, not cc_alg=2",
        ),
    ],
)
def test_every_difference_is_a_fault(told: SettingsInForce, fault: str) -> None:
    assert ASKED.faults("caller", told) == (fault,)


def record() -> CallRecord:
    made = CallRecord("c", "2026-11-27T20:00:00", "v-tor", "PCMU", "l", "world", "kamailio", 0)
    made.guard, made.middle, made.exit = "paris", "tokyo montreal", "london"
    return made


def told_by(node: str, version: str) -> TorNotes:
    series = version.rpartition(".")[0]
    asked = SettingsAsked(series, ASKED.options, ASKED.parameters)
    return TorNotes(node, asked, SettingsInForce(version, TOLD.options, TOLD.parameters))


def test_the_record_has_the_version_of_every_tor_on_the_way() -> None:
    made, versions = record(), {"caller": "0.4.5.16", "london": "0.4.8.14"}
    names = ("caller", "paris", "tokyo", "montreal", "london", "authority")
    tors = [told_by(name, versions.get(name, "0.4.9.11")) for name in names]
    note_tors(made, tors, "authority")
    assert (made.tor_client, made.tor_guard, made.tor_exit) == ("0.4.5.16", "0.4.9.11", "0.4.8.14")
    assert (made.tor_middle, made.tor_authority) == ("0.4.9.11 0.4.9.11", "0.4.9.11")
    assert made.tors["london"] == "0.4.8.14"
    assert (made.conflux, made.consensus) == ("off", {"cc_alg": 2.0})
    assert made.tor_options["caller ConfluxEnabled"] == "0"
    assert made.invalid_reasons == []


def test_a_tor_that_is_another_one_or_tells_nothing_spoils_the_call() -> None:
    made = record()
    other = TorNotes("paris", ASKED, SettingsInForce("0.4.8.14", TOLD.options, TOLD.parameters))
    note_tors(made, [other, TorNotes("tokyo", ASKED, None, "it has ended")], None)
    assert made.invalid_reasons == [
        "the Tor of paris is 0.4.8.14, not a 0.4.9",
        "the Tor of tokyo told nothing: it has ended",
    ]
    assert made.tor_guard == "0.4.8.14"


def test_a_call_without_tor_has_none() -> None:
    made = record()
    note_tors(made, [], "authority")
    assert (made.tors, made.tor_client, made.conflux) == ({}, None, None)
