"""Captures, pings and watches beside a node in a call; tcpdump and ping alone get CAP_NET_RAW."""

from __future__ import annotations

import re
import signal
import subprocess

from lab.agents.net.shape_watch import ShapeWatch
from lab.agents.probe.capture import STOP_DEADLINE_S, Capture, CaptureError, counted
from lab.agents.probe.timer import LatenessTimer
from lab.wire.line import Line
from lab.wire.messages import Failed
from lab.wire.probe import PROBE, Observe, Observed, Observing, Ping, RoundTrips
from lab.wire.shape import ShapingError

PING_INTERVAL_S = 1


def main() -> None:
    """Serve one call; the order to end it, or the end of the input, ends it."""
    line = Line(PROBE)
    order = line.hear_first(Observe)
    if order is None:
        return
    try:
        shapes = ShapeWatch(order.links) if order.links else None
        captures = {where.point: Capture(where) for where in order.captures}
        for capture in captures.values():
            capture.wait_until_listening()
    except (CaptureError, ShapingError) as error:
        line.say(Failed(str(error)))
        return
    ping = _start_ping(order.ping) if order.ping else None
    timer = LatenessTimer() if order.timer else None
    line.say(Observing())
    line.hear()
    scheduling = timer.stop() if timer else None
    seen = shapes.end() if shapes else None
    line.say(
        Observed(
            captures={point: capture.stop() for point, capture in captures.items()},
            ping=_stop_ping(ping) if ping else None,
            timer=scheduling,
            shapes=seen,
        )
    )


def _start_ping(ping: Ping) -> subprocess.Popen[str]:
    ends = ["-I", str(ping.source), str(ping.target)]
    command = ["ping", "-n", "-i", str(PING_INTERVAL_S), *ends]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _stop_ping(process: subprocess.Popen[str]) -> RoundTrips:
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=STOP_DEADLINE_S)
    return RoundTrips(
        sent=counted(r"(\d+) packets transmitted", text),
        received=counted(r"(\d+) received", text),
        rtt_ms=tuple(float(value) for value in re.findall(r"time=([\d.]+) ms", text)),
    )


if __name__ == "__main__":
    main()
