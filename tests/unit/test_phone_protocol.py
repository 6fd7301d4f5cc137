"""How the host talks two phones through a call, with scripted phones at the other end."""

from __future__ import annotations

from collections import deque
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Any

import pytest

from lab.calls.coding import choose_coding
from lab.calls.sip.phone import Phone, PhoneError
from lab.calls.sip.phone_call import Deadlines, Outcome, talk
from lab.calls.sip.phone_orders import Registration, VoiceOrder
from lab.wire.codecs import CODECS

ORDER = VoiceOrder(PurePosixPath("/clip.wav"), PurePosixPath("/calls/1/caller.wav"))
REGISTRATION = Registration(
    "1001",
    "hush",
    IPv4Address("10.2.0.10"),
    IPv4Address("10.0.0.11"),
    choose_coding(CODECS["PCMU"]),
)
MEDIA = {
    "event": "media",
    "codec": "PCMU",
    "clock_hz": 8000,
    "payload_type_tx": 0,
    "payload_type_rx": 0,
    "ptime_ms": 20,
    "vad": False,
    "remote_rtp": "10.2.0.10:30000",
    "playout_depth_ms": 200,
    "playout_max_ms": 2000,
    "playout_adaptive": False,
}
DONE = {
    "event": "done",
    "status": 200,
    "reason": "Normal call clearing",
    "recording_s": 30.44,
    "tx_packets": 1520,
    "rx_packets": 1517,
    "rx_lost": 2,
    "rx_reordered": 0,
    "rx_duplicates": 0,
    "rx_discarded": 0,
    "playout_frames_lost": 2,
    "playout_frames_discarded": 0,
    "playout_frames_empty": 9,
    "playout_delay_ms_mean": 200,
    "playout_delay_ms_max": 220,
}


class ScriptedPhone:
    """A channel that answers each order with the events of its script; then it is silent."""

    def __init__(self, script: dict[str, list[dict[str, Any]]], dies: bool = False) -> None:
        self.orders: list[dict[str, Any]] = []
        self._script = script
        self._events: deque[dict[str, Any]] = deque()
        self._dies = dies

    def send(self, message: dict[str, Any]) -> None:
        self.orders.append(message)
        self._events.extend(self._script.get(message["op"], []))

    def receive(self, timeout_s: float) -> dict[str, Any]:
        if self._events:
            return self._events.popleft()
        if self._dies:
            raise EOFError("killed")
        raise TimeoutError


def caller_script() -> dict[str, list[dict[str, Any]]]:
    return {
        "register": [{"event": "registered", "expires_s": 3600, "engine": "pjsua2 2.15.1"}],
        "call": [
            {"event": "calling", "number": "1008"},
            {"event": "ringing", "status": 180, "after_ms": 3.0},
            MEDIA,
            {"event": "confirmed", "setup_ms": 5.6, "sip_call_id": "abc"},
            {"event": "playing", "at": 100.0, "tx_packets": 0},
            {"event": "played", "tx_packets": 1502},
        ],
        "expect": [{"event": "received", "at": 130.4, "complete": True, "rx_packets": 1519}],
        "hangup": [DONE],
    }


def callee_script() -> dict[str, list[dict[str, Any]]]:
    return {
        "listen": [
            {"event": "listening"},
            {"event": "incoming", "caller": "<sip:1001@10.2.0.10>"},
            MEDIA,
            {"event": "confirmed", "setup_ms": 3.7, "sip_call_id": "abc"},
            {"event": "playing", "at": 100.0, "tx_packets": 3},
            {"event": "played", "tx_packets": 1505},
        ],
        "expect": [{"event": "received", "at": 130.4, "complete": True, "rx_packets": 1519}],
        "hangup": [DONE],
    }


def call(caller: ScriptedPhone, callee: ScriptedPhone) -> Outcome:
    return talk(
        Phone("caller", caller),
        Phone("callee", callee),
        "1008",
        caller_order=ORDER,
        callee_order=ORDER,
        duration_s=30.0,
        deadlines=Deadlines(answer_s=0.1, late_s=0.1, hang_up_s=0.1),
    )


def test_a_call_ends_when_both_have_heard_everything() -> None:
    caller, callee = ScriptedPhone(caller_script()), ScriptedPhone(callee_script())
    outcome = call(caller, callee)
    assert outcome.reason is None
    assert [order["op"] for order in caller.orders] == ["call", "expect", "hangup"]
    assert [order["op"] for order in callee.orders] == ["listen", "expect", "hangup"]


