"""What does a WebRTC library add to a call at either end: aiortc, or GStreamer's webrtcbin?

Two peers of one library talk through a TURN server over TCP, both in one process beside it
(`webrtc_engine_call.py`). Of every packet is told how late it left (just before encryption, after
its moment on the grid), how long it was under way (until just after decryption), and how long the
library itself then held its voice, behind a jitter buffer of its own: the delay that a phone on the
library's own playout would add, and that the lab's phone, which takes packets before that buffer,
does not. CPU time and memory are those of one phone, half the process's; of memory that is more
than half of what one would need.

    lab setup && python tests/bench/webrtc_engines.py [--seconds 30] [--calls 10]

The engines take turns. webrtcbin comes in an image that is built first, of the endpoint's and
Debian's packages. On a quiet host: on a busy one it is the host that is measured.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH.parent / "live"))

from turn_server import LABEL, USER, Turn, docker, turn_server  # noqa: E402

from lab.images.build import image_tag  # noqa: E402

WEBRTCBIN = "voice-tor-lab-bench/webrtcbin"
SHARES = (50, 95, 99, 100)
PEERS = 2
CALL_DEADLINE_S = 120.0


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--calls", type=int, default=10)
    options = parser.parse_args()
    images = {"aiortc": image_tag("endpoint"), "webrtcbin": build_webrtcbin()}
    made: dict[str, list[dict[str, Any]]] = {engine: [] for engine in images}
    failed = dict.fromkeys(images, 0)
    with tempfile.TemporaryDirectory() as scratch, turn_server(Path(scratch) / "x" / "y") as turn:
        for _ in range(options.calls):
            for engine, image in images.items():
                told = call(turn, engine, image, options.seconds)
                if told is None:
                    failed[engine] += 1
                else:
                    made[engine].append(told)
                    middle = {name: quantile(of, 50) for name, of in told["ms"].items() if of}
                    told_so_far = ", ".join(f"{name} {ms:.1f}" for name, ms in middle.items())
                    print(f"{engine}: {told_so_far} ms (medians)", file=sys.stderr)
    for engine, calls in made.items():
        print(f"{engine}: {len(calls)} calls, {failed[engine]} failed")
        if calls:
            tell(calls, options.seconds)


def build_webrtcbin() -> str:
    """The image's tag."""
    command = ["build", "--quiet", "--build-arg", f"ENDPOINT={image_tag('endpoint')}"]
    file = BENCH / "webrtcbin.Dockerfile"
    docker(*command, "--tag", WEBRTCBIN, "--file", str(file), str(BENCH))
    return WEBRTCBIN


def call(turn: Turn, engine: str, image: str, seconds: float) -> dict[str, Any] | None:
    """What one told; None for one that failed, whose reason goes to standard error."""
    command = ["docker", "run", "--rm", "-i", "--label", LABEL, "--cap-drop", "ALL"]
    command += ["--network", f"container:{turn.container}", "--user", f"{USER}:{USER}"]
    command += ["--volume", f"{BENCH}:/bench:ro", "--env", "PYTHONDONTWRITEBYTECODE=1", image]
    # Ends it in its container, too, where to give up its `docker run` would not.
    command += ["timeout", str(seconds + CALL_DEADLINE_S), "python3"]
    command += ["/bench/webrtc_engine_call.py", engine, str(turn.address), str(seconds)]
    done = subprocess.run(
        command,
        input=json.dumps(dict(turn.passwords)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"{engine}: exit {done.returncode}: {done.stderr.strip()[-400:]}", file=sys.stderr)
        return None
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def tell(calls: Sequence[dict[str, Any]], seconds: float) -> None:
    """Over the calls: the median of each, and from the best to the worst call."""
    lost = sum(each["packets"] - each["came"] for each in calls)
    print(f"  packets lost: {lost} of {sum(each['packets'] for each in calls)}")
    for name in calls[0]["ms"]:
        shares = []
        for share in SHARES:
            at = [quantile(each["ms"][name], share) for each in calls if each["ms"][name]]
            if at:
                shares.append(f"p{share} {spread(at)}")
        print(f"  {name}, ms: {'; '.join(shares)}")
    cpu = [100 * each["cpu_s"] / PEERS / seconds for each in calls]
    print(f"  CPU of a phone, % of a core: {spread(cpu)}")
    print(f"  memory of a phone, MiB: {spread([e['rss_kib'] / 1024 / PEERS for e in calls])}")


def quantile(values: Sequence[float], share: int) -> float:
    """In per cent; 100 is the largest."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]


def spread(values: Sequence[float]) -> str:
    """`1.2 (0.9-3.4)`."""
    return f"{statistics.median(values):.1f} ({min(values):.1f}-{max(values):.1f})"


if __name__ == "__main__":
    main()
