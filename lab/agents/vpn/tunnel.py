"""Holds one OpenVPN client open for the length of a call; ends it when the input ends.

First order: {"socks_port": 9050 or null}. Events: {"event": "up", "setup_ms"} once the
tunnel carries packets, {"event": "down", "reason"} when OpenVPN ends by itself. OpenVPN's
own log goes to standard error.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time

from lab.wire.lines import hear, say

CONFIGURATION = "/run/lab/openvpn/client.conf"
UP = "Initialization Sequence Completed"
STOP_DEADLINE_S = 3


def main() -> None:
    """Serve one tunnel."""
    order = hear()
    if order is None:
        return
    command = ["openvpn", "--config", CONFIGURATION]
    if order.get("socks_port"):
        command += ["--socks-proxy", "127.0.0.1", str(order["socks_port"])]
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    threading.Thread(target=_follow, args=(process, started), daemon=True).start()
    while hear() is not None:
        pass
    process.terminate()
    try:
        process.wait(STOP_DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _follow(process: subprocess.Popen[str], started: float) -> None:
    assert process.stdout
    last = ""
    for line in process.stdout:
        sys.stderr.write(line)
        last = line.strip() or last
        if UP in line:
            say({"event": "up", "setup_ms": (time.monotonic() - started) * 1000})
    say({"event": "down", "reason": last})


if __name__ == "__main__":
    main()
