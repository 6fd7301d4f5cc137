"""What a call's directory says of itself: `call.json`, written by whoever made the call.

All that is in a record follows from this file and those beside it (captures, logs of voice,
recordings), wherever the directory lies. Addresses, names and times are those of the lab; no
path of the host is in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.measure.call.path import VoicePath
from lab.measure.call.tor_notes import CircuitNotes, RendezvousNotes, TorNotes
from lab.measure.call.watches import (
    AvailableWatch,
    DelayWatch,
    EntryWatch,
    FaultWatch,
    HostWatch,
    LinkWatch,
    LoadWatch,
)
from lab.measure.host_load import CpuTimes, NodeUsage
from lab.wire.codecs import Coding
from lab.wire.paths import SINGLE, PathsTold
from lab.wire.phone_profile import PhoneProfile
from lab.wire.plain import Scalar, ShapeError, from_plain, to_plain
from lab.wire.playout import FIXED, Playout
from lab.wire.probe import CaptureCounts, RoundTrips, Scheduling, ShapesSeen

FILE = "call.json"
FORMAT = 1
"""Counts what cannot be read as it was before; what is only added needs a default instead."""


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What kind of call is to be made."""

    method: str
    codec: str | None = None
    """None is the method's first."""
    ptime_ms: int | None = None
    """None is the codec's usual packetisation."""
    bitrate_kbps: int | None = None
    """None is the codec's usual rate."""
    duration_s: int | None = None
    """How long both ends play, the clip repeated or cut; None is the clip once."""
    seed: int = 0
    run_id: str | None = None
    hops: int | None = None
    """Relays of a circuit; None is the topology's own number."""
    playout: Playout = FIXED
    """What both ends hear, and are scored, through."""
    vad: bool = False
    """Whether phones leave pauses out (voice activity detection)."""
    phone_profile: PhoneProfile = PhoneProfile.LAB
    """Whose settings the phones have, but for what is said here."""
    vbr: bool = False
    """The lab's own clients: whether Opus may vary its rate; without meaning for SIP phones."""
    fec: bool = False
    """WebRTC phones: whether they ask for, and give, Opus with in-band FEC."""
    anonymous: str = "caller"
    """Whom Tor hides, where the method has it: the `caller` alone, or `both` ends."""
    available: bool = False
    """Whether it is measured, after the call, what bandwidth its way has left."""
    paths: int = 1
    """Circuits side by side that carry it, of a policy other than `single`."""
    policy: str = SINGLE
    """Which packet goes over which of them (`lab.wire.paths`); `single`: over one, as ever."""
    disjoint: bool = False
    """Whether no two of them may cross the same relay."""
    columns: Mapping[str, Scalar] = field(default_factory=dict)
    """Of the record: what else the call is made for, such as the point of an experiment. What
    is measured of the same things goes before."""


@dataclass(frozen=True, slots=True)
class CodingNotes:
    """How the voice is coded; nothing in it is a default any more."""

    codec: str
    """The lab's name of it."""
    encoding: str
    """As in SDP."""
    rtp_clock_hz: int
    ptime_ms: int
    """Packetisation."""
    usual_ptime_ms: int
    """The codec's own, which programs take where nothing is said."""
    bitrate_kbps: int | None
    """Of the encoder; None for a codec that has only one."""

    @classmethod
    def of(cls, coding: Coding) -> CodingNotes:
        """What of a coding is kept with a call."""
        codec = coding.codec
        return cls(
            codec.name,
            codec.encoding,
            codec.rtp_clock_hz,
            coding.ptime_ms,
            codec.ptimes_ms[0],
            coding.bitrate_kbps,
        )


@dataclass(frozen=True, slots=True)
class LabNotes:
    """The lab in which the call was made."""

    name: str
    topology: str
    congestion_control: str
    link_rate_kbps: int | None
    """The lowest rate that the topology gives a link; None where it caps none."""
    cipher: str
    digest: str
    pbx_profile: str | None = None
    """How FreeSWITCH passes voice on; None of an exchange that has no such choice."""
    places: Mapping[str, str] = field(default_factory=dict)
    """The city in which a node stands, by its name, of those that stand in one."""
    authority: str | None = None
    """The node that is the directory authority."""
    vpn_nodelay: bool | None = None
    """Whether both ends of the tunnel are to set TCP_NODELAY; None where nothing was said of it."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Which packets at a measuring point are the call's."""

    near: IPv4Address
    far: IPv4Address | None
    """None: anyone."""
    near_is_caller: bool
    """Whether what `near` sends goes towards the callee."""
    levels: tuple[str, ...]
    """At which it is counted: `ip`, `eth`."""
    also_far: tuple[IPv4Address, ...] = ()
    """Others beside `far`: the second guard of a Conflux set."""
    begun_only: bool = False
    """Whether only connections count that began while the capture ran."""


@dataclass(frozen=True, slots=True)
class PointNotes:
    """A measuring point: where packets were captured."""

    name: str
    machine: str
    """On whose clock packets are stamped, see `CallNotes.clocks`."""
    file: str
    """The capture, in the call's directory."""
    packet_filter: str
    """What was captured, as tcpdump takes it."""
    address: IPv4Address | None = None
    """By which the interface was found."""
    interface: str | None = None
    """Its name, where that is how it was found."""
    counted: Counted | None = None
    """None at a point for delay and loss alone."""


