"""A running baresip: its configuration, the process, and the files voice goes through.

It plays `voice.wav` (module `aufile`) and plays received voice on an ALSA device that writes
into a pipe (module `alsa`), so that what is read there is what a listener would have heard.
Its own recorder, `sndfile`, taps the voice before playout, where late packets leave no gap.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from lab.agents.phone.engine import EngineError
from lab.wire.phone import Register
from lab.wire.ports import HOME_PORTS, TUNNEL_PORTS

_MODULES = "/usr/lib/baresip/modules"
_STOP_DEADLINE_S = 2.0


class BaresipProgram:
    """The process, from its start to its end."""

    def __init__(self, order: Register) -> None:
        """Start it; EngineError where it cannot be."""
        self._directory = Path(tempfile.mkdtemp(prefix="baresip-"))
        self.control_port = _free_port()
        self.voice = self._directory / "voice.wav"
        """What a call plays, read when its media begin."""
        self.playout = self._directory / "playout"
        """The pipe into which it plays: 16-bit samples, without a header."""
        os.mkfifo(self.playout, 0o600)
        sound = self._directory / "asound.conf"
        sound.write_text(_SOUND.format(playout=self.playout))
        text = configuration(order, self._directory, self.control_port)
        (self._directory / "config").write_text(text)
        try:
            self._process = subprocess.Popen(
                # However this process goes, baresip goes with it.
                ["setpriv", "--pdeathsig", "KILL", "baresip", "-f", str(self._directory)],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "ALSA_CONFIG_PATH": str(sound)},
            )
        except OSError as error:
            raise EngineError(f"baresip cannot be started: {error}") from None

    @property
    def exit_status(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def terminate(self) -> None:
        """Ask it to unregister and end."""
        self._process.terminate()

    def close(self) -> None:
        """End it, without waiting for the PBX, and remove its files."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)


_SOUND = """\
pcm.playout {{
  type file
  slave.pcm {{ type null }}
  file "{playout}"
  format raw
}}
"""


def configuration(order: Register, directory: Path, control_port: int) -> str:
    """The text of baresip's `config`."""
    account, codec = order.account, order.coding.codec
    first, last = TUNNEL_PORTS if account.tunnelled else HOME_PORTS
    lines = [
        f"sip_listen {account.bind_address}:0",
        f"net_interface {account.bind_address}",
        "call_max_calls 1",
        # Without files there, it rings silently.
        f"audio_path {directory}",
        f"audio_source aufile,{directory / 'voice.wav'}",
        "audio_player alsa,playout",
        "audio_alert alsa,playout",
        # Voice is heard once so much is there; what would exceed the maximum is dropped.
        f"audio_buffer {order.playout.depth_ms}-{order.playout.max_ms}",
        # Packets are put in order before they are decoded, and lost ones concealed: each
        # waits for the next one.
        "jitter_buffer_delay 1-100",
        f"rtp_ports {first}-{last}",
        "rtp_tos 0",
        f"ctrl_tcp_listen 127.0.0.1:{control_port}",
        "statmode_default off",
        f"module_path {_MODULES}",
        f"module {'opus' if codec.encoding == 'opus' else 'l16'}.so",
        "module aufile.so",
        "module alsa.so",
        "module_app menu.so",
        "module_app ctrl_tcp.so",
    ]
    if codec.encoding == "opus":
        lines += [
            f"opus_samplerate {codec.sample_rate_hz}",
            "opus_stereo no",
            "opus_sprop_stereo no",
            "opus_application voip",
            f"opus_bitrate {1000 * (order.coding.bitrate_kbps or 0)}",
            "opus_cbr yes",
            "opus_inbandfec no",
            # Whether packets are left out in pauses.
            f"opus_dtx {'yes' if order.vad else 'no'}",
        ]
    return "\n".join(lines) + "\n"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
