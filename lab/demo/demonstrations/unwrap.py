"""One voice packet on its way through Tor: what each who carries it can see of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.calls.measuring_points import ACCESS, CALLEE_LINK, EXIT, PBX_CALLER_LEG, TUNNEL
from lab.calls.methods import METHODS
from lab.calls.needs import Need
from lab.demo.demonstration import Closing, Demonstration, NotShownError, Question, Shown
from lab.demo.figures import Bar, draw_bars
from lab.demo.relay_captures import between_relays, circuit_relays, file_between, relay_pairs
from lab.demo.stage import Stage
from lab.demo.wrappings import Crossing, Followed, follow, steps_ms, voices_found
from lab.measure.call.notes import CallNotes, read_notes
from lab.measure.call.path import Hop, VoicePath
from lab.measure.call.voice import captured_voice
from lab.measure.capture import Address, Capture, read_capture
from lab.measure.rtp import Stream, streams
from lab.report.pages import Table, joined

READABLE = 0.5
"""Share of voice packets that are found as they were sent, for a place to be in the clear."""
WHERE = {point.name: point.where for point in (TUNNEL, ACCESS, EXIT, PBX_CALLER_LEG, CALLEE_LINK)}

ONE_CIRCUIT = Need(
    lambda topology: topology.tor.conflux == "off",
    "its calls are split over two circuits",
    "Leave `tor: conflux` out.",
)

PREDICTION = Question(
    "A call goes through a VPN, and the VPN through Tor. Who on the way can read the voice?",
    (
        "Everybody: it is an ordinary telephone call.",
        "The exit relay: there Tor's encryption ends.",
        "The VPN server and its exchange, and no relay.",
        "Nobody but the two phones.",
    ),
)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on the way."""

    name: str
    capture: Capture
    readable: float
    """Share of voice packets whose content is found there as it was sent."""


@dataclass(frozen=True, slots=True)
class Knower:
    """Who carries the call, and what of it passes there."""

    name: str
    role: str
    sees_caller: bool
    """Whether the caller's address is in the packets that it takes or passes on."""
    sees_server: bool
    reads_voice: bool


def show(stage: Stage) -> Shown:
    """Capture one call at every hop, and follow one packet of the caller's voice."""
    record = stage.call(
        "a call, captured at every hop", "v-tor", observers=[between_relays(stage.lab)]
    )
    with stage.busy("looking for one packet in every capture"):
        directory = Path(record.artefacts or "")
        notes = read_notes(directory)
        path = notes.arrived
        captures = _captures(directory, notes)
        sent = captured_voice(directory, notes).from_caller
        spots = [
            Spot(name, capture, voices_found(sent, capture)) for name, capture in captures.items()
        ]
        followed = _followed(path, captures, sent)
        knowers = knowers_of(path, {spot.name: spot for spot in spots})
    return _shown(followed, spots, knowers)


def _captures(directory: Path, notes: CallNotes) -> dict[str, Capture]:
    """What was captured, by the place on the way, from the caller's end on."""
    files = {point.name: point.file for point in notes.points}
    between = {
        _between(near, far): str(file_between(near.node, far.node))
        for near, far in relay_pairs(notes.arrived)
    }
    chosen = {
        TUNNEL.name: files[TUNNEL.name],
        ACCESS.name: files[ACCESS.name],
        **between,
        EXIT.name: files[EXIT.name],
        PBX_CALLER_LEG.name: files[PBX_CALLER_LEG.name],
        CALLEE_LINK.name: files[CALLEE_LINK.name],
    }
    return {name: read_capture(directory / file) for name, file in chosen.items()}


def _between(near: Hop, far: Hop) -> str:
    """The place on the way from one relay to the next."""
    return f"{near.node} to {far.node}"


def _followed(path: VoicePath, captures: Mapping[str, Capture], sent: Stream) -> Followed:
    """One packet, from the tunnel's device at the caller to the exchange."""
    relays = circuit_relays(path)
    guard, exit_relay = relays[0].node, relays[-1].node
    crossings = [Crossing(f"caller to {guard}", captures[ACCESS.name], relays[0].address)]
    crossings += [
        Crossing(_between(near, far), captures[_between(near, far)], far.address)
        for near, far in relay_pairs(path)
    ]
    crossings.append(Crossing(f"{exit_relay} to server", captures[EXIT.name], path.server.address))
    at_exchange = captures[PBX_CALLER_LEG.name]
    arrived = [each for each in streams(at_exchange) if each.source == path.caller.address]
    followed = None
    if arrived:
        followed = follow(
            sent,
            captures[TUNNEL.name],
            crossings,
            max(arrived, key=len),
            at_exchange,
            ("the caller's phone", "the server's exchange"),
        )
    if followed is None:
        raise NotShownError(
            "no packet of the call could be told from its neighbours at every place on its way"
        )
    return followed


def knowers_of(path: VoicePath, spots: Mapping[str, Spot]) -> list[Knower]:
    """Who carries the call from the first relay on, with what the captures beside it hold."""
    relays = list(path.circuit)
    between = [_between(near, far) for near, far in relay_pairs(path)]
    sides = [ACCESS.name, *between, EXIT.name]
    roles = {0: "guard", len(relays) - 1: "exit"}
    beside = {
        relay: (roles.get(place, "middle"), (sides[place], sides[place + 1]))
        for place, relay in enumerate(relays)
    }
    beside[path.server.node] = ("VPN server", (EXIT.name, PBX_CALLER_LEG.name))
    return [
        Knower(
            name,
            role,
            sees_caller=_passes(path.caller.home, [spots[side] for side in own]),
            sees_server=_passes(path.server.address, [spots[side] for side in own]),
            reads_voice=any(spots[side].readable > READABLE for side in own),
        )
        for name, (role, own) in beside.items()
    ]


