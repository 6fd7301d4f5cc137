"""The packets of the call under way, for whoever looks: two live captures, shared by all viewers.

They begin when the call's path is being opened, at an end inside a tunnel when it is open, and end
with the call's voice, or when nobody has looked for `GONE_S`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from docker.errors import DockerException
from requests.exceptions import RequestException

from lab.calls.method import Method
from lab.calls.methods import METHODS, every_measuring_point
from lab.calls.stages import CALLING, OPENING_PATH, STARTING_CAPTURES
from lab.calls.talkers import PHONES
from lab.capturing.kinds import VOICE, kinds, packet_filter
from lab.capturing.live import STOP_PATIENCE_S, capture_begun
from lab.capturing.packet import Packet, read_packet
from lab.capturing.place import Place, place_of
from lab.capturing.pump import Pump
from lab.capturing.running_call import RunningCall
from lab.capturing.sinks import Sink
from lab.ends import BOTH, CALLEE, CALLER, EACH_END, OTHER_END
from lab.errors import LabError, sentence_of
from lab.lifecycle.ready import ReadyLab, open_lab_as_it_is
from lab.measure.call.path import EndNotes
from lab.web.call.live_match import First, Matching, Passing, Window
from lab.web.hub import Hub
from lab.web.now import CallNow
from lab.wire.codecs import CODECS
from lab.wire.pcap_stream import link_type, records

log = logging.getLogger(__name__)

SEEN = (OPENING_PATH, STARTING_CAPTURES, CALLING)
"""Stages of a call in which it is captured."""
GONE_S = 3.0
POLL_S = 0.2
SILENCE_NS = 100_000_000
"""Of quiet ahead of the first packet: who has seen it has seen the voice begin."""


def method_of(call: CallNow) -> Method | None:
    """The method of a call under way, as it hides its ends; None where it is not known here."""
    if call.method not in METHODS:
        return None
    method = METHODS.named(call.method)
    return method.hiding(BOTH) if CALLEE in call.circuits and method.both_hidden else method


def in_the_clear(method: Method) -> bool:
    """Whether the voice of its calls is RTP that can be captured at both ends."""
    return method.talkers is PHONES


class _Ear(Sink):
    """Enters what one capture shows."""

    def __init__(self, session: Session, end: str) -> None:
        super().__init__(f"what arrives at the {end}", lambda: -1)
        self._session = session
        self._end = end
        self._link_type = 0

    def begin(self, header: bytes) -> None:
        """Note what the frames of the capture are."""
        self._link_type = link_type(header)

    def take(self, whole: bytes) -> None:
        """Enter the packets."""
        self._session.enter(
            self._end, [read_packet(record, self._link_type) for record in records(whole)]
        )


class Session:
    """The live captures of one call."""

    def __init__(self, hub: Hub, call: CallNow) -> None:
        self.call_id = call.call_id
        self.trouble: str | None = None
        """Why nothing is shown, a sentence."""
        self._hub = hub
        self._call = RunningCall(call.call_id, call.method, dict(call.circuits))
        self.method = method_of(call)
        self._looked_s = time.monotonic()
        self._one_at_a_time = threading.Lock()
        self._matching: Matching | None = None
        self._before_voice = call.stage != CALLING
        self._clock_hz = CODECS[call.codec].rtp_clock_hz if call.codec in CODECS else None
        self._captured_since_ns: dict[str, int] = {}
        threading.Thread(target=self._begin, daemon=True).start()

    def look(self) -> None:
        """Somebody looks."""
        self._looked_s = time.monotonic()

    @property
    def wanted(self) -> bool:
        """Whether the call goes on and somebody looks."""
        now = self._hub.now.call
        return (
            now is not None
            and now.call_id == self.call_id
            and now.stage in SEEN
            and time.monotonic() - self._looked_s < GONE_S
        )

    @property
    def _stage(self) -> str | None:
        now = self._hub.now.call
        return None if now is None else now.stage

    @property
    def capturing(self) -> bool:
        """Whether both captures have begun."""
        return len(self._captured_since_ns) == len(EACH_END)

    def enter(self, end: str, packets: list[Packet]) -> None:
        """Take in what the capture at an end has shown."""
        with self._one_at_a_time:
            if self._matching is not None:
                for packet in packets:
                    self._matching.enter(end, packet)

    def windows(self) -> Mapping[str, Window]:
        """By the end that hears it: what is known of the voice towards it."""
        with self._one_at_a_time:
            if self._matching is None:
                return {}
            both_ns = max(self._captured_since_ns.values(), default=0)
            return {
                end: passing.window(self._began_ns(end, passing), both_ns)
                for end, passing in self._matching.towards.items()
            }

    def saw_the_beginning(self, hearer: str) -> bool:
        """Whether it is known when the voice towards an end began.

        That is so where a capture began ahead of it, and was quiet at first.
        """
        with self._one_at_a_time:
            if self._matching is None:
                return False
            return self._began_ns(hearer, self._matching.towards[hearer]) is not None

    def _began_ns(self, hearer: str, passing: Passing) -> int | None:
        """When the first packet towards an end was sent, as either capture has seen it."""
        if self._was_quiet(OTHER_END[hearer], passing.first_sent):
            assert passing.first_sent is not None
            return passing.first_sent.time_ns
        if self._clock_hz is not None and self._was_quiet(hearer, passing.first_came):
            return passing.began_ns(self._clock_hz)
        return None

    def _was_quiet(self, end: str, first: First | None) -> bool:
        since_ns = self._captured_since_ns.get(end)
        if first is None or since_ns is None or not self._before_voice:
            return False
        return first.time_ns - since_ns >= SILENCE_NS

    def _begin(self) -> None:
        try:
            assert self.method is not None
            lab = open_lab_as_it_is(self._hub.client, self._hub.now.lab)
            path = self.method.way.load().plan(lab, 0)
            ends = {CALLER: path.caller, CALLEE: path.callee}
            places = _places(lab, ends, self._call)
            self._matching = Matching({end: notes.address for end, notes in ends.items()})
        except (LabError, DockerException, RequestException) as error:
            self._fail(error)
            return
        for end, place in places.items():
            threading.Thread(
                target=self._capture, args=(lab, end, place, ends[end].tunnelled), daemon=True
            ).start()

    def _capture(self, lab: ReadyLab, end: str, place: Place, tunnelled: bool) -> None:
        while tunnelled and self.wanted and self._stage == OPENING_PATH:
            time.sleep(POLL_S)
        if not self.wanted:
            return
        only = packet_filter([kinds(lab.topology.vpn.port)[VOICE]])
        ear = _Ear(self, end)
        try:
            with capture_begun(lab, place, only) as (agent, header):
                ear.begin(header)
                pump = Pump(agent, ear, None)
                pump.start()
                self._captured_since_ns[end] = time.time_ns()
                while self.wanted and not pump.over.wait(POLL_S):
                    pass
                pump.end(STOP_PATIENCE_S)
            if pump.failure is not None and self.wanted:
                self._fail(pump.failure)
        except (LabError, OSError) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        log.debug("live packets of call %s", self.call_id, exc_info=error)
        if self.trouble is None:
            self.trouble = sentence_of(error)


def _places(lab: ReadyLab, ends: Mapping[str, EndNotes], call: RunningCall) -> dict[str, Place]:
    """Where the voice of both ends is in the clear."""
    points = {point.name: point for point in every_measuring_point()}
    return {end: place_of(lab, points[notes.point], call) for end, notes in ends.items()}


@dataclass(slots=True)
class LiveVoice:
    """The session of the call under way, where somebody has looked at one."""

    hub: Hub
    session: Session | None = None

    def look(self) -> Session | None:
        """The session of the call under way; begun where there is none and its voice can be seen.

        Called by every viewer who is to see packets, about every half second.
        """
        call = self.hub.now.call
        if call is None or call.stage not in SEEN:
            return None
        method = method_of(call)
        if method is None or not in_the_clear(method):
            return None
        session = self.session
        known = session is not None and (session.call_id, session.method) == (call.call_id, method)
        if session is None or not known or not session.wanted:
            session = self.session = Session(self.hub, call)
        session.look()
        return session


@cache
def live_voice(hub: Hub) -> LiveVoice:
    """The one that all viewers of a hub share."""
    return LiveVoice(hub)
