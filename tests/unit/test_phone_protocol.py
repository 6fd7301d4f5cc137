"""How the host talks two phones through a call, with scripted phones at the other end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import PurePosixPath

import pytest

from lab.calls.coding import choose_coding
from lab.calls.end import EndError, Outcome
from lab.calls.sip.phone import Deadlines, Phone, talk
from lab.engine.agent import AgentFailedError
from lab.wire.codecs import CODECS
from lab.wire.messages import Event, Failed, Order
from lab.wire.phone import (
    Abandon,
    AwaitCall,
    AwaitingCall,
    Confirmed,
    Dial,
    Dialled,
    Ended,
    HangUp,
    Idle,
    Incoming,
    Media,
    PacketCounts,
    PhoneReport,
    Register,
    Registered,
    Rejected,
    Ringing,
    SipAccount,
    Unready,
    Voice,
)
from lab.wire.playout import FIXED
from lab.wire.voice import Expect, Played, Playing, Received

VOICE = Voice(PurePosixPath("/clip.wav"), PurePosixPath("/calls/1/caller.wav"), 30.0)
REGISTER = Register(
    SipAccount("1001", "hush", IPv4Address("10.2.0.10"), IPv4Address("10.0.0.11")),
    choose_coding(CODECS["PCMU"]),
    FIXED,
)
MEDIA = Media("PCMU", 8000, 0, 0, 20, False, "10.2.0.10:30000", FIXED)
COUNTS = PacketCounts(
    tx_packets=1520,
    rx_packets=1517,
    rx_lost=2,
    rx_reordered=0,
    rx_duplicates=0,
    rx_discarded=0,
    playout_frames_lost=2,
    playout_frames_discarded=0,
    playout_frames_empty=9,
    playout_delay_ms_mean=200,
    playout_delay_ms_max=220,
)
ENDED = Ended(200, "Normal call clearing", 30.44, COUNTS)
RECEIVED = Received(130.4, 1519, complete=True)
Script = dict[type[Order], list[Event]]


class ScriptedPhone:
    """A channel that answers each order with the events of its script; then it is silent."""

    def __init__(self, script: Script, dies: bool = False) -> None:
        self.orders: list[Order] = []
        self._script = script
        self._events: deque[Event] = deque()
        self._dies = dies

    def send(self, order: Order) -> None:
        self.orders.append(order)
        self._events.extend(self._script.get(type(order), []))

    def receive(self, timeout_s: float) -> Event:
        if self._events:
            event = self._events.popleft()
            if isinstance(event, Failed):
                raise AgentFailedError("phone in caller", event.reason)
            return event
        if self._dies:
            raise EOFError("killed")
        raise TimeoutError


def caller_script() -> Script:
    return {
        Register: [Registered(3600, "pjsua2 2.15.1")],
        Dial: [
            Dialled("1008"),
            Ringing(180, 3.0),
            MEDIA,
            Confirmed(5.6, "abc"),
            Playing(100.0),
            Played(1502),
        ],
        Expect: [RECEIVED],
        HangUp: [ENDED],
    }


def callee_script() -> Script:
    return {
        AwaitCall: [
            AwaitingCall(),
            Incoming("<sip:1001@10.2.0.10>"),
            MEDIA,
            Confirmed(3.7, "abc"),
            Playing(100.0),
            Played(1505),
        ],
        Expect: [RECEIVED],
        HangUp: [ENDED],
    }


def call(
    caller: ScriptedPhone, callee: ScriptedPhone, began: Callable[[float], None] = lambda at: None
) -> Outcome[PhoneReport]:
    return talk(
        Phone("caller", caller),
        Phone("callee", callee),
        "1008",
        (VOICE, VOICE),
        Deadlines(answer_s=0.1, late_s=0.1, hang_up_s=0.1),
        began,
    )


def test_whoever_waits_for_the_voice_is_told_when_both_play() -> None:
    at: list[float] = []
    late = callee_script()
    late[AwaitCall][-2] = Playing(100.25)
    call(ScriptedPhone(caller_script()), ScriptedPhone(late), at.append)
    assert at == [100.25]
    late[AwaitCall] = late[AwaitCall][:-2]
    call(ScriptedPhone(caller_script()), ScriptedPhone(late), at.append)
    assert at == [100.25]


def test_a_call_ends_when_both_have_heard_everything() -> None:
    caller, callee = ScriptedPhone(caller_script()), ScriptedPhone(callee_script())
    outcome = call(caller, callee)
    assert outcome.reason is None
    assert [type(order) for order in caller.orders] == [Dial, Expect, HangUp]
    assert [type(order) for order in callee.orders] == [AwaitCall, Expect, HangUp]


def test_a_bye_that_comes_before_the_order_to_hang_up_ends_the_call_as_well() -> None:
    script = callee_script()
    script[Expect].append(ENDED)
    script[HangUp] = [Failed("there is no call for HangUp")]
    assert call(ScriptedPhone(caller_script()), ScriptedPhone(script)).reason is None


def test_voice_that_does_not_come_in_time_is_not_waited_for() -> None:
    """Against a full link voice is late by more than anyone would wait; what came is scored."""
    script = caller_script()
    script[Expect] = []
    outcome = call(ScriptedPhone(script), ScriptedPhone(callee_script()))
    assert outcome.reason is None
    assert outcome.caller.received is None
    assert outcome.callee.received == RECEIVED


def test_each_phone_is_told_how_much_the_other_one_sent() -> None:
    caller, callee = ScriptedPhone(caller_script()), ScriptedPhone(callee_script())
    call(caller, callee)
    assert Expect(1505) in caller.orders
    assert Expect(1502) in callee.orders


def test_the_outcome_tells_what_was_negotiated_and_counted() -> None:
    outcome = call(ScriptedPhone(caller_script()), ScriptedPhone(callee_script()))
    assert outcome.caller.confirmed == Confirmed(5.6, "abc")
    assert outcome.caller.media == MEDIA
    assert outcome.callee.ended == ENDED
    assert outcome.callee.ringing is None


def test_a_refused_call_is_an_outcome_with_the_status_the_pbx_gave() -> None:
    refused = Rejected(488, "No Common Codec", "call")
    caller = ScriptedPhone(caller_script() | {Dial: [refused]})
    outcome = call(caller, ScriptedPhone(callee_script()))
    assert outcome.reason == "caller: call failed: 488 No Common Codec"
    assert outcome.caller.rejected == refused
    assert outcome.caller.media is None
    assert outcome.caller.ended is None


def test_what_was_known_before_a_failure_is_kept() -> None:
    script = callee_script()
    script[AwaitCall] = script[AwaitCall][:-1]
    outcome = call(ScriptedPhone(caller_script()), ScriptedPhone(script))
    assert outcome.reason == "callee: no 'played' within 0.1 s (last came 'playing')"
    assert outcome.caller.confirmed == Confirmed(5.6, "abc")


def test_a_call_that_the_other_end_cuts_short_fails_at_once() -> None:
    script = caller_script()
    script[Dial][-1] = ENDED
    outcome = call(ScriptedPhone(script), ScriptedPhone(callee_script()))
    assert outcome.reason == ("caller: the call ended before 'played': 200 Normal call clearing")


def test_after_a_failure_both_phones_give_the_call_up() -> None:
    refused = Rejected(404, "No Such Extension", "call")
    caller = ScriptedPhone(caller_script() | {Dial: [refused], Abandon: [Idle()]})
    callee = ScriptedPhone(callee_script())
    call(caller, callee)
    assert caller.orders[-1] == callee.orders[-1] == Abandon()


def test_an_order_that_cannot_be_done_is_told_in_the_phone_s_words() -> None:
    caller = ScriptedPhone(caller_script() | {Dial: [Failed("no route to host")]})
    assert call(caller, ScriptedPhone(callee_script())).reason == "caller: no route to host"


def test_what_an_earlier_call_told_is_forgotten_but_for_the_registration() -> None:
    phone = Phone("caller", ScriptedPhone(caller_script()))
    phone.order(REGISTER)
    phone.wait(Registered, 1.0)
    phone.dial("1008", VOICE)
    phone.wait(Played, 1.0)
    phone.dial("1008", replace(VOICE, duration_s=1.0))
    assert phone.report(PhoneReport) == PhoneReport(registered=Registered(3600, "pjsua2 2.15.1"))


def test_a_phone_that_dies_during_the_call_is_named() -> None:
    script = callee_script()
    script[AwaitCall] = script[AwaitCall][:3]
    outcome = call(ScriptedPhone(caller_script()), ScriptedPhone(script, dies=True))
    assert outcome.reason == "callee: the program ended: killed"


def test_registration_sends_the_password_and_learns_the_engine() -> None:
    channel = ScriptedPhone(caller_script())
    phone = Phone("caller", channel)
    phone.order(REGISTER)
    assert phone.wait(Registered, 1.0).engine == "pjsua2 2.15.1"
    assert channel.orders == [REGISTER]


def test_a_refused_registration_says_why() -> None:
    refused = Rejected(401, "Unauthorized", "register")
    phone = Phone("caller", ScriptedPhone({Register: [refused]}))
    phone.order(REGISTER)
    with pytest.raises(EndError, match="caller: register failed: 401 Unauthorized"):
        phone.wait(Registered, 1.0)


def test_a_pbx_that_stays_unready_is_told_with_its_own_words() -> None:
    busy = Unready(503, "Maximum Calls In Progress")
    phone = Phone("caller", ScriptedPhone({Register: [busy]}))
    phone.order(REGISTER)
    with pytest.raises(EndError, match="last came 'unready': 503 Maximum Calls In Progress"):
        phone.wait(Registered, 0.1)


def test_the_password_is_not_shown_when_a_registration_is() -> None:
    assert "hush" not in repr(REGISTER)