def came_of(knowers: Sequence[Knower], spots: Sequence[Spot]) -> int:
    """Which prediction the captures bear out."""
    readers = [knower.role for knower in knowers if knower.reads_voice]
    access = next(spot for spot in spots if spot.name == ACCESS.name)
    if access.readable > READABLE:
        return 0
    if any(role != "VPN server" for role in readers):
        return 1
    return 2 if readers else 3


def _passes(address: Address, spots: Sequence[Spot]) -> bool:
    return any(spot.capture.index_of(address) >= 0 for spot in spots)


def _shown(followed: Followed, spots: Sequence[Spot], knowers: Sequence[Knower]) -> Shown:
    steps = steps_ms(followed)
    sightings = followed.sightings
    longest = max(sighting.payload_bytes for sighting in sightings[1:-1])
    readable = [WHERE.get(spot.name, spot.name) for spot in spots if spot.readable > READABLE]
    return Shown(
        came=came_of(knowers, spots),
        findings=(
            f"Packet {followed.number} of the caller's voice holds {len(followed.content)} bytes "
            f"of speech. It was in the server's exchange {steps[-1]:.1f} ms after the phone had "
            f"sent it, and on the way it was up to {longest} bytes long.",
            f"At {sightings[0].place} and at {sightings[-1].place} it bears the same number. In "
            "between it is known by its time: at each place nothing else went by between the "
            "place before and the one behind.",
            f"Voice packets, looked for in all bytes captured, were found as they were sent "
            f"{joined(readable) or 'nowhere'}.",
        ),
        why=(
            "The phone's packet goes into OpenVPN, which encrypts it for the server. That goes "
            "into Tor, which wraps it once for each relay and puts it into a cell; cells are all "
            "of one size, and TLS carries them from hop to hop.",
            "Each relay takes one layer off. Behind the last one it is OpenVPN's packet again, "
            "which only the server can open: without the VPN the exit relay would read all.",
            "Who carries it sees from whom it has the packet and to whom it passes it on, as in "
            "the table. Only who sees both ends, by their addresses or by comparing times, links "
            "them.",
        ),
        closing=_closing(knowers),
        tables=(
            Table(
                f"Voice packet {followed.number} on its way",
                ("seen", "from", "to", "as", "bytes", "ms"),
                tuple(
                    (
                        sighting.place,
                        str(sighting.source),
                        str(sighting.destination),
                        sighting.what,
                        str(sighting.payload_bytes),
                        f"{step:.2f}",
                    )
                    for sighting, step in zip(sightings, steps, strict=True)
                ),
                1,
            ),
            Table(
                "Its first bytes there",
                ("seen", "bytes"),
                tuple((each.place, each.head.hex(" ")) for each in sightings),
                2,
            ),
            Table(
                "What of the call passes whom",
                ("who", "as", "caller's address", "server's address", "voice"),
                tuple(
                    (
                        knower.name,
                        knower.role,
                        _yes(knower.sees_caller),
                        _yes(knower.sees_server),
                        _yes(knower.reads_voice),
                    )
                    for knower in knowers
                ),
                2,
            ),
        ),
        drawings=(
            draw_bars(
                "unwrap",
                "When the packet went by after its phone had sent it, and how long it was; "
                "hatched: where its voice cannot be read.",
                "ms",
                [
                    Bar(
                        sighting.place,
                        (step,),
                        f"{sighting.payload_bytes} bytes",
                        marked=number not in {0, len(sightings) - 1},
                    )
                    for number, (sighting, step) in enumerate(zip(sightings, steps, strict=True))
                ],
            ),
        ),
    )


def _closing(knowers: Sequence[Knower]) -> Closing:
    exit_relay = next(knower for knower in knowers if knower.role == "exit")
    seen = (exit_relay.sees_caller, exit_relay.sees_server, exit_relay.reads_voice)
    right = {
        (True, True, True): 0,
        (False, True, False): 1,
        (True, False, False): 2,
        (False, False, False): 3,
    }.get(seen)
    return Closing(
        Question(
            "An eavesdropper runs the exit relay of this call. What of it passes there?",
            (
                "Everything: both addresses and the voice.",
                "The server's address; neither the caller's nor the voice.",
                "The caller's address; neither the server's nor the voice.",
                "Nothing at all.",
            ),
        ),
        right,
        lesson=1,
    )


def _yes(seen: bool) -> str:
    return "yes" if seen else "no"


DEMONSTRATION = Demonstration(
    name="unwrap",
    title="Who can see what of a call through Tor?",
    position=5,
    topology="paper",
    needs=(*METHODS.named("v-tor").needs, ONE_CIRCUIT),
    scene=(
        "One call through a VPN and Tor. It is captured where the phone sends it, on each link "
        "from relay to relay, and at the server; then one packet is looked for in all of them."
    ),
    prediction=PREDICTION,
    expected=2,
    show=show,
)
