"""What the lab's phone needs of a telephone program, whichever it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from lab.agents.phone.playing import Emit
from lab.wire.phone import Register, Voice

OnRegistration = Callable[[int, str, int], None]
"""SIP status, reason, and expiry in seconds, 0 when unregistered."""
OnCall = Callable[[Any], None]
"""The engine's own identifier of an incoming call."""


class EngineError(Exception):
    """The telephone program refused; the message is in its own words."""


class EngineCall(Protocol):
    """A call in either direction; `poll` moves it on, `finished` says when to drop it.

    It tells `Ringing`, `Confirmed`, `Media`, `Playing`, `Played`, `Received` (all that `expect`
    named has been played out), then `Ended`, `Rejected` or `Failed`. Silence is sent before and
    after the clip, so that the stream never pauses.
    """

    finished: bool
    """Whether the last event of this call has been told."""
    peer: str
    """The SIP address at the other end."""

    def dial(self, number: str) -> None:
        """Send the INVITE; EngineError where that cannot be."""

    def accept(self) -> None:
        """Answer an incoming call with 200; EngineError where that cannot be."""

    def hang_up(self) -> None:
        """End the call with BYE or, before it is confirmed, CANCEL."""

    def expect(self, packets: int) -> None:
        """The other end's clip ends with its packet of that number, counted from the first."""

    def poll(self) -> None:
        """Move the call on; to be called after every turn of the engine."""


class Engine(Protocol):
    """A telephone program with one account; at most one in a process."""

    name: str
    """Program and version."""

    def poll(self, timeout_ms: int) -> None:
        """Handle what has happened, waiting up to `timeout_ms` for something to happen."""

    def outgoing_call(self, voice: Voice, emit: Emit) -> EngineCall:
        """A call that is yet to be dialled."""

    def incoming_call(self, call_id: Any, voice: Voice, emit: Emit) -> EngineCall:
        """The call of which `on_call` told; it is yet to be accepted."""

    def reject(self, call_id: Any) -> None:
        """Refuse that call as busy."""

    def unregister(self) -> None:
        """Ask the PBX to forget this phone; the answer comes through `on_registration`."""

    def close(self) -> None:
        """End the program; calls must have been dropped before."""


class StartEngine(Protocol):
    """How a telephone program is started; `on_registration` and `on_call` come from `poll`."""

    def __call__(
        self,
        order: Register,
        *,
        on_registration: OnRegistration,
        on_call: OnCall,
    ) -> Engine:
        """Start it and begin to register; EngineError where it cannot be started."""
