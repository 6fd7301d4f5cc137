"""Runs one OpenVPN, a call's client or a load's server; ends it when the input ends.

OpenVPN's own log goes to standard error.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from lab.wire import places
from lab.wire.line import Line
from lab.wire.messages import Failed
from lab.wire.openvpn import NODELAY, OPENVPN, OpenTunnel, OpenVpnUp, ServeTunnels

UP = "Initialization Sequence Completed"
"""What OpenVPN says as soon as a tunnel carries packets, or a server listens."""
STOP_DEADLINE_S = 3


class OpenVpn:
    """One OpenVPN process, followed by what it says."""

    def __init__(
        self,
        options: Sequence[str],
        *,
        on_up: Callable[[bool], None] = lambda _: None,
        on_end: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Start it; `on_up` gets whether it has said that it set TCP_NODELAY, `on_end` its last
        words. Both are called from another thread, it may be before this returns."""
        self._on_up = on_up
        self._on_end = on_end
        self.up = False
        """Whether it has come up."""
        self.last = ""
        """What it said last."""
        self.process = subprocess.Popen(
            ["openvpn", *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        threading.Thread(target=self._follow, daemon=True).start()

    def end(self) -> None:
        """Terminate it; kill it where it does not follow."""
        self.process.terminate()
        try:
            self.process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _follow(self) -> None:
        assert self.process.stdout
        nodelay = False
        for line in self.process.stdout:
            sys.stderr.write(line)
            self.last = line.strip() or self.last
            nodelay = nodelay or NODELAY in line
            if UP in line:
                self.up = True
                self._on_up(nodelay)
        self._on_end(self.last)


def client_options(order: OpenTunnel, directory: Path) -> list[str]:
    """The command line of the node's own client, or of one whose files are written first."""
    configuration = places.OPENVPN_ONION if order.onion else places.OPENVPN_CLIENT
    options = ["--config", str(configuration)]
    if order.files:
        write_files(order.files, directory)
        options = ["--cd", str(directory), "--config", "client.conf"]
    if order.socks_port:
        options += ["--socks-proxy", "127.0.0.1", str(order.socks_port)]
    return options


def server_options(order: ServeTunnels, directory: Path) -> list[str]:
    """The command line of a server whose files are written into `directory` first."""
    write_files(order.files, directory)
    return ["--cd", str(directory), "--config", "server.conf"]


def write_files(files: Mapping[str, str], directory: Path) -> None:
    """Write a configuration, by the names of its files."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main() -> None:
    """Obey one order."""
    line = Line(OPENVPN)
    order = line.hear()
    if order is None:
        return
    began = time.monotonic()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if isinstance(order, ServeTunnels):
            options = server_options(order, directory)
        else:
            assert isinstance(order, OpenTunnel)
            options = client_options(order, directory)
        openvpn = OpenVpn(
            options,
            on_up=lambda nodelay: line.say(OpenVpnUp((time.monotonic() - began) * 1000, nodelay)),
            on_end=lambda last: line.say(Failed(f"OpenVPN ended: {last}")),
        )
        stack.callback(openvpn.end)
        line.wait_for_end()


if __name__ == "__main__":
    main()
