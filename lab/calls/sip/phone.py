"""The host's side of `lab.agents.phone.phone`: orders out, events in, over any channel."""

from __future__ import annotations

import logging
import time
from typing import Any

from lab.calls.channel import Channel
from lab.calls.sip.phone_orders import Registration, VoiceOrder
from lab.calls.sip.phone_reports import Leg, leg_of
from lab.errors import LabError

log = logging.getLogger(__name__)


class PhoneError(LabError):
    """A phone could not do what it was asked; the message names phone and reason."""


class PhoneTimeoutError(PhoneError):
    """What was awaited of a phone did not come in time."""


class Phone:
    """One phone, from its registration to the end of its channel."""

    def __init__(self, name: str, channel: Channel) -> None:
        self.name = name
        self.engine: str | None = None
        """Program and version, once registered."""
        self._channel = channel
        self._events: dict[str, dict[str, Any]] = {}

    def register(self, registration: Registration) -> None:
        """Begin to register at the PBX; `await_registered` tells how that went."""
        self._send(registration.to_order())

    def await_registered(self, timeout_s: float) -> None:
        """Return when registered; PhoneError when the PBX refuses or does not answer in time."""
        self.engine = str(self.wait("registered", timeout_s)["engine"])

    def listen(self, order: VoiceOrder, timeout_s: float = 5.0) -> None:
        """Answer the next call."""
        self._events.clear()
        self._send({"op": "listen", **order.to_fields()})
        self.wait("listening", timeout_s)

    def dial(self, number: str, order: VoiceOrder) -> None:
        """Call an extension of the PBX."""
        self._events.clear()
        self._send({"op": "call", "number": number, **order.to_fields()})

    def expect(self, packets: int) -> None:
        """Report `received` once the other end's packet of that number has been played out."""
        self._send({"op": "expect", "packets": packets})

    def hang_up(self) -> None:
        """End the call, or the attempt."""
        self._send({"op": "hangup"})

    def abandon(self, timeout_s: float) -> None:
        """Give up whatever call there is; the phone is free for another one afterwards."""
        deadline = time.monotonic() + timeout_s
        event = None
        try:
            self._channel.send({"op": "abandon"})
            while event != "idle":
                event = self._channel.receive(max(0.0, deadline - time.monotonic()))["event"]
        except (TimeoutError, EOFError) as error:
            log.debug("%s did not become idle: %s", self.name, error)

    def wait(self, event: str, timeout_s: float) -> dict[str, Any]:
        """The fields of `event` of this call, now or as soon as it comes.

        PhoneError when the phone reports a failure, ends, or the time runs out; the message
        says what was awaited and what came last.
        """
        deadline = time.monotonic() + timeout_s
        while event not in self._events:
            try:
                message = self._channel.receive(max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                raise PhoneTimeoutError(
                    f"{self.name}: no {event!r} within {timeout_s:g} s (last came {self._last()})."
                ) from None
            except EOFError as error:
                raise PhoneError(f"{self.name}: the phone ended: {error}") from None
            if message["event"] == "failed":
                raise PhoneError(f"{self.name}: {_failure(message)}")
            self._events[message["event"]] = message
            if message["event"] == "done" != event:
                cause = f"{message['status']} {message['reason']}"
                raise PhoneError(f"{self.name}: the call ended before {event!r}: {cause}")
        return self._events[event]

    def leg(self) -> Leg:
        """What the events of the current or last call have told so far."""
        return leg_of(self._events)

    def _last(self) -> str:
        if not self._events:
            return "nothing"
        event, fields = next(reversed(self._events.items()))
        cause = f": {fields['status']} {fields['reason']}" if "reason" in fields else ""
        return f"{event!r}{cause}"

    def _send(self, order: dict[str, Any]) -> None:
        try:
            self._channel.send(order)
        except EOFError as error:
            raise PhoneError(f"{self.name}: the phone ended: {error}") from None


def _failure(message: dict[str, Any]) -> str:
    stage, status, reason = message["stage"], message["status"], message["reason"]
    return f"{stage} failed: {f'{status} ' if status else ''}{reason}"
