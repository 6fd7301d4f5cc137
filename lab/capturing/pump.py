"""Takes the packets of a live capture from its agent to a sink, in a thread of its own.

No signal reaches that thread: what it has begun to write it writes whole.
"""

from __future__ import annotations

import threading
from base64 import b64decode
from contextlib import suppress
from itertools import islice

from lab.capturing.sinks import Sink
from lab.engine.agent import Agent, AgentError, AgentSilentError
from lab.errors import LabError
from lab.wire.live_capture import CaptureEnded, EndCapture, PacketsCaptured
from lab.wire.pcap_stream import record_ends
from lab.wire.probe import CaptureCounts

QUIET_S = 3600.0
"""A link may be quiet for as long as it likes; the agent is then listened to anew."""


class Pump:
    """Takes packets from the agent and gives them to the sink, from `start` on."""

    def __init__(self, agent: Agent, sink: Sink, most: int | None) -> None:
        """At most so many packets are given."""
        self.packets = 0
        """Given so far."""
        self.counts: CaptureCounts | None = None
        """What tcpdump counted; None where it did not come to that."""
        self.failure: LabError | OSError | None = None
        """Why no more come, or none can be given, where it was not to end."""
        self.over = threading.Event()
        """Set when there is nothing more to wait for: enough packets, or a failure."""
        self._agent = agent
        self._sink = sink
        self._most = most
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self, patience_s: float) -> None:
        """Have the capture end, and return when its last packet was given.

        Where the sink takes no more, what is left is given up: after `patience_s` where it does not
        even fail.
        """
        # An agent that has ended is the thread's to tell.
        with suppress(AgentError):
            self._agent.send(EndCapture())
        self._thread.join(patience_s)
        # What the sink has not taken by now is nobody's; the agent is to come to its end.
        with suppress(AgentError):
            while self.counts is None:
                self._note(self._agent.receive(patience_s))

    def _run(self) -> None:
        try:
            while self.counts is None:
                with suppress(AgentSilentError):
                    event = self._agent.receive(QUIET_S)
                    self._note(event)
                    if isinstance(event, PacketsCaptured):
                        self._give(b64decode(event.records))
        except (LabError, OSError) as error:
            self.failure = error
        finally:
            self.over.set()

    def _note(self, event: object) -> None:
        if isinstance(event, CaptureEnded):
            self.counts = event.counts

    def _give(self, records: bytes) -> None:
        room = None if self._most is None else self._most - self.packets
        ends = tuple(islice(record_ends(records), room))
        if ends:
            self._sink.take(records[: ends[-1]])
            self.packets += len(ends)
        if self.packets == self._most:
            self.over.set()
