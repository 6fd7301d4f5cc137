"""A conversation between two WebRTC phones: voice is inside SRTP, so the phones log it.

What WebRTC leaves to others, carrying the two descriptions of a call, the host does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from lab.calls.end import BothEnds, End, EndError, Outcome, both_ends
from lab.calls.paths.base import tor_client
from lab.calls.paths.webrtc import turn_hop
from lab.calls.site import CallSite
from lab.calls.voice_clients import USUAL, Deadlines, let_talk, opus_of, talks_of, wait_all
from lab.measure.call.notes import Reports
from lab.measure.call.path import VoicePath
from lab.wire.ports import TURN_PORT
from lab.wire.voice_client import Talk
from lab.wire.webrtc import (
    WEBRTC_PHONE,
    Accept,
    Connected,
    Described,
    Gather,
    TurnServer,
    WebrtcReport,
)


class WebrtcConversation:
    """See `Conversation`."""

    def __init__(self, site: CallSite) -> None:
        self._site = site
        self._opus = opus_of(site)
        site.notes.encoder = str(self._opus)
        self._phones: BothEnds[End] | None = None

    @contextmanager
    def at_the_ready(self) -> Iterator[None]:
        """Start the caller's phone and the callee's."""
        site = self._site
        with both_ends(site.lab, site.workspace, WEBRTC_PHONE, End) as self._phones:
            yield

    def talk(self, path: VoicePath, duration_s: float) -> None:
        """Have both phones relayed, tell each what the other says of itself, and let them talk."""
        assert self._phones
        caller, callee = self._phones.caller, self._phones.callee
        talks = talks_of(self._site, self._opus, duration_s)
        gathers = self._gathers(path)
        outcome = talk(caller, callee, gathers, talks, began=self._site.voice_begins)
        notes = self._site.notes
        notes.failure = outcome.reason
        notes.reports = Reports("webrtc", outcome.caller, outcome.callee)

    def end(self) -> None:
        """They have left; their programs end."""
        assert self._phones
        self._phones.end()

    def _gathers(self, path: VoicePath) -> tuple[Gather, Gather]:
        lab, notes = self._site.lab, self._site.notes
        address, leg = turn_hop(lab).address, path.callee_leg
        caller, callee = (
            Gather(
                TurnServer(address, TURN_PORT, node.name),
                fec=notes.plan.fec,
                proxy=tor_client(socks_port, notes.call_id),
            )
            for node, socks_port in (
                (lab.caller, path.socks_port),
                (lab.callee, leg.socks_port if leg else None),
            )
        )
        return caller, callee


def talk(
    caller: End,
    callee: End,
    gathers: tuple[Gather, Gather],
    talks: tuple[Talk, Talk],
    deadlines: Deadlines = USUAL,
    began: Callable[[float], None] = lambda at: None,
) -> Outcome[WebrtcReport]:
    """One call between two phones; `gathers` and `talks` are the caller's and the callee's.

    `began` is told when both play, Unix seconds. Never raises for a call that fails: the reason
    is in the outcome.
    """
    reason = None
    try:
        connect(caller, callee, gathers, deadlines)
        let_talk((caller, callee), talks, deadlines, began)
    except EndError as error:
        reason = error.message
    return Outcome(reason, caller.report(WebrtcReport), callee.report(WebrtcReport))


def connect(caller: End, callee: End, gathers: tuple[Gather, Gather], deadlines: Deadlines) -> None:
    """Offer, answer and the way between them; EndError where it does not come about."""
    for_caller, for_callee = gathers
    within_s = for_caller.deadline_s + deadlines.start_s
    caller.order(for_caller)
    offer = caller.wait(Described, within_s).sdp
    callee.order(replace(for_callee, offer=offer))
    caller.order(Accept(callee.wait(Described, within_s).sdp))
    wait_all((caller, callee), Connected, within_s)