def test_a_bye_that_comes_before_the_order_to_hang_up_ends_the_call_as_well() -> None:
    script = callee_script()
    script["expect"].append(DONE)
    too_late = {"event": "failed", "stage": "hangup", "status": 0, "reason": "nothing to hangup"}
    script["hangup"] = [too_late]
    assert call(ScriptedPhone(caller_script()), ScriptedPhone(script)).reason is None


def test_voice_that_does_not_come_in_time_is_not_waited_for() -> None:
    """Against a full link voice is late by more than anyone would wait; what came is scored."""
    script = caller_script()
    script["expect"] = []
    outcome = call(ScriptedPhone(script), ScriptedPhone(callee_script()))
    assert outcome.reason is None
    assert outcome.caller.complete is None
    assert outcome.callee.complete is True


def test_each_phone_is_told_how_much_the_other_one_sent() -> None:
    caller, callee = ScriptedPhone(caller_script()), ScriptedPhone(callee_script())
    call(caller, callee)
    assert {"op": "expect", "packets": 1505} in caller.orders
    assert {"op": "expect", "packets": 1502} in callee.orders


def test_the_outcome_tells_what_was_negotiated_and_counted() -> None:
    outcome = call(ScriptedPhone(caller_script()), ScriptedPhone(callee_script()))
    assert outcome.caller.setup_ms == 5.6
    assert outcome.caller.media is not None
    assert outcome.caller.media.payload_type_rx == 0
    assert outcome.callee.counts is not None
    assert outcome.callee.counts.rx_lost == 2
    assert outcome.callee.ringing_ms is None


def test_a_refused_call_is_an_outcome_with_the_status_the_pbx_gave() -> None:
    refused = {"event": "failed", "stage": "call", "status": 488, "reason": "No Common Codec"}
    caller = ScriptedPhone(caller_script() | {"call": [refused]})
    outcome = call(caller, ScriptedPhone(callee_script()))
    assert outcome.reason == "caller: call failed: 488 No Common Codec"
    assert outcome.caller.media is None
    assert outcome.caller.counts is None


def test_what_was_known_before_a_failure_is_kept() -> None:
    script = callee_script()
    script["listen"] = script["listen"][:-1]
    outcome = call(ScriptedPhone(caller_script()), ScriptedPhone(script))
    assert outcome.reason == "callee: no 'played' within 0.1 s (last came 'playing')."
    assert outcome.caller.setup_ms == 5.6


def test_a_call_that_the_other_end_cuts_short_fails_at_once() -> None:
    script = caller_script()
    script["call"][-1] = DONE
    outcome = call(ScriptedPhone(script), ScriptedPhone(callee_script()))
    assert outcome.reason == ("caller: the call ended before 'played': 200 Normal call clearing")


def test_after_a_failure_both_phones_give_the_call_up() -> None:
    refused = {"event": "failed", "stage": "call", "status": 404, "reason": "No Such Extension"}
    caller = ScriptedPhone(caller_script() | {"call": [refused]})
    callee = ScriptedPhone(callee_script())
    call(caller, callee)
    assert caller.orders[-1] == callee.orders[-1] == {"op": "abandon"}


def test_a_phone_that_dies_during_the_call_is_named() -> None:
    script = callee_script()
    script["listen"] = script["listen"][:3]
    outcome = call(ScriptedPhone(caller_script()), ScriptedPhone(script, dies=True))
    assert outcome.reason == "callee: the phone ended: killed"


def test_registration_sends_the_password_and_learns_the_engine() -> None:
    channel = ScriptedPhone(caller_script())
    phone = Phone("caller", channel)
    phone.register(REGISTRATION)
    phone.await_registered(1.0)
    assert channel.orders[0]["password"] == "hush"
    assert phone.engine == "pjsua2 2.15.1"


def test_a_refused_registration_says_why() -> None:
    refused = {"event": "failed", "stage": "register", "status": 401, "reason": "Unauthorized"}
    phone = Phone("caller", ScriptedPhone({"register": [refused]}))
    phone.register(REGISTRATION)
    with pytest.raises(PhoneError, match="caller: register failed: 401 Unauthorized"):
        phone.await_registered(1.0)


def test_a_pbx_that_stays_unready_is_told_with_its_own_words() -> None:
    busy = {"event": "refused", "status": 503, "reason": "Maximum Calls In Progress"}
    phone = Phone("caller", ScriptedPhone({"register": [busy]}))
    phone.register(REGISTRATION)
    with pytest.raises(PhoneError, match="last came 'refused': 503 Maximum Calls In Progress"):
        phone.await_registered(0.1)


def test_the_password_is_not_shown_when_a_registration_is() -> None:
    assert "hush" not in repr(REGISTRATION)
