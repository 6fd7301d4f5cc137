"""A phone as the host sees it, and a call between two of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from lab.calls.end import End, EndError, EndSilentError, Outcome, word
from lab.errors import LabError
from lab.wire.messages import Event
from lab.wire.phone import (
    Abandon,
    AwaitCall,
    AwaitingCall,
    Dial,
    Ended,
    HangUp,
    Idle,
    PhoneReport,
    Registered,
    Rejected,
    SipAnswer,
    Voice,
)
from lab.wire.voice import Expect, Played, Playing, Received

log = logging.getLogger(__name__)


class Phone(End):
    """One phone, from its registration to the end of its channel."""

    def await_call(self, voice: Voice, timeout_s: float = 5.0) -> None:
        """Answer the next call."""
        self._begin()
        self.order(AwaitCall(voice))
        self.wait(AwaitingCall, timeout_s)

    def dial(self, number: str, voice: Voice) -> None:
        """Call an extension of the PBX."""
        self._begin()
        self.order(Dial(number, voice))

    def abandon(self, timeout_s: float) -> None:
        """Give up whatever call there is; the phone is free for another one afterwards."""
        deadline = time.monotonic() + timeout_s
        event: Event | None = None
        self.order(Abandon())
        while not isinstance(event, Idle):
            try:
                event = self._channel.receive(max(0.0, deadline - time.monotonic()))
            except (TimeoutError, EOFError) as error:
                log.debug("%s did not become idle: %s", self.name, error)
                return
            except LabError as error:
                log.debug("%s, to be idle: %s", self.name, error.message)

    def _begin(self) -> None:
        """Forget what was told of an earlier call."""
        self._told = {kind: event for kind, event in self._told.items() if kind is Registered}

    def _check(self, event: Event, awaited: type[Event]) -> None:
        if isinstance(event, Rejected):
            raise EndError(f"{self.name}: {event.what} failed: {event}")
        if isinstance(event, Ended) and awaited is not Ended:
            raise EndError(f"{self.name}: the call ended before {word(awaited)!r}: {event}")

    def _described(self, event: Event) -> str:
        cause = f": {event}" if isinstance(event, SipAnswer) else ""
        return super()._described(event) + cause


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long each step of a call may take, seconds."""

    answer_s: float = 30.0
    late_s: float = 20.0
    """Beyond the length of the clip: for a phone that stalls, or voice that comes late."""
    hang_up_s: float = 40.0
    """SIP itself gives a BYE up after 32 s (RFC 3261, timer F), which a full link may take."""


def talk(
    caller: Phone,
    callee: Phone,
    number: str,
    voices: tuple[Voice, Voice],
    deadlines: Deadlines = Deadlines(),
    began: Callable[[float], None] = lambda at: None,
) -> Outcome[PhoneReport]:
    """One call between two registered phones, ended as soon as both have heard everything.

    `voices` are the caller's and the callee's. What is later than `deadlines.late_s` nobody
    waits for: the call ends without it, its report not complete. `began` is told when both play,
    Unix seconds. Never raises for a call that fails: the reason is in the outcome.
    """
    caller_voice, callee_voice = voices
    try:
        callee.await_call(callee_voice)
        caller.dial(number, caller_voice)
        playing = [end.wait(Playing, deadlines.answer_s) for end in (caller, callee)]
        began(max(each.at_s for each in playing))
        sent_by_caller = caller.wait(Played, caller_voice.duration_s + deadlines.late_s).packets
        sent_by_callee = callee.wait(Played, deadlines.late_s).packets
        caller.order(Expect(sent_by_callee))
        callee.order(Expect(sent_by_caller))
        patience_ends = time.monotonic() + deadlines.late_s
        for phone in (caller, callee):
            with suppress(EndSilentError):
                phone.wait(Received, patience_ends - time.monotonic())
        # Against a full link a BYE is long under way, so neither waits for the other's.
        caller.order(HangUp())
        callee.order(HangUp())
        caller.wait(Ended, deadlines.hang_up_s)
        callee.wait(Ended, deadlines.hang_up_s)
        reason = None
    except EndError as error:
        reason = error.message
        for phone in (caller, callee):
            phone.abandon(deadlines.hang_up_s)
    return Outcome(reason, caller.report(PhoneReport), callee.report(PhoneReport))
