"""One call between two registered phones, from dialling to the end of the recording."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

from lab.calls.sip.phone import Phone, PhoneError, PhoneTimeoutError
from lab.calls.sip.phone_orders import VoiceOrder
from lab.calls.sip.phone_reports import Leg


@dataclass(frozen=True, slots=True)
class Outcome:
    """A call that was tried."""

    reason: str | None
    """Why it failed, in one sentence; None when it did not."""
    caller: Leg
    callee: Leg


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long each step of a call may take, seconds."""

    register_s: float = 20.0
    answer_s: float = 30.0
    late_s: float = 20.0
    """Beyond the length of the clip: for a phone that stalls, or voice that comes late."""
    hang_up_s: float = 40.0
    """SIP itself gives a BYE up after 32 s (RFC 3261, timer F), which a full link may take."""


def talk(
    caller: Phone,
    callee: Phone,
    number: str,
    *,
    caller_order: VoiceOrder,
    callee_order: VoiceOrder,
    duration_s: float,
    deadlines: Deadlines = Deadlines(),
) -> Outcome:
    """One call between two registered phones, ended as soon as both have heard everything.

    `duration_s` is the length of what they play. What is later than `deadlines.late_s` nobody
    waits for: the call ends without it, its leg not complete. Never raises for a call that
    fails: the reason is in the outcome.
    """
    try:
        callee.listen(callee_order)
        caller.dial(number, caller_order)
        caller.wait("playing", deadlines.answer_s)
        callee.wait("playing", deadlines.answer_s)
        sent_by_caller = caller.wait("played", duration_s + deadlines.late_s)["tx_packets"]
        sent_by_callee = callee.wait("played", deadlines.late_s)["tx_packets"]
        caller.expect(sent_by_callee)
        callee.expect(sent_by_caller)
        patience_ends = time.monotonic() + deadlines.late_s
        for phone in (caller, callee):
            with suppress(PhoneTimeoutError):
                phone.wait("received", patience_ends - time.monotonic())
        # Against a full link a BYE is long under way, so neither waits for the other's.
        caller.hang_up()
        callee.hang_up()
        caller.wait("done", deadlines.hang_up_s)
        callee.wait("done", deadlines.hang_up_s)
    except PhoneError as error:
        for phone in (caller, callee):
            phone.abandon(deadlines.hang_up_s)
        return Outcome(error.message, caller.leg(), callee.leg())
    return Outcome(None, caller.leg(), callee.leg())
