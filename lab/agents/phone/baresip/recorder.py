"""The far end of a phone's playout: reads a pipe at the pace of a sound card into a WAV.

The pipe is what paces the player: it takes a tick's worth of samples each tick and no more,
so the player asks for voice when a sound card would, and gets silence where there is none.
"""

from __future__ import annotations

import fcntl
import os
import select
import threading
import time
import wave
from pathlib import Path

_TICK_S = 0.01
_PIPE_BYTES = 4096
"""The least there is; what waits in it was asked for ahead of time."""
_LOOK_S = 0.05


class PlayoutRecorder:
    """Records until the player closes the pipe, in a thread of its own."""

    def __init__(self, pipe: Path, record: Path, rate_hz: int) -> None:
        """Be ready for a player of 16-bit mono samples; OSError where pipe or file refuse."""
        self._pipe = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._wav = wave.open(str(record), "wb")  # noqa: SIM115 - the thread closes it
        self._wav.setnchannels(1)
        self._wav.setsampwidth(2)
        self._wav.setframerate(rate_hz)
        self._bytes_per_s = 2 * rate_hz
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def finished(self) -> bool:
        """Whether the recording is whole on disk."""
        return not self._thread.is_alive()

    def cancel(self) -> None:
        """End it although the player has not."""
        self._cancelled.set()

    def join(self, timeout_s: float) -> None:
        """Wait for its end, but no longer than `timeout_s`."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            while not select.select([self._pipe], [], [], _LOOK_S)[0]:
                if self._cancelled.is_set():
                    return
            os.set_blocking(self._pipe, True)
            self._record()
        finally:
            os.close(self._pipe)
            self._wav.close()

    def _record(self) -> None:
        tick_bytes = round(self._bytes_per_s * _TICK_S)
        due = time.monotonic()
        while not self._cancelled.is_set() and (samples := os.read(self._pipe, tick_bytes)):
            self._wav.writeframesraw(samples)
            due += len(samples) / self._bytes_per_s
            if (wait_s := due - time.monotonic()) > 0:
                time.sleep(wait_s)
