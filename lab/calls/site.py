"""One call that is going to be made: where, with what, and what is asked of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from lab.calls.coding import choose_coding
from lab.calls.method import Method
from lab.calls.observe.observer import Begins
from lab.calls.workspace import Workspace, new_call_id, workspace_of
from lab.lifecycle.ready import ReadyLab
from lab.measure.call.notes import CallNotes, CallPlan, CodingNotes, LabNotes
from lab.tor.paths import with_hops
from lab.wire import places
from lab.wire.codecs import Coding

OTHER_SPEECH = places.SPEECH / "other-8k.wav"
"""Beside the clips: another talker, who says something else."""


@dataclass(frozen=True, slots=True)
class CallSite:
    """Where a call is made, with what, and where all that becomes known of it goes."""

    lab: ReadyLab
    method: Method
    coding: Coding
    notes: CallNotes
    workspace: Workspace
    awaiting_voice: list[Begins] = field(default_factory=list)
    """Who is to be told when it begins."""

    def voice_begins(self, at: float) -> None:
        """Both ends play since `at`, Unix seconds."""
        self.notes.voice_began_at = at
        for begins in self.awaiting_voice:
            begins(at)

    @property
    def clip(self) -> PurePosixPath:
        """The clip both ends play, as their nodes see it."""
        return places.SPEECH / f"clip-{self.coding.codec.sample_rate_hz // 1000}k.wav"


def new_site(lab: ReadyLab, plan: CallPlan, method: Method) -> CallSite:
    """A call by `method` that nothing is known of but what is asked; nothing is made yet.

    UsageError for a coding, a phone or a measurement that cannot be; LabError where the topology
    cannot carry the method, or has no circuit of as many hops.
    """
    topology = with_hops(lab.topology, plan.hops)
    lab = replace(lab, topology=topology)
    method.check_topology(topology)
    codec = method.codec(plan.codec)
    method.check_playout(codec, plan.playout)
    method.check_vad(codec, plan.vad)
    method.check_fec(plan.fec)
    method.check_phone(codec, plan.phone_profile)
    method.check_available(plan.available)
    method.check_policy(plan.policy, anonymous=plan.anonymous, available=plan.available)
    method.check_callee(codec, topology)
    coding = choose_coding(codec, plan.ptime_ms, plan.bitrate_kbps)
    rates = {link.rate_kbps for node in topology.nodes for link in node.links}
    notes = CallNotes(
        call_id=new_call_id(),
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        plan=plan,
        coding=CodingNotes.of(coding),
        lab=LabNotes(
            name=topology.lab,
            topology=topology.name,
            congestion_control=topology.congestion_control,
            link_rate_kbps=min((rate for rate in rates if rate is not None), default=None),
            cipher=topology.vpn.cipher,
            digest=topology.vpn.digest,
            pbx_profile=topology.pbx_profile,
            places=topology.places,
            authority=topology.authority.name,
            vpn_nodelay=topology.vpn.nodelay,
        ),
        exchange=method.talkers.exchange or str(topology.pbx),
        duration_s=plan.duration_s,
    )
    return CallSite(lab, method, coding, notes, workspace_of(lab, notes.call_id))
