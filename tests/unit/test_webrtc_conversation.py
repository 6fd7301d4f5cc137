"""A call between two WebRTC phones, as the host sees it: who is told what, and what fails."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import PurePosixPath

import pytest
from scripted_client import Script, ScriptedClient

from lab.calls.end import End
from lab.calls.methods import METHODS
from lab.calls.voice_clients import Deadlines
from lab.calls.webrtc.conversation import talk
from lab.errors import UsageError
from lab.measure.call.ends.webrtc import agreement_faults
from lab.wire.messages import Failed
from lab.wire.playout import FIXED
from lab.wire.voice import Expect, Played, Playing, Received
from lab.wire.voice_client import Leave, Left, OpusSettings, Recording, Talk
from lab.wire.webrtc import (
    Accept,
    Connected,
    Described,
    Gather,
    TurnServer,
    WebrtcReport,
)

CONNECTED = Connected(1.0, 80.0, "aiortc 1", "libopus 1", "SRTP_AEAD_AES_256_GCM", peer_fec=False)
RELAYED = "a=candidate:1 1 udp 41 10.0.0.9 50000 typ relay raddr 0.0.0.0 rport 0\r\n"
CALLER: Script = {
    Gather: [Described("offer")],
    Accept: [CONNECTED],
    Talk: [Playing(1.5), Played(500)],
    Expect: [Received(12.0, 500, complete=True)],
    Leave: [Left(13.0, (), (), 0.5, 20000)],
}
CALLEE: Script = {**CALLER, Gather: [Described("answer"), CONNECTED]}
SOON = Deadlines(start_s=0.1, late_s=0.1, finish_s=0.1)
TURN = TurnServer(IPv4Address("10.0.0.9"), 3478, "caller")
GATHERS = tuple(
    Gather(replace(TURN, user=end), fec=False, proxy=None, deadline_s=0.1)
    for end in ("caller", "callee")
)
HERE = PurePosixPath("/calls/1")
TALK = Talk(
    PurePosixPath("/clip.wav"),
    0.1,
    OpusSettings(),
    HERE / "sent.csv",
    HERE / "received.csv",
    (Recording(HERE / "caller.wav", 16000, FIXED),),
)


def call(caller: ScriptedClient, callee: ScriptedClient) -> str | None:
    ends = End("caller", caller), End("callee", callee)
    return talk(*ends, (GATHERS[0], GATHERS[1]), (TALK, TALK), SOON).reason


def test_each_phone_is_told_what_the_other_says_of_itself_and_then_they_talk() -> None:
    caller, callee = ScriptedClient(CALLER), ScriptedClient(CALLEE)
    assert call(caller, callee) is None
    assert caller.orders == [GATHERS[0], Accept("answer"), TALK, Expect(500), Leave()]
    assert callee.orders == [replace(GATHERS[1], offer="offer"), TALK, Expect(500), Leave()]


def test_what_a_phone_reports_is_the_reason_and_nobody_is_called_in_vain() -> None:
    refused = "gather failed: the TURN server relays nothing for this phone"
    callee = ScriptedClient(CALLEE)
    assert call(ScriptedClient(CALLER, {Gather: [Failed(refused)]}), callee) == f"caller: {refused}"
    assert callee.orders == []


def test_a_way_that_is_never_found_is_told_in_time() -> None:
    reason = call(ScriptedClient(CALLER, {Accept: []}), ScriptedClient(CALLEE))
    assert reason == "caller: no 'connected' within 0.2 s (last came 'described')"


def report(*candidates: str, peer_fec: bool = False) -> WebrtcReport:
    return WebrtcReport(
        described=Described("".join(candidates)), connected=replace(CONNECTED, peer_fec=peer_fec)
    )


def test_a_phone_that_offers_to_be_reached_past_the_server_makes_its_call_invalid() -> None:
    assert agreement_faults("caller", report(RELAYED), fec=False) == []
    host = RELAYED.replace("typ relay", "typ host")
    [fault] = agreement_faults("caller", report(RELAYED, host), fec=False)
    assert fault == "the caller offered to be reached past the TURN server: host"


def test_in_band_fec_that_is_asked_for_must_have_been_agreed_on() -> None:
    assert agreement_faults("callee", report(RELAYED, peer_fec=True), fec=True) == []
    [fault] = agreement_faults("callee", report(RELAYED), fec=True)
    assert fault == "in-band FEC of what the callee said was agreed to be off"


def test_only_webrtc_calls_have_in_band_fec() -> None:
    METHODS.named("w-tor").check_fec(True)
    with pytest.raises(UsageError, match="m-tor has no in-band FEC"):
        METHODS.named("m-tor").check_fec(True)
