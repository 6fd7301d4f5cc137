"""What does the WebRTC library add to a call at either end, beside what the phone hears it through?

Two peers of the phone's own (`lab.agents.webrtc.peer`) talk through a TURN server over TCP, both
in one process beside it (`webrtc_engine_call.py`). Of every packet is told how late it left (after
its moment on the grid), how long it was under way, and how long the library itself would have held
its voice, decoded and behind a jitter buffer of its own, after the packet came: the delay that a
phone on the library's own playout would add, and that the lab's phone, which takes packets before
that buffer, does not.

    lab setup && python tests/bench/webrtc_engines.py [--seconds 30] [--calls 3]

On a quiet host: on a busy one it is the host that is measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH.parent / "live"))

from turn_server import LABEL, USER, turn_server  # noqa: E402

from lab.images.build import image_tag  # noqa: E402


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--calls", type=int, default=3)
    options = parser.parse_args()
    inside = BENCH / "webrtc_engine_call.py"
    with tempfile.TemporaryDirectory() as scratch, turn_server(Path(scratch) / "x" / "y") as turn:
        command = ["docker", "run", "--rm", "-i", "--label", LABEL, "--cap-drop", "ALL"]
        command += ["--network", f"container:{turn.container}", "--user", f"{USER}:{USER}"]
        command += ["--volume", f"{inside}:/call.py:ro", image_tag("endpoint")]
        command += ["python3", "/call.py", str(turn.address), str(options.seconds)]
        for number in range(options.calls):
            done = subprocess.run(
                command,
                input=json.dumps(dict(turn.passwords)),
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise SystemExit(done.stderr)
            print(f"call {number + 1}: {done.stdout}", end="")


if __name__ == "__main__":
    main()
