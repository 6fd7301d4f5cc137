"""Runs a second OpenVPN server on the server's machine, for the tunnels of background calls.

First order: {"files": {name: text}}, among them `server.conf`. Event: {"event": "up"} once it
listens, {"event": "down", "reason"} when it ends by itself. Ends with the input.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from lab.agents.load.streams import end_all
from lab.agents.vpn.tunnel import UP
from lab.wire.lines import hear, say


def main() -> None:
    """Serve one load."""
    order = hear()
    if order is None:
        return
    with tempfile.TemporaryDirectory() as name:
        for file, text in order["files"].items():
            path = Path(name) / file
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        process = subprocess.Popen(
            ["openvpn", "--cd", name, "--config", "server.conf"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=_follow, args=(process,), daemon=True).start()
        try:
            hear()
        finally:
            end_all([process])


def _follow(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    last = ""
    for line in process.stdout:
        sys.stderr.write(line)
        last = line.strip() or last
        if UP in line:
            say({"event": "up"})
    say({"event": "down", "reason": last})


if __name__ == "__main__":
    main()
