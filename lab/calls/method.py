"""What a method is: how its path opens, what talks over it, and what it needs.

A method is one module of `lab.calls.methods`; everything that lists, names or checks methods is
derived from these values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lab.calls.measuring_points import MeasuringPoint
from lab.calls.needs import Need, endpoint
from lab.ends import BOTH, CALLEE
from lab.errors import LabError, UsageError
from lab.lazy import Lazy
from lab.wire.codecs import Codec
from lab.wire.paths import SINGLE
from lab.wire.phone_profile import PhoneProfile
from lab.wire.playout import Playout

if TYPE_CHECKING:
    from lab.calls.conversation import Conversation
    from lab.calls.paths.base import Way
    from lab.measure.call.notes import CallPlan
    from lab.topology.model import Topology


@dataclass(frozen=True, slots=True)
class Talkers:
    """The programs at the two ends of a call."""

    conversation: Lazy[type[Conversation]]
    exchange: str | None
    """What their voice passes through; None is the topology's PBX."""
    server_roles: tuple[str, ...]
    """The roles of the nodes that ways of theirs lead to, and that pass their voice on."""
    codecs: Mapping[str, Codec]
    """What they can carry, by name; the first is the default."""
    variable_rate: bool
    """Whether their encoder can be let vary its rate."""
    fec: bool = False
    """Whether their packets can repeat the one before (Opus's in-band FEC)."""
    fixed_playout_only: frozenset[str] = frozenset()
    """Of their engines, as codecs name them, those whose playout buffer cannot adapt."""
    pausing: frozenset[str] = frozenset()
    """Of their codecs, by name, those with which voice can be left out in pauses."""
    defaults_of_studies: frozenset[str] = frozenset()
    """Of their engines those that the studies used."""
    unbound: frozenset[str] = frozenset()
    """Of their engines those whose voice leaves from an address that the kernel chooses: on the
    exchange's own machine that is the exchange's."""


@dataclass(frozen=True, slots=True)
class BothHidden:
    """What of a method is different where Tor hides the callee as well."""

    way: Lazy[Way]
    points: tuple[MeasuringPoint, ...]
    needs: tuple[Need, ...]
    """In addition to the method's own."""


