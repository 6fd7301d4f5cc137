"""Takes the orders for a node's phone and tells what comes of them, with either engine."""

from __future__ import annotations

import time
import wave
from collections.abc import Mapping
from typing import Any

from lab.agents.phone.engine import Engine, EngineCall, EngineError, StartEngine
from lab.agents.phone.playing import make_ready
from lab.wire.line import Line
from lab.wire.messages import Failed, Order
from lab.wire.phone import (
    Abandon,
    AwaitCall,
    AwaitingCall,
    Dial,
    Dialled,
    HangUp,
    Idle,
    Incoming,
    Register,
    Registered,
    Rejected,
    Unready,
    Voice,
)
from lab.wire.voice import Expect

_POLL_MS = 10
_GOODBYE_S = 2.0
"""How long the ends of calls and the unregistration may take at the end of the orders."""


class PhoneDesk:
    """The orders, and the one engine and at most one call that they are about."""

    def __init__(self, line: Line, engines: Mapping[str, StartEngine]) -> None:
        """`engines` are telephone programs by the names that codecs have for them."""
        self._line = line
        self._engines = engines
        self._engine: Engine | None = None
        self._registration: Register | None = None
        self._call: EngineCall | None = None
        self._awaited: Voice | None = None
        """What the next call that comes is to play and record."""
        self._registered = False
        self._abandoning = False

    def run(self) -> None:
        """Obey until there can be no more orders."""
        while not self._line.ended:
            self.turn()
        self._say_goodbye()

    def turn(self) -> None:
        """Obey what was ordered by now, and let the engine do what is due."""
        while (order := self._line.hear(0)) is not None:
            try:
                self._obey(order)
            except (EngineError, ValueError, EOFError, OSError, wave.Error) as error:
                self._line.say(Failed(str(error)))
        self._move_on()

    def _obey(self, order: Order) -> None:
        match order:
            case Register():
                self._register(order)
            case AwaitCall(voice):
                self._make_ready(voice)
                self._awaited = voice
                self._line.say(AwaitingCall())
            case Dial(number, voice):
                self._dial(number, voice)
            case Expect(packets) if self._call:
                self._call.expect(packets)
            case HangUp() if self._call:
                self._call.hang_up()
            case Abandon():
                self._abandoning = True
                self._awaited = None
                if self._call:
                    self._call.hang_up()
            case _:
                raise ValueError(f"there is no call for {type(order).__name__}")

    def _phone(self) -> Engine:
        if not self._engine:
            raise ValueError("the phone is not registered")
        return self._engine

    def _register(self, order: Register) -> None:
        if self._engine:
            raise ValueError("this phone is registered already")
        self._registration = order
        self._engine = self._engines[order.coding.codec.engine](
            order, on_registration=self._on_registration, on_call=self._on_call
        )

    def _make_ready(self, voice: Voice) -> None:
        self._phone()
        assert self._registration
        make_ready(voice, self._registration.coding.codec)

    def _dial(self, number: str, voice: Voice) -> None:
        if self._call:
            raise ValueError("the phone is in a call")
        self._make_ready(voice)
        call = self._phone().outgoing_call(voice, self._line.say)
        call.dial(number)
        self._call = call
        self._line.say(Dialled(number))

    def _on_registration(self, status: int, reason: str, expires_s: int) -> None:
        ok = status // 100 == 2
        self._registered = ok and expires_s > 0
        if self._registered:
            self._line.say(Registered(expires_s, self._phone().name))
        elif status // 100 == 5:
            self._line.say(Unready(status, reason))
        elif not ok:
            self._line.say(Rejected(status, reason, "register"))

    def _on_call(self, call_id: Any) -> None:
        voice, self._awaited = self._awaited, None
        if voice is None or self._call:
            self._phone().reject(call_id)
            return
        self._call = self._phone().incoming_call(call_id, voice, self._line.say)
        self._line.say(Incoming(self._call.peer))
        self._call.accept()

    def _move_on(self) -> None:
        if self._engine:
            self._engine.poll(_POLL_MS)
        else:
            time.sleep(_POLL_MS / 1000)
        if self._call:
            self._call.poll()
            if self._call.finished:
                self._call = None
        if self._abandoning and not self._call:
            self._abandoning = False
            self._line.say(Idle())

    def _say_goodbye(self) -> None:
        if not self._engine:
            return
        deadline = time.monotonic() + _GOODBYE_S
        if self._call:
            self._call.hang_up()
        while self._call and time.monotonic() < deadline:
            self._move_on()
        if self._registered:
            self._engine.unregister()
        while self._registered and time.monotonic() < deadline:
            self._move_on()
        self._call = None
        self._engine.close()
