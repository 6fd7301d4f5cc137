"""What one client receives: a log of its voice packets, and recordings through playout buffers."""

from __future__ import annotations

import time
import wave
from pathlib import Path

from lab.agents.mumble.opus import OpusDecoder
from lab.agents.mumble.playout import Arrival, play_out
from lab.agents.mumble.voice import FRAME_MS, VoicePacket, unpack_voice
from lab.wire.mumble import Playback, Recording, Talk


class Recorder:
    """Takes the voice of one other client, `session`, and plays it out at the end."""

    def __init__(self) -> None:
        self.session: int | None = None
        self._packets: list[tuple[int, VoicePacket]] = []
        """With the time of arrival, Unix ns."""
        self._seen: set[int] = set()
        self._last_came = time.monotonic()
        self._order: Talk | None = None

    @property
    def packets(self) -> int:
        """How many different packets have come."""
        return len(self._seen)

    def prepare(self, order: Talk) -> None:
        """Where to write what comes: the log, and recordings with their buffers."""
        self._order = order
        self._last_came = time.monotonic()

    def note(self, data: bytes) -> None:
        """Take one voice packet, just read from the connection."""
        now_ns = time.time_ns()
        packet = unpack_voice(data)
        if packet is None or packet.session != self.session or packet.sequence in self._seen:
            return
        self._seen.add(packet.sequence)
        self._packets.append((now_ns, packet))
        self._last_came = time.monotonic()

    def quiet_for_s(self) -> float:
        """How long nothing has come."""
        return time.monotonic() - self._last_came

    def write_log(self) -> None:
        """Keep sequence number, time of arrival and Opus bytes of every packet."""
        if self._order is None:
            return
        rows = [f"{p.sequence},{time_ns},{len(p.opus)}\n" for time_ns, p in self._packets]
        Path(self._order.received_log).write_text("sequence,time_ns,bytes\n" + "".join(rows))

    def play(self) -> tuple[Playback, ...]:
        """Write every recording that was ordered; what each buffer made of the packets."""
        if self._order is None:
            return ()
        ptime_ms = self._order.opus.ptime_ms
        return tuple(self._record(recording, ptime_ms) for recording in self._order.recordings)

    def _record(self, recording: Recording, ptime_ms: int) -> Playback:
        arrivals = [
            Arrival(time_ns / 1e6, packet.sequence * FRAME_MS // ptime_ms)
            for time_ns, packet in self._packets
        ]
        by_index = {
            arrival.index: packet.opus
            for arrival, (_, packet) in zip(arrivals, self._packets, strict=True)
        }
        played = play_out(arrivals, recording.playout, ptime_ms)
        samples = recording.rate_hz * ptime_ms // 1000
        decoder, heard_any = OpusDecoder(recording.rate_hz), False
        with wave.open(str(recording.file), "wb") as wav:
            wav.setnchannels(1)
            wav.setsampwidth(2)
            wav.setframerate(recording.rate_hz)
            for index in played.heard:
                if index is None and not heard_any:
                    wav.writeframes(bytes(2 * samples))
                    continue
                heard_any = True
                opus = None if index is None else by_index[index]
                wav.writeframes(decoder.decode(opus, samples))
        decoder.close()
        return Playback(
            file=recording.file,
            packets=len(arrivals),
            ticks=len(played.heard),
            concealed=played.concealed,
            skipped=played.skipped,
            delay_ms_mean=played.delay_ms_mean,
            delay_ms_max=played.delay_ms_max,
        )
