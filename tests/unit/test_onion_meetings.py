"""What an agent makes of tor's events about rendezvous circuits, and how it ends earlier ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stem.response import ControlMessage

from lab.agents.tor import meetings
from lab.agents.tor.meetings import MeetingError, Meetings
from lab.agents.tor.node import TorFiles
from lab.agents.tor.service import install_service
from lab.wire.tor_network import TorNetwork

RELAYS = {name: digit * 40 for name, digit in (("g", "A"), ("m", "B"), ("r", "C"), ("i", "D"))}
NETWORK = TorNetwork("caller", False, "10.0.0.1:9030", 30, RELAYS)
ADDRESS = f"{'a' * 56}.onion"


def path(*names: str) -> str:
    return ",".join(f"${RELAYS[name]}~{name}" for name in names)


def event(text: str) -> Any:
    kind = text.split(maxsplit=1)[0]
    message = ControlMessage.from_str(f"650 {text}\r\n", "EVENT", normalize=True)
    assert message.type == kind
    return message


class Tor:
    """A controller whose circuits are those it was given, until they are closed."""

    def __init__(self, *circuits: str, deaf: bool = False) -> None:
        self.circuits = [event(f"CIRC {circuit}") for circuit in circuits]
        self.closed: list[str] = []
        self._deaf = deaf
        self._listeners: dict[str, Callable[[Any], None]] = {}

    def add_event_listener(self, listener: Callable[[Any], None], kind: str) -> None:
        self._listeners[kind] = listener

    def get_circuits(self) -> list[Any]:
        return list(self.circuits)

    def close_circuit(self, circuit: str) -> None:
        self.closed.append(circuit)
        if not self._deaf:
            self.circuits = [each for each in self.circuits if each.id != circuit]

    def say(self, *texts: str) -> None:
        for text in texts:
            self._listeners[text.split(maxsplit=1)[0]](event(text))


INTRODUCTION = f"1 BUILT {path('g', 'm', 'i')} PURPOSE=HS_SERVICE_INTRO HS_STATE=HSSI_ESTABLISHED"
EARLIER = f"2 BUILT {path('g', 'm', 'r')} PURPOSE=HS_SERVICE_REND HS_STATE=HSSR_JOINED"
OWN = f"3 BUILT {path('g', 'm', 'r')} PURPOSE=HS_CLIENT_REND HS_STATE=HSCR_JOINED"
TUNNEL = f"4 BUILT {path('g')} BUILD_FLAGS=ONEHOP_TUNNEL PURPOSE=GENERAL"
FOUND = f"5 BUILT {path('g', 'm', 'i')} PURPOSE=HS_CLIENT_HSDIR"


def following(tor: Tor) -> Meetings:
    return Meetings(tor, NETWORK, pytest.fail)


def test_a_client_ends_everything_and_a_service_keeps_how_it_is_found() -> None:
    client, service = Tor(OWN, TUNNEL, FOUND), Tor(INTRODUCTION, EARLIER)
    assert following(client).begin(ADDRESS) == 2
    assert client.closed == ["3", "5"]
    meeting = following(service)
    assert meeting.begin(ADDRESS) == 1
    assert service.closed == ["2"]
    assert meeting.introductions() == ("i",)


def test_circuits_that_do_not_end_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meetings, "GONE_DEADLINE_S", 0.0)
    with pytest.raises(MeetingError, match=r"1 circuits on which .* was met do not end"):
        following(Tor(EARLIER, deaf=True)).begin(ADDRESS)


def test_a_meeting_is_followed_from_launch_to_end() -> None:
    tor = Tor()
    meeting = following(tor)
    tor.say(f"CIRC {OWN}")
    tor.circuits = [event(f"CIRC {OWN}")]
    assert meeting.begin(ADDRESS) == 1
    tor.say(
        # tor tells late of what was ended before.
        f"CIRC 3 CLOSED {path('g', 'm', 'r')} PURPOSE=HS_CLIENT_REND HS_STATE=HSCR_JOINED",
        "CIRC_BW ID=3 READ=514 WRITTEN=514",
        "CIRC 7 LAUNCHED PURPOSE=HS_CLIENT_REND HS_STATE=HSCR_CONNECTING",
        f"STREAM 9 NEW 0 {ADDRESS}:1194 SOURCE_ADDR=127.0.0.1:4000 PURPOSE=USER",
        f"CIRC 7 BUILT {path('g', 'm', 'r')} PURPOSE=HS_CLIENT_REND HS_STATE=HSCR_CONNECTING",
        f"CIRC 8 BUILT {path('g', 'm', 'i')} PURPOSE=HS_CLIENT_INTRO HS_STATE=HSCI_INTRO_SENT",
        f"CIRC_MINOR 7 PURPOSE_CHANGED {path('g', 'm', 'r')} PURPOSE=HS_CLIENT_REND "
        "HS_STATE=HSCR_JOINED OLD_PURPOSE=HS_CLIENT_REND",
        f"STREAM 9 SENTCONNECT 7 {ADDRESS}:1194",
        f"STREAM 9 SUCCEEDED 7 {ADDRESS}:1194",
        "CIRC_BW ID=7 READ=5140 WRITTEN=1028",
        "CIRC_BW ID=7 READ=514 WRITTEN=0",
        "CIRC_BW ID=8 READ=514 WRITTEN=514",
        "STREAM 10 NEW 0 10.0.0.9:80 SOURCE_ADDR=127.0.0.1:4001 PURPOSE=USER",
        "STREAM 10 SUCCEEDED 12 10.0.0.9:80",
        f"CIRC 7 CLOSED {path('g', 'm', 'r')} PURPOSE=HS_CLIENT_REND REASON=DESTROYED "
        "REMOTE_REASON=FINISHED",
    )
    state = meeting.state()
    [circuit] = state.circuits
    assert circuit.path == ("g", "m", "r")
    assert circuit.joined and circuit.joined_ms is not None
    assert (circuit.read_bytes, circuit.written_bytes) == (5654, 1028)
    assert circuit.ended == "DESTROYED, FINISHED"
    assert [(s.target, s.on_rendezvous, s.succeeded) for s in state.streams] == [
        (f"{ADDRESS}:1194", True, True),
        ("10.0.0.9:80", False, True),
    ]
    assert (state.other_purposes, state.other_bytes) == (("HS_CLIENT_INTRO",), 1028)


def test_a_services_keys_are_as_private_as_tor_demands(tmp_path: Path) -> None:
    files = TorFiles(tmp_path / "tor", tmp_path / "data")
    (files.configuration / "onion").mkdir(parents=True)
    (files.configuration / "onion" / "hs_ed25519_secret_key").write_bytes(b"secret")
    files.data.mkdir()
    install_service(files)
    directory = files.data / "onion"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / "hs_ed25519_secret_key").stat().st_mode & 0o777 == 0o600
