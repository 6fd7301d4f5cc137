"""Runs Debian's own Mumble client without a screen or a sound card, and records what it plays.

Orders and events are those of `test_mumble_client.py`. The client goes to the URL in TCP mode
through the SOCKS5 proxy of its configuration, knows the server by the SHA-1 of its certificate, and
shows `certificate` (PKCS #12, base64) as its own. It has started when it plays into JACK, whose
dummy driver keeps the time. Ends with the input.
"""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HOME = Path("/tmp/home")
DEADLINE_S = 30.0
OUTPUT = "mumble:output_1"
CONFIGURATION = """\
[General]
lastupdate=2

[audio]
input=JACK
output=JACK
transmit=2

[jack]
autoconnect=true
startserver=false

[net]
tcponly=true
reconnect=false
proxytype=2
proxyhost={address}
proxyport={port}
proxyusername={user}
proxypassword={password}

[overlay]
enable=false

[shortcut]
enable=false

[ui]
plugincheck=false
updatecheck=false
usage=false
"""
"""Audio is sent only while a key is held: never. Proxy type 2 is SOCKS5."""


def say(message: str, **fields: Any) -> None:
    print(json.dumps({"message": message, **fields}), flush=True)


def configure(order: dict[str, Any]) -> None:
    """What a user would have clicked together: settings, certificate, trust in the server."""
    files = HOME / ".config" / "Mumble"
    files.mkdir(parents=True)
    (files / "Mumble.conf").write_text(CONFIGURATION.format(**order["proxy"]))
    documents = HOME / "Documents"
    documents.mkdir()
    backup = documents / "MumbleAutomaticCertificateBackup.p12"
    backup.write_bytes(base64.b64decode(order["certificate"]))
    with sqlite3.connect(files / "mumble.sqlite") as database:
        database.execute(
            "CREATE TABLE cert (id INTEGER PRIMARY KEY AUTOINCREMENT,"
            " hostname TEXT, port INTEGER, digest TEXT)"
        )
        database.execute(
            "INSERT INTO cert (hostname, port, digest) VALUES (?, ?, ?)",
            (order["host"], order["port"], order["sha1"]),
        )


def wait_for(what: str, *processes: subprocess.Popen[bytes], port: str | None = None) -> None:
    """Until JACK answers, or shows `port`; SystemExit where it never does."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        for process in processes:
            if process.poll() is not None:
                raise SystemExit(f"{process.args!r} ended with status {process.returncode}")
        done = subprocess.run(["jack_lsp"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and (port is None or port in done.stdout.split()):
            return
        time.sleep(0.1)
    raise SystemExit(f"no {what} within {DEADLINE_S:.0f} s")


def start(*command: str) -> subprocess.Popen[bytes]:
    """Begin a program; what it says goes to standard error."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)


def main() -> None:
    order = json.loads(sys.stdin.readline())
    HOME.mkdir()
    configure(order)
    os.environ |= {
        "HOME": str(HOME),
        "XDG_RUNTIME_DIR": str(HOME),
        "QT_QPA_PLATFORM": "offscreen",
        "JACK_NO_AUDIO_RESERVATION": "1",
    }
    started: list[subprocess.Popen[bytes]] = []
    try:
        dummy = ("-d", "dummy", "--rate", "48000", "--period", "1024")
        started.append(start("jackd", "--no-realtime", *dummy))
        wait_for("JACK", *started)
        started.append(start("mumble", "--multiple", order["url"]))
        wait_for("sound of Mumble", *started, port=OUTPUT)
        say("Started")
        for line in sys.stdin:
            seconds = str(json.loads(line)["seconds"])
            file = order["recording"]
            recorder = start("jack_rec", "-f", file, "-d", seconds, "-b", "16", OUTPUT)
            started.append(recorder)
            say("RecordingBegan")
            say("Recorded", status=recorder.wait())
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
