"""One telephone call of pjsua2: plays a clip, records what comes, tells how it went."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pjsua2 as pj

from lab.agents.phone.engine import EngineError
from lab.agents.phone.playing import Emit, Progress, last_event, unfinished, write_voice
from lab.wire.messages import Failed
from lab.wire.phone import Confirmed, Media, PacketCounts, Ringing, Voice
from lab.wire.playout import PJSUA_OWN, Playout

_LOOK_INTERVAL_S = 0.05
_VAD_SETTLES_S = 1.5
"""pjmedia begins every stream without voice activity detection and turns it on after 600 ms
(PJMEDIA_STREAM_VAD_SUSPEND_MSEC)."""
_HEADER_BYTES = 44
_HEADER_DEADLINE_S = 2.0


@contextmanager
def telling_why() -> Iterator[None]:
    """What pjsua2 refuses becomes an EngineError in its own words."""
    try:
        yield
    except pj.Error as error:
        raise EngineError(f"{error.title}: {error.reason}") from None


class VoiceCall(pj.Call):  # type: ignore[misc]
    """See `lab.agents.phone.engine.EngineCall`."""

    def __init__(
        self,
        account: pj.Account,
        voice: Voice,
        emit: Emit,
        pbx: str,
        call_id: int = pj.PJSUA_INVALID_ID,
        pauses: bool = False,
    ) -> None:
        """`pauses`: voice activity detection is on."""
        super().__init__(account, call_id)
        self._voice = voice
        self._emit = emit
        self._pbx = pbx
        self._progress = Progress(voice, emit, pauses)
        self._started = time.monotonic()
        self._player: pj.AudioMediaPlayer | None = None
        self._recorder: pj.AudioMediaRecorder | None = None
        self._media: Media | None = None
        """What was told of the stream, until it has settled."""
        self._vad_settled_at = 0.0
        self._frame_ms = 0
        self._ptime_ms = 0
        self._confirmed = False
        self._media_is_active = False
        self._trouble: str | None = None
        self._counts: PacketCounts | None = None
        self._next_look = 0.0
        self._ending: tuple[int, str, float] | None = None
        self.finished = False
        self.peer = "" if call_id == pj.PJSUA_INVALID_ID else self.getInfo().remoteUri

    def dial(self, number: str) -> None:
        """Send the INVITE."""
        with telling_why():
            self.makeCall(f"sip:{number}@{self._pbx}", _operation())

    def accept(self) -> None:
        """Answer an incoming call with 200."""
        operation = _operation()
        operation.statusCode = pj.PJSIP_SC_OK
        with telling_why():
            self.answer(operation)

    def hang_up(self) -> None:
        """End the call with BYE or, before it is confirmed, CANCEL."""
        if self._ending is None:
            with telling_why():
                self.hangup(pj.CallOpParam())

    def expect(self, packets: int) -> None:
        """The other end's clip ends with its packet of that number, counted from the first."""
        self._progress.expect(packets)

    def onCallState(self, prm: Any) -> None:  # noqa: N802
        """Follow the SIP dialogue; media are left to `poll`, where errors can be caught."""
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_EARLY and info.role == pj.PJSIP_ROLE_UAC:
            self._emit(Ringing(info.lastStatusCode, self._age_ms()))
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self._confirmed = True
            self._emit(Confirmed(self._age_ms(), info.callIdString))
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self._ending = (info.lastStatusCode, info.lastReason, time.monotonic())

    def onCallMediaState(self, prm: Any) -> None:  # noqa: N802
        """Learn that there is a stream."""
        info = self.getInfo()  # must outlive what is read from it
        if len(info.media) and info.media[0].status == pj.PJSUA_CALL_MEDIA_ACTIVE:
            self._media_is_active = True

    def poll(self) -> None:
        """Move the call on; call it after every turn of the softphone."""
        now = time.monotonic()
        if self._ending:
            self._player = self._recorder = None
            self._finish(now)
            return
        try:
            if self._media_is_active and not self._recorder:
                self._record()
            if self._confirmed and self._recorder and not self._player:
                self._play()
            if self._player and now >= self._next_look:
                self._next_look = now + _LOOK_INTERVAL_S
                self._look(now)
        except pj.Error as error:
            self._trouble = f"{error.title}: {error.reason}"
            self.hang_up()

    def _record(self) -> None:
        self._recorder = pj.AudioMediaRecorder()
        self._recorder.createRecorder(str(self._voice.record))
        self.getAudioMedia(0).startTransmit(self._recorder)
        stream = self.getStreamInfo(0)
        coding = stream.audCodecParam
        self._frame_ms = coding.info.frameLen
        self._ptime_ms = self._frame_ms * coding.setting.frmPerPkt
        media = Media(
            codec=stream.codecName,
            clock_hz=stream.codecClockRate,
            payload_type_tx=stream.txPt,
            payload_type_rx=stream.rxPt,
            ptime_ms=self._ptime_ms,
            vad=bool(coding.setting.vad),
            remote_rtp=stream.remoteRtpAddress,
            playout=_playout(stream),
        )
        self._emit(media)
        self._media, self._vad_settled_at = media, time.monotonic() + _VAD_SETTLES_S

    def _play(self) -> None:
        voice = Path(self._voice.record).with_suffix(".voice.wav")
        write_voice(voice, self._voice)
        self._player = pj.AudioMediaPlayer()
        self._player.createPlayer(str(voice), pj.PJMEDIA_FILE_NO_LOOP)
        voice.unlink()  # The player has it open.
        self._player.startTransmit(self.getAudioMedia(0))
        sent = _counts(self.getStreamStat(0)).tx_packets
        self._progress.begin(sent, self._ptime_ms)

    def _look(self, now: float) -> None:
        stat = self.getStreamStat(0)
        self._counts = _counts(stat)
        had_played = self._progress.played
        self._progress.look(now, self._counts, stat.jbuf.size * self._frame_ms / 1000)
        if self._media and now >= self._vad_settled_at:
            vad = bool(self.getStreamInfo(0).audCodecParam.setting.vad)
            if vad != self._media.vad:
                self._emit(replace(self._media, vad=vad))
            self._media = None
        if self._progress.played and not had_played and self._player:
            self._player.stopTransmit(self.getAudioMedia(0))

    def _finish(self, now: float) -> None:
        """Tell the last event, once the recording is whole on disk."""
        assert self._ending
        status, reason, ended = self._ending
        if self._trouble:
            self._emit(Failed(f"media failed: {self._trouble}"))
        elif self._counts is None or recording_is_whole(Path(self._voice.record)):
            self._emit(last_event(self._voice, status, reason, self._confirmed, self._counts))
        elif now - ended > _HEADER_DEADLINE_S:
            self._emit(unfinished(self._voice))
        else:
            return
        self.finished = True

    def _age_ms(self) -> float:
        return round((time.monotonic() - self._started) * 1000, 3)


