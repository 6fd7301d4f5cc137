"""A live capture from its beginning to its end, and whatever ends it."""

from __future__ import annotations

import errno
import logging
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from docker import DockerClient

from lab.capturing.place import Place
from lab.capturing.pump import Pump
from lab.capturing.sinks import Sink
from lab.engine.agent import Agent
from lab.engine.execution import start_live_capture
from lab.engine.node_end import NodeEnd
from lab.engine.waiting import node_state
from lab.errors import LabError
from lab.interruption import undisturbed
from lab.lifecycle.ready import ReadyLab
from lab.wire.live_capture import CaptureBegan, CaptureLive

log = logging.getLogger(__name__)

START_DEADLINE_S = 30.0
STOP_PATIENCE_S = 5.0
POLL_S = 0.1
NOTICED_WITHIN_S = 3.0
"""How long after its interfaces the end of a node is told, at most."""


@dataclass(frozen=True, slots=True)
class Until:
    """When a capture ends by itself; None is never."""

    packets: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Captured:
    """What a capture came to."""

    packets: int
    """That the sink was given."""
    dropped: int | None
    """By the kernel, before anybody saw them; None where that was not told."""
    trouble: LabError | None
    """What ended it, where that was neither asked for nor whoever read it."""


@contextmanager
def capture_begun(lab: ReadyLab, place: Place, packet_filter: str) -> Iterator[tuple[Agent, bytes]]:
    """A capture at a place that misses no packet any more: its agent, and its pcap file's header.

    It ends with the block, if it has not before. LabError where it cannot begin.
    """
    order = CaptureLive(place.point, packet_filter, place.address, place.interface)
    with start_live_capture(lab.running, place.machine, lab.net_image, lab.owner) as agent:
        yield agent, b64decode(agent.ask(order, CaptureBegan, START_DEADLINE_S).header)


def capture(
    client: DockerClient,
    lab: ReadyLab,
    place: Place,
    packet_filter: str,
    sink: Sink,
    until: Until,
    began: Callable[[], None],
) -> Captured:
    """Give the packets at a place to `sink`, until that is enough, or a signal asks for the end.

    `began` is called when no packet is missed any more. It also ends, well, when nobody reads the
    sink any more. LabError where it cannot begin.
    """
    node = lab.running.node(place.machine)
    if node.state != "running":
        raise LabError(
            f"{place.machine} of lab {lab.running.name} is {node.state}: nothing passes there",
            f"`lab logs {place.machine}` may say why; `lab up` starts it again.",
        )
    end = NodeEnd(client, node)
    with capture_begun(lab, place, packet_filter) as (agent, header):
        try:
            sink.begin(header)
        except OSError as error:
            return Captured(0, None, _unwritable(sink, error))
        pump = Pump(agent, sink, until.packets)
        pump.start()
        try:
            try:
                began()
                _wait(pump, sink, end, until)
            finally:
                with undisturbed():
                    pump.end(STOP_PATIENCE_S)
        except KeyboardInterrupt:
            log.debug("a signal has ended the capture")
    dropped = pump.counts.dropped if pump.counts else None
    if isinstance(pump.failure, OSError):
        return Captured(pump.packets, dropped, _unwritable(sink, pump.failure))
    trouble = pump.failure
    if end.has_come(NOTICED_WITHIN_S if trouble else 0.0):
        trouble = _node_ended(lab, place.machine, node_state(client, node))
    return Captured(pump.packets, dropped, trouble)


def _wait(pump: Pump, sink: Sink, end: NodeEnd, until: Until) -> None:
    """Return when the capture is to end."""
    began_s = time.monotonic()
    rest_s = POLL_S
    while rest_s > 0 and not pump.over.wait(rest_s):
        if sink.reader_left() or end.has_come():
            return
        if until.seconds is not None:
            rest_s = min(POLL_S, began_s + until.seconds - time.monotonic())


def _unwritable(sink: Sink, error: OSError) -> LabError | None:
    """None where nobody reads it any more, which is how one ends what reads a capture."""
    if error.errno == errno.EPIPE:
        return None
    return LabError(f"{sink.name} cannot be written: {error.strerror}")


def _node_ended(lab: ReadyLab, machine: str, state: str) -> LabError:
    hint = f"`lab logs {machine}` may say why."
    if state == "running":
        state = "running again"
    elif state in {"gone", "removing"}:
        state, hint = state.replace("removing", "being removed"), ""
    return LabError(
        f"{machine} of lab {lab.running.name} ended while it was captured: it is {state}", hint
    )
