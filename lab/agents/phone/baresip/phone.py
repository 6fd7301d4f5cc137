"""Debian's baresip 1.0 as the lab's phone, for the codecs that pjsua2's wheel lacks.

The voice itself never comes near this interpreter, but for the recording: baresip's own
threads read the clip, encode, send, receive, decode and play.
"""

from __future__ import annotations

import re
import time

from lab.agents.phone.baresip.call import BaresipCall
from lab.agents.phone.baresip.control import Control, ControlError, Message, sip_answer
from lab.agents.phone.baresip.program import BaresipProgram
from lab.agents.phone.engine import EngineError, OnCall, OnRegistration
from lab.agents.phone.playing import Emit
from lab.wire.phone import Register, Voice

_START_DEADLINE_S = 5.0
_EXPIRES_S = 3600
_RETRY_S = 1.0
"""Until a PBX that is not ready yet (SIP status 5xx) is asked again."""


class BaresipPhone:
    """The engine `baresip` (see `lab.agents.phone.engine.Engine`)."""

    def __init__(
        self,
        order: Register,
        *,
        on_registration: OnRegistration,
        on_call: OnCall,
    ) -> None:
        self._registration = order
        self._on_registration = on_registration
        self._on_call = on_call
        self._call: BaresipCall | None = None
        self._retry_at: float | None = None
        self._leaving = False
        self.name = "baresip"
        self._program = BaresipProgram(order)
        try:
            self._control = Control(self._program.control_port, _START_DEADLINE_S)
        except ControlError as error:
            self._program.close()
            raise EngineError(str(error)) from None
        self._control.send("about")
        self._control.send("uanew", self._account())

    def poll(self, timeout_ms: int) -> None:
        """Handle what has happened, waiting up to `timeout_ms` for something to happen."""
        if self._leaving:
            if self._program.exit_status is not None:
                self._on_registration(200, "unregistered", 0)
            else:
                time.sleep(timeout_ms / 1000)
            return
        try:
            messages = self._control.messages(timeout_ms / 1000)
        except ControlError as error:
            raise SystemExit(f"{error} (exit status {self._program.exit_status})") from None
        for message in messages:
            self._take(message)
        if self._retry_at is not None and time.monotonic() >= self._retry_at:
            self._retry_at = None
            self._control.send("uadel", self._address())
            self._control.send("uanew", self._account())

    def outgoing_call(self, voice: Voice, emit: Emit) -> BaresipCall:
        """A call that is yet to be dialled."""
        return self._new_call(voice, emit, "")

    def incoming_call(self, call_id: str, voice: Voice, emit: Emit) -> BaresipCall:
        """The call of which `on_call` told, by its peer; it is yet to be accepted."""
        return self._new_call(voice, emit, call_id)

    def reject(self, call_id: str) -> None:
        """Refuse that call as busy; baresip refuses a second one itself."""
        self._control.send("hangup")

    def unregister(self) -> None:
        """Ask the PBX to forget this phone; the answer comes through `on_registration`."""
        self._leaving = True
        self._program.terminate()

    def close(self) -> None:
        """End the program; calls must have been dropped before."""
        self._control.close()
        self._program.close()

    def _new_call(self, voice: Voice, emit: Emit, peer: str) -> BaresipCall:
        self._call = BaresipCall(
            self._program, self._control, self._registration, voice, emit, peer
        )
        return self._call

    def _take(self, message: Message) -> None:
        match message.kind:
            case "about":
                version = re.search(r"\d+(\.\d+)+", message.text)
                self.name = f"baresip {version[0]}" if version else "baresip"
            case "REGISTER_OK":
                self._on_registration(200, "OK", _EXPIRES_S)
            case "REGISTER_FAIL":
                self._refused(message.text)
            case "CALL_INCOMING":
                self._on_call(message.peer)
            case _ if self._call:
                self._call.take(message)

    def _refused(self, told: str) -> None:
        status, reason = sip_answer(told)
        if status // 100 == 5:
            self._retry_at = time.monotonic() + _RETRY_S
        self._on_registration(status, reason, 0)

    def _address(self) -> str:
        account = self._registration.account
        return f"sip:{account.extension}@{account.pbx}"

    def _account(self) -> str:
        account, coding = self._registration.account, self._registration.coding
        parameters = {
            "auth_user": account.extension,
            "auth_pass": account.password,
            "regint": _EXPIRES_S,
            "ptime": coding.ptime_ms,
            "audio_codecs": f"{coding.codec.encoding}/{coding.codec.sample_rate_hz}/1",
            "answermode": "manual",
            "mwi": "no",
            "call_transfer": "no",
        }
        return f"<{self._address()}>" + "".join(f";{k}={v}" for k, v in parameters.items())