def recording_is_whole(path: Path) -> bool:
    """Whether the WAV header counts every byte: pjmedia closes a recording in its own time."""
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    counted = int.from_bytes(header[-4:], "little")
    return len(header) == _HEADER_BYTES and counted == path.stat().st_size - _HEADER_BYTES > 0


def _playout(stream: pj.StreamInfo) -> Playout:
    """The buffer as it is set; below 0 where nobody set it."""
    if stream.jbMax < 0:
        return PJSUA_OWN
    return Playout(stream.jbInit, stream.jbMax, stream.jbMinPre != stream.jbMaxPre)


def _operation() -> pj.CallOpParam:
    operation = pj.CallOpParam(True)
    operation.opt.audioCount = 1
    operation.opt.videoCount = 0
    return operation


def _counts(stat: pj.StreamStat) -> PacketCounts:
    """pjmedia's counters; frames are of the codec's own length, delays those of the playout."""
    buffer, sent, received = stat.jbuf, stat.rtcp.txStat, stat.rtcp.rxStat
    return PacketCounts(
        tx_packets=sent.pkt,
        rx_packets=received.pkt,
        rx_lost=received.loss,
        rx_reordered=received.reorder,
        rx_duplicates=received.dup,
        rx_discarded=received.discard,
        playout_frames_lost=buffer.lost,
        playout_frames_discarded=buffer.discard,
        playout_frames_empty=buffer.empty,
        playout_delay_ms_mean=buffer.avgDelayMsec,
        playout_delay_ms_max=buffer.maxDelayMsec,
    )
