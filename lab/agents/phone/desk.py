"""Takes the orders for a node's phone and reports what comes of them, with either engine."""

from __future__ import annotations

import time
import wave
from collections.abc import Mapping
from typing import Any

from lab.agents.phone.call_plan import CallPlan, plan_call
from lab.agents.phone.engine import (
    Engine,
    EngineCall,
    EngineError,
    Identity,
    Playout,
    StartEngine,
    VoiceSettings,
)
from lab.wire.codecs import CODECS, Codec, codec_named
from lab.wire.polled_lines import PolledLines

_POLL_MS = 10
_GOODBYE_S = 2.0
"""How long the ends of calls and the unregistration may take at the end of stdin."""


class PhoneDesk:
    """The orders, and the one engine and at most one call that they are about."""

    def __init__(self, lines: PolledLines, engines: Mapping[str, StartEngine]) -> None:
        """`engines` are telephone programs by the names that codecs have for them."""
        self._lines = lines
        self._engines = engines
        self._engine: Engine | None = None
        self._codec: Codec | None = None
        self._call: EngineCall | None = None
        self._standing_order: CallPlan | None = None
        self._registered = False
        self._abandoning = False

    def run(self) -> None:
        """Obey until stdin ends."""
        while not self._lines.ended:
            for order in self._lines.commands():
                self._obey(order)
            self._turn()
        self._say_goodbye()

    def _obey(self, order: dict[str, Any]) -> None:
        try:
            match order.get("op"):
                case "register":
                    self._register(order)
                case "listen":
                    self._standing_order = self._plan(order)
                    self._lines.emit("listening")
                case "call":
                    self._dial(order)
                case "expect" if self._call:
                    self._call.expect(order["packets"])
                case "hangup" if self._call:
                    self._call.hang_up()
                case "abandon":
                    self._abandoning = True
                    self._standing_order = None
                    if self._call:
                        self._call.hang_up()
                case other:
                    raise ValueError(f"there is nothing to {other}")
        except KeyError as error:
            self._refuse(order, f"the order lacks {error}")
        except (EngineError, ValueError, EOFError, OSError, wave.Error) as error:
            self._refuse(order, str(error))

    def _refuse(self, order: dict[str, Any], reason: str) -> None:
        self._lines.emit("failed", stage=str(order.get("op")), status=0, reason=reason)

    def _phone(self) -> Engine:
        if not self._engine:
            raise ValueError("the phone is not registered")
        return self._engine

    def _plan(self, order: dict[str, Any]) -> CallPlan:
        self._phone()
        assert self._codec
        return plan_call(order, self._codec)

    def _register(self, order: dict[str, Any]) -> None:
        if self._engine:
            raise ValueError("this phone is registered already")
        self._codec = codec = _codec(order["codec"])
        self._engine = self._engines[codec.engine](
            Identity(
                extension=order["extension"],
                password=order["password"],
                pbx_address=order["pbx_address"],
                pbx_port=order["pbx_port"],
                bind_address=order["bind_address"],
                tunnelled=order["tunnelled"],
            ),
            VoiceSettings(
                codec=codec,
                ptime_ms=order["ptime_ms"],
                bitrate_kbps=order["bitrate_kbps"],
                playout=Playout(**order["playout"]),
            ),
            on_registration=self._on_registration,
            on_call=self._on_call,
        )

    def _dial(self, order: dict[str, Any]) -> None:
        if self._call:
            raise ValueError("the phone is in a call")
        call = self._phone().outgoing_call(self._plan(order), self._lines.emit)
        call.dial(order["number"])
        self._call = call
        self._lines.emit("calling", number=order["number"])

    def _on_registration(self, status: int, reason: str, expires_s: int) -> None:
        ok = status // 100 == 2
        self._registered = ok and expires_s > 0
        if self._registered:
            self._lines.emit("registered", expires_s=expires_s, engine=self._phone().name)
        elif status // 100 == 5:
            self._lines.emit("refused", status=status, reason=reason)
        elif not ok:
            self._lines.emit("failed", stage="register", status=status, reason=reason)

    def _on_call(self, call_id: Any) -> None:
        plan, self._standing_order = self._standing_order, None
        if plan is None or self._call:
            self._phone().reject(call_id)
            return
        self._call = self._phone().incoming_call(call_id, plan, self._lines.emit)
        self._lines.emit("incoming", caller=self._call.peer)
        self._call.accept()

    def _turn(self) -> None:
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
            self._lines.emit("idle")

    def _say_goodbye(self) -> None:
        if not self._engine:
            return
        deadline = time.monotonic() + _GOODBYE_S
        if self._call:
            self._call.hang_up()
        while self._call and time.monotonic() < deadline:
            self._turn()
        if self._registered:
            self._engine.unregister()
        while self._registered and time.monotonic() < deadline:
            self._turn()
        self._call = None
        self._engine.close()


def _codec(name: str) -> Codec:
    codec = codec_named(name)
    if codec is None:
        raise ValueError(f"this phone has no codec {name!r}; it has {', '.join(CODECS)}")
    return codec