@dataclass(frozen=True, slots=True)
class Method:
    """One way of calling."""

    name: str
    """On the command line, in experiments and in records."""
    system: str
    """In tables and figures; where a study measured it, the study's own word for it."""
    description: str
    """One line of help."""
    position: int
    """Where it stands among the others in lists and tables."""
    way: Lazy[Way]
    """How its path is planned and opened."""
    talkers: Talkers
    points: tuple[MeasuringPoint, ...]
    """Where a call by it is captured."""
    needs: tuple[Need, ...]
    """What a topology must have to carry it; the first that is missing is told."""
    available_measured: bool = True
    """Whether what bandwidth its way has left can be measured after its calls."""
    replays: bool = False
    """Whether its voice is RTP on the links of both ends, where it can meet a profile."""
    both_hidden: BothHidden | None = None
    """Where its calls can hide the callee as well; None where they cannot."""
    several: Lazy[Callable[[CallPlan], Way]] | None = None
    """Of a call planned over several circuits its way; None where there is none."""

    def hiding(self, anonymous: str) -> Method:
        """The method as its calls are where `caller` or `both` ends are anonymous.

        UsageError where it cannot hide both.
        """
        if anonymous != BOTH:
            return self
        both = self.both_hidden
        if both is None:
            raise UsageError(
                f"{self.name} cannot hide both ends of a call",
                "Take one that goes through Tor, such as v-tor.",
            )
        needs = (*self.needs, *both.needs)
        return replace(self, way=both.way, points=both.points, needs=needs)

    def way_of(self, plan: CallPlan) -> Way:
        """How the path of a call opens whose plan `check_policy` lets pass."""
        if plan.policy == SINGLE:
            return self.way.load()
        assert self.several
        return self.several.load()(plan)

    def check_policy(self, policy: str, *, anonymous: str, available: bool) -> None:
        """UsageError where a policy of paths cannot be had, with whom it hides and what it asks."""
        if policy == SINGLE:
            return
        if self.several is None:
            raise UsageError(
                f"{self.name} goes over one way, and has no policy of paths", "Take v-tor."
            )
        if anonymous == BOTH:
            raise UsageError(
                f"{self.name} over several circuits cannot hide both ends of a call",
                "Leave --anonymous out, or --policy.",
            )
        if available:
            raise UsageError(
                f"what bandwidth is left cannot be measured after calls by {self.name} over "
                "several circuits",
                "Leave --available out, or --policy.",
            )

    @property
    def variants(self) -> tuple[Method, ...]:
        """The method as it is, and, where it can, as it hides both ends."""
        return (self, self.hiding(BOTH)) if self.both_hidden else (self,)

    @property
    def codecs(self) -> Mapping[str, Codec]:
        """What it can carry, by name; the first is the default."""
        return self.talkers.codecs

    def codec(self, name: str | None = None) -> Codec:
        """The codec called `name`, upper and lower case alike, or the default.

        UsageError where the method has none of that name.
        """
        if name is None:
            return next(iter(self.codecs.values()))
        for known, codec in self.codecs.items():
            if known.lower() == name.lower():
                return codec
        raise UsageError(f"{self.name} has no codec {name!r}", f"It has {', '.join(self.codecs)}.")

    def carried(self, name: str) -> str:
        """The codec a call has where `name` is asked of several methods: its own, if it has one."""
        return name if name in self.codecs else self.codec().name

    def check_playout(self, codec: Codec, playout: Playout) -> None:
        """UsageError where the program that speaks `codec` has no such buffer."""
        if playout.adaptive and codec.engine in self.talkers.fixed_playout_only:
            raise UsageError(
                f"the phone that speaks {codec.name}, {codec.engine}, has no adaptive playout",
                "Take a fixed one, such as fixed:60, or another codec.",
            )

    def check_vad(self, codec: Codec, vad: bool) -> None:
        """UsageError where the program that speaks `codec` cannot leave pauses out."""
        if vad and codec.name not in self.talkers.pausing:
            able = ", ".join(name for name in self.codecs if name in self.talkers.pausing)
            raise UsageError(
                f"{self.name} with {codec.name} has no voice activity detection",
                f"These codecs have: {able}." if able else "Phones have it: lab call sip, say.",
            )

    def check_fec(self, fec: bool) -> None:
        """UsageError where its packets cannot repeat the one before them, and are to."""
        if fec and not self.talkers.fec:
            raise UsageError(
                f"{self.name} has no in-band FEC", "WebRTC calls have: lab call webrtc, say."
            )

    def check_phone(self, codec: Codec, profile: PhoneProfile) -> None:
        """UsageError where the program that speaks `codec` is not that phone."""
        if profile is PhoneProfile.LAB or codec.engine in self.talkers.defaults_of_studies:
            return
        if not self.talkers.defaults_of_studies:
            raise UsageError(
                f"{self.name} has no phones, so none with the settings of the studies",
                "Leave --phone out.",
            )
        raise UsageError(
            f"the studies used pjsua, and the phone that speaks {codec.name} is {codec.engine}",
            "Take PCMU, PCMA, GSM or SPEEX, which pjsua has.",
        )

    def check_available(self, available: bool) -> None:
        """UsageError where what its way has left is to be measured, and cannot be."""
        if available and not self.available_measured:
            raise UsageError(
                f"what bandwidth is left cannot be measured after calls by {self.name}: "
                "its onion service takes nothing but the call",
                "Take one that goes to an address, such as v-tor or m-tor.",
            )

    def check_callee(self, codec: Codec, topology: Topology) -> None:
        """LabError where the callee's program for `codec` cannot be where the callee is."""
        callee = endpoint(topology, CALLEE)
        if callee and callee.on and codec.engine in self.talkers.unbound:
            raise LabError(
                f"the phone that speaks {codec.name}, {codec.engine}, cannot share the machine of "
                f"{callee.on}, where {CALLEE} of topology {topology.name} is",
                f"Take another codec, or give {CALLEE} `links` of its own.",
            )

    def check_topology(self, topology: Topology) -> None:
        """LabError where the topology cannot carry it, with what is missing."""
        for need in self.needs:
            if not need.met(topology):
                raise LabError(
                    f"topology {topology.name} cannot carry {self.name}: {need.lack}", need.remedy
                )