@dataclass(frozen=True, slots=True)
class Reports:
    """What the programs at both ends told."""

    kind: str
    """Which programs: a module of `lab.measure.call.ends`."""
    caller: Any
    callee: Any
    """Each is that module's kind of report."""


@dataclass(slots=True)
class ForwardedNotes:
    """What the forwarders of a call over several circuits told when it was over."""

    nodelay: bool
    """Whether they were to set TCP_NODELAY on the connections of the paths."""
    open_ms: float
    """Until every path was open."""
    caller: PathsTold | None = None
    """None where it did not come to that."""
    server: PathsTold | None = None


@dataclass(frozen=True, slots=True)
class EndedNode:
    """A node that ended although it was needed."""

    name: str
    exit_code: int | None


@dataclass(slots=True)
class CallNotes:
    """All that is known of a call but for what is measured; None is what it did not come to."""

    call_id: str
    started_at: str
    """UTC, ISO 8601."""
    plan: CallPlan
    coding: CodingNotes
    lab: LabNotes
    exchange: str
    """What voice passes through between the ends."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of everything that took part, by its name."""
    encoder: str | None = None
    """Mumble: rate and kind of the Opus encoder."""
    duration_s: float | None = None
    """How long both ends played."""
    failure: str | None = None
    """Why the call failed; None where it did not."""
    path: VoicePath | None = None
    tunnel_setup_ms: float | None = None
    """Of the caller's tunnel."""
    callee_tunnel_setup_ms: float | None = None
    tunnel_nodelay: Mapping[str, bool] = field(default_factory=dict)
    """Node → whether the OpenVPN there said that it set TCP_NODELAY on the tunnel's connection."""
    circuits: list[CircuitNotes] = field(default_factory=list)
    forwarded: ForwardedNotes | None = None
    """Of a call over several circuits; None of others."""
    entries: list[EntryWatch] = field(default_factory=list)
    """Of the clients that entered by a bridge."""
    tors: tuple[TorNotes, ...] = ()
    rendezvous: RendezvousNotes | None = None
    """Of calls to an onion service."""
    points: tuple[PointNotes, ...] = ()
    clocks: Mapping[str, str] = field(default_factory=dict)
    """Machine → the clock that stamps its packets; what is stamped by one needs no fitting."""
    captures: Mapping[str, CaptureCounts] = field(default_factory=dict)
    """By measuring point."""
    ping: RoundTrips | None = None
    """From the caller to the server."""
    callee_ping: RoundTrips | None = None
    """From a callee with a way of its own."""
    scheduling: Scheduling | None = None
    shapes: Mapping[str, ShapesSeen] = field(default_factory=dict)
    """Machine on the path → what was in force on its links."""
    host: tuple[CpuTimes, CpuTimes] | None = None
    """The host's processors, before and after."""
    hosts: tuple[HostWatch, ...] = ()
    """The other hosts, of a lab that spans several."""
    usage: tuple[Mapping[str, NodeUsage], Mapping[str, NodeUsage]] | None = None
    """Every node's processor time, before and after."""
    links: tuple[LinkWatch, ...] = ()
    """The links that were watched."""
    delays: tuple[DelayWatch, ...] = ()
    """The links on the way that take time."""
    faults: tuple[FaultWatch, ...] = ()
    """What was broken while the ends talked, asked for or not."""
    voice_began_at: float | None = None
    """When both ends played, Unix seconds; None where it came to no voice."""
    load: LoadWatch | None = None
    available: AvailableWatch | None = None
    """What the way had left after the call; None where nobody asked."""
    reports: Reports | None = None
    ended_nodes: tuple[EndedNode, ...] = ()
    lab_gone: bool = False
    """Whether the whole lab went away during the call."""
    format: int = FORMAT

    @property
    def arrived(self) -> VoicePath:
        """The path; LabError where the call did not come to have one."""
        if self.path is None:
            raise LabError(f"call {self.call_id} never had a path")
        return self.path

    def point(self, name: str) -> PointNotes | None:
        """What was captured at the measuring point of that name; None where nothing was."""
        return next((point for point in self.points if point.name == name), None)


def write_notes(directory: Path, notes: CallNotes) -> None:
    """Keep what is known of a call in its directory; LabError where the disk refuses."""
    text = json.dumps(to_plain(notes), indent=1)
    try:
        (directory / FILE).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        words = f"cannot write {directory / FILE}: {error.strerror}"
        raise LabError(words, "Make room.") from error


def read_notes(directory: Path) -> CallNotes:
    """What a call's directory says of itself; LabError where it does not, or cannot be read."""
    file = directory / FILE
    try:
        plain: Any = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LabError(
            f"call {directory.name} cannot be measured again: it was made by an earlier version, "
            f"which kept no {FILE}"
        ) from None
    except (OSError, ValueError) as error:
        raise LabError(f"{file} cannot be read: {error}") from error
    made_by = plain.get("format") if isinstance(plain, dict) else None
    if made_by != FORMAT:
        raise LabError(
            f"{file} has format {made_by!r}, and this version reads format {FORMAT}",
            "Measure it with the version that made it, or a later one.",
        )
    try:
        return from_plain(CallNotes, plain)
    except ShapeError as error:
        raise LabError(
            f"{file} does not describe a call: {error}", "A newer version may have written it."
        ) from error
