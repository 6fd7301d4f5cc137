"""Answers the calls that compete with the measured one; runs on the server's machine."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from lab.agents.load import sipp
from lab.agents.load.streams import end_all
from lab.agents.net.listening import listens
from lab.wire.line import Line
from lab.wire.load import ANSWERER, AnswerCalls, Answering
from lab.wire.messages import Failed

LISTEN_DEADLINE_S = 10.0
POLL_S = 0.05


def main() -> None:
    """Serve one load."""
    line = Line(ANSWERER)
    if line.hear_first(AnswerCalls) is None:
        return
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        sipp.prepare(directory)
        output = directory / "output"
        with output.open("wb") as screen:
            process = subprocess.Popen(
                sipp.answerer_command(directory),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TERM": "dumb"},
            )
        try:
            if _wait(process):
                line.say(Answering())
                line.wait_for_end()
            else:
                line.say(Failed(f"SIPp ended: {output.read_text(errors='replace')[-500:]}"))
        finally:
            end_all([process])


def _wait(process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + LISTEN_DEADLINE_S
    while process.poll() is None and time.monotonic() < deadline:
        if listens(Path("/proc/net/udp").read_text(), "udp", sipp.SIP_PORT):
            return True
        time.sleep(POLL_S)
    return False


if __name__ == "__main__":
    main()
