"""One telephone call of baresip: plays a clip, records what is played out, tells how it went."""

from __future__ import annotations

import time
from pathlib import Path

from lab.agents.phone.baresip.control import (
    Control,
    ControlError,
    Figures,
    Message,
    read_figures,
    sip_answer,
)
from lab.agents.phone.baresip.program import BaresipProgram
from lab.agents.phone.baresip.recorder import PlayoutRecorder
from lab.agents.phone.engine import EngineError
from lab.agents.phone.playing import Emit, Progress, last_event, unfinished, write_voice
from lab.wire.phone import Confirmed, Media, Register, Ringing, Voice

_LOOK_INTERVAL_S = 0.1
_LEAD_S = 0.2
"""Silence before the clip, for the other end to begin to listen."""
_TAIL_S = 90.0
"""Silence behind the clip: baresip hangs up where there is nothing more to play."""
_RECORDING_DEADLINE_S = 3.0
_NORMAL_STATUS = 200


class BaresipCall:
    """See `lab.agents.phone.engine.EngineCall`."""

    def __init__(
        self,
        program: BaresipProgram,
        control: Control,
        registration: Register,
        voice: Voice,
        emit: Emit,
        peer: str = "",
    ) -> None:
        self._control = control
        self._registration = registration
        self._voice = voice
        self._emit = emit
        self._progress = Progress(voice, emit, registration.vad)
        self._started = time.monotonic()
        self._next_look = 0.0
        self._asked = False
        self._confirmed = False
        self._figures: Figures | None = None
        self._ending: tuple[int, str, float] | None = None
        self.finished = False
        self.peer = peer
        write_voice(program.voice, voice, _LEAD_S, _TAIL_S)
        rate_hz = registration.coding.codec.sample_rate_hz
        self._recorder = PlayoutRecorder(program.playout, Path(voice.record), rate_hz)

    def dial(self, number: str) -> None:
        """Send the INVITE."""
        self._started = time.monotonic()
        self._command("dial", f"sip:{number}@{self._registration.account.pbx}")

    def accept(self) -> None:
        """Answer an incoming call with 200."""
        self._command("accept")

    def hang_up(self) -> None:
        """End the call with BYE or, before it is confirmed, CANCEL."""
        if self._ending is None:
            self._command("hangup")

    def expect(self, packets: int) -> None:
        """The other end's clip ends with its packet of that number, counted from the first."""
        self._progress.expect(packets)

    def take(self, message: Message) -> None:
        """An event of this call, or the response to one of its commands."""
        match message.kind:
            case "CALL_RINGING":
                self._emit(Ringing(180, self._age_ms()))
            case "CALL_ESTABLISHED":
                self._confirmed = True
                self._emit(Confirmed(self._age_ms(), message.call_id))
            case "CALL_CLOSED":
                self._end(message.text)
            case "audio_debug":
                self._asked = False
                self._look(read_figures(message.text))
            case "dial" | "accept" if not message.ok:
                self._end(message.text.strip() or f"baresip refused to {message.kind}")

    def poll(self) -> None:
        """Move the call on; call it after every turn of the engine."""
        now = time.monotonic()
        if self._ending:
            self._finish(now)
        elif self._confirmed and not self._asked and now >= self._next_look:
            self._next_look = now + _LOOK_INTERVAL_S
            self._asked = True
            self._command("audio_debug")

    def _look(self, figures: Figures | None) -> None:
        if figures is None or self._ending:
            return
        first, self._figures = self._figures is None, figures
        if first:
            self._emit(self._media(figures))
            self._progress.begin(round(_LEAD_S * 1000 / figures.ptime_ms), figures.ptime_ms)
        self._progress.look(time.monotonic(), figures.counts, figures.waiting_ms / 1000)

    def _media(self, figures: Figures) -> Media:
        return Media(
            codec=figures.codec,
            clock_hz=figures.sample_rate_hz,
            payload_type_tx=figures.payload_type,
            payload_type_rx=None,
            ptime_ms=figures.ptime_ms,
            vad=self._registration.vad,
            remote_rtp=figures.remote_rtp,
            playout=self._registration.playout,
        )

    def _end(self, told: str) -> None:
        """The call is over; baresip tells a status where a SIP answer ended it."""
        status, reason = sip_answer(told)
        if not status and self._confirmed:
            status = _NORMAL_STATUS
        self._ending = (status, reason, time.monotonic())
        if self._figures is None:
            self._recorder.cancel()

    def _finish(self, now: float) -> None:
        """Tell the last event, once the recording is whole on disk."""
        assert self._ending
        status, reason, ended = self._ending
        if self._recorder.finished:
            counts = self._figures.counts if self._figures else None
            self._emit(last_event(self._voice, status, reason, self._confirmed, counts))
        elif now - ended > _RECORDING_DEADLINE_S:
            self._recorder.cancel()
            self._emit(unfinished(self._voice))
        else:
            return
        self.finished = True

    def _command(self, command: str, params: str | None = None) -> None:
        try:
            self._control.send(command, params)
        except ControlError as error:
            raise EngineError(str(error)) from None

    def _age_ms(self) -> float:
        return round((time.monotonic() - self._started) * 1000, 3)
