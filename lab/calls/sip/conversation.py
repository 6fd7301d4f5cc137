"""A conversation between two phones over SIP: voice is RTP, seen in captures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.calls.end import BothEnds, both_ends
from lab.calls.sip.exchange import explained
from lab.calls.sip.phone import Phone, talk
from lab.calls.site import CallSite
from lab.errors import LabError
from lab.measure.call.notes import Reports
from lab.measure.call.path import VoicePath
from lab.wire.phone import PHONE, Register, Registered, SipAccount, Voice

REGISTER_DEADLINE_S = 20.0


class SipConversation:
    """See `Conversation`."""

    def __init__(self, site: CallSite) -> None:
        self._site = site
        self._phones: BothEnds[Phone] | None = None

    @contextmanager
    def at_the_ready(self) -> Iterator[None]:
        """Start the caller's phone and the callee's."""
        site = self._site
        with both_ends(site.lab, site.workspace, PHONE, Phone) as self._phones:
            yield

    def talk(self, path: VoicePath, duration_s: float) -> None:
        """Register both phones, and let them talk."""
        site, lab = self._site, self._site.lab
        callee_extension = lab.callee.extension
        if callee_extension is None or lab.caller.extension is None:
            raise LabError("caller and callee need an extension each", "See topologies/paper.yaml.")
        assert self._phones
        caller, callee = self._phones.caller, self._phones.callee
        for phone, extension, end in (
            (caller, lab.caller.extension, path.caller),
            (callee, callee_extension, path.callee),
        ):
            account = SipAccount(
                extension,
                lab.sip_passwords[extension],
                lab.pbx_address,
                end.address,
                tunnelled=end.tunnelled,
            )
            plan = site.notes.plan
            phone.order(Register(account, site.coding, plan.playout, plan.vad, plan.phone_profile))
        for phone in (caller, callee):
            phone.wait(Registered, REGISTER_DEADLINE_S)
        here = site.workspace.node
        voices = (
            Voice(site.clip, here / "caller.wav", duration_s),
            Voice(site.clip, here / "callee.wav", duration_s),
        )
        outcome = talk(caller, callee, callee_extension, voices, began=site.voice_begins)
        topology, codec = lab.topology, site.coding.codec.name
        site.notes.failure = explained(outcome, codec, topology.name, topology.codecs)
        site.notes.reports = Reports("phone", outcome.caller, outcome.callee)

    def end(self) -> None:
        """They unregister and end."""
        assert self._phones
        self._phones.end()
