"""A place further away: voice through Tor comes later than the distance, and in bursts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from lab import storage
from lab.calls.methods import METHODS
from lab.calls.needs import Need
from lab.demo.both_ends import mean_of_both, told_of_both
from lab.demo.demonstration import Closing, Demonstration, Question, Shown
from lab.demo.figures import Bar, draw_bars
from lab.demo.labs import lab_of_its_own
from lab.demo.stage import Stage
from lab.ends import CALLER
from lab.lifecycle.ready import ReadyLab
from lab.measure.record import CallRecord
from lab.places.cities import place_named
from lab.places.distance import Distances
from lab.report.pages import Table
from lab.shaping.cap import LinkPoint
from lab.shaping.helpers import link_helpers
from lab.shaping.live import shaped
from lab.shaping.placement import locate
from lab.wire.nodelay import Place
from lab.wire.shape import Direction

HOME, GUARD_CITY = "Bangalore", "Amsterdam"
EXIT_CITY, SERVER_CITY = "Paris", "New York"
ACCESS_MS, SERVER_MS = (
    float(round(Distances().one_way_ms(place_named(one), place_named(other))))
    for one, other in ((HOME, GUARD_CITY), (EXIT_CITY, SERVER_CITY))
)
"""One way: from the caller to its first relay, and from the last one to the server."""
WAY_MS = ACCESS_MS + SERVER_MS
HARDLY_MS = 15.0
"""Beyond the distance: less is nothing that anybody would ask about."""
A_BURST = 1.5
"""Packets: what came one by one has 1."""

NEARBY = Need(
    lambda topology: not any(node.has_delays for node in topology.nodes),
    "its links take time already",
    "Take one without delays.",
)
HOLDS_BACK = Need(
    lambda topology: topology.tor.nodelay == Place.NONE,
    "its Tor processes set TCP_NODELAY already",
    "Leave `tor: nodelay` out.",
)

PREDICTION = Question(
    f"The caller moves as far from its first relay as {HOME} is from {GUARD_CITY}, and the server "
    f"as far from the last one as {SERVER_CITY} is from {EXIT_CITY}: {WAY_MS:.0f} ms more, one "
    "way. What becomes of the voice?",
    (
        f"It comes {WAY_MS:.0f} ms later, evenly as before.",
        f"It comes clearly more than {WAY_MS:.0f} ms later, and several packets at a time.",
        f"It comes {WAY_MS:.0f} ms later, with gaps: over a distance packets are lost.",
    ),
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the calls over one distance come to, mean of both directions."""

    delay_ms: float
    """Median one-way delay."""
    burst: float
    """Packets per burst."""
    jitter_ms: float
    loss_pct: float


def show(stage: Stage) -> Shown:
    """Call nearby, far away, and far away without Nagle's algorithm."""
    near = stage.call("a call nearby", "v-tor")
    stage.person.tell(f"Nearby: {_told(near)}.")
    with moved_away(stage):
        far = stage.call("the same call from far away", "v-tor")
    stage.person.tell(
        f"Far away: {_told(far)}. Now a second lab comes up for one call, the same but that all "
        "its Tor processes set TCP_NODELAY, which Tor never does."
    )
    topology = str(stage.lab.directory / storage.TOPOLOGY)
    with lab_of_its_own(
        stage.client, "distance", topology, stage.person, {"tor.nodelay": str(Place.ALL)}
    ) as lab:
        other = stage.elsewhere(lab)
        with moved_away(other):
            eager = other.call("far away, without holding back", "v-tor")
    stage.person.tell(f"Without holding back: {_told(eager)}.")
    return _shown(near, far, eager)


@contextmanager
def moved_away(stage: Stage) -> Iterator[None]:
    """While the block runs the caller and the server are far away; then links are as before."""
    ways = ways_of(stage.lab)
    with ExitStack() as stack:
        with stage.busy("moving caller and server away") as tell:
            helpers = stack.enter_context(link_helpers(stage.lab, ways, may_change=True, tell=tell))
            before = helpers.in_force(ways)
            shapes = {point: replace(before[point], delay_ms=ms) for point, ms in ways.items()}
            stack.enter_context(shaped(helpers, shapes))
        yield


def ways_of(lab: ReadyLab) -> dict[LinkPoint, float]:
    """The links that take time, and how long: the caller's own and the server's, both ways."""
    home = lab.topology.machine(CALLER)
    access = LinkPoint(home.name, home.links[0].network)
    server = locate(lab.topology, "server", towards_caller=True)
    return {
        replace(point, direction=direction): ms
        for point, ms in ((access, ACCESS_MS), (server, SERVER_MS))
        for direction in Direction
    }


def heard_of(record: CallRecord) -> Heard:
    """What a call comes to; NotShownError where something of it was not measured."""

    return Heard(
        delay_ms=mean_of_both(record, "owd_ms_p50"),
        burst=mean_of_both(record, "burst_mean"),
        jitter_ms=mean_of_both(record, "jitter_mean"),
        loss_pct=mean_of_both(record, "loss_pct"),
    )


def came_of(near: Heard, far: Heard) -> int | None:
    """Which prediction the calls bear out; None where they bear out none."""
    beyond_ms = far.delay_ms - near.delay_ms - WAY_MS
    if far.loss_pct > max(1.0, 2 * near.loss_pct):
        return 2
    if beyond_ms > HARDLY_MS and far.burst > A_BURST:
        return 1
    return 0 if beyond_ms <= HARDLY_MS and far.burst <= A_BURST else None


def share_gone(near: Heard, far: Heard, eager: Heard) -> float | None:
    """Of what came on top of the distance, the share that was gone; None where nothing came."""
    beyond_ms = far.delay_ms - near.delay_ms - WAY_MS
    if beyond_ms <= HARDLY_MS:
        return None
    return (far.delay_ms - eager.delay_ms) / beyond_ms


def _shown(*records: CallRecord) -> Shown:
    names = ("nearby", "far away", "far away, not held back")
    near, far, eager = (heard_of(record) for record in records)
    beyond_ms = far.delay_ms - near.delay_ms - WAY_MS
    gone = share_gone(near, far, eager)
    return Shown(
        came=came_of(near, far),
        findings=(
            f"{WAY_MS:.0f} ms further away voice came {far.delay_ms - near.delay_ms:.0f} ms later, "
            f"{far.burst:.1f} packets at a time (nearby {near.burst:.1f}); {far.loss_pct:.1f} % of "
            "them were lost.",
            f"With TCP_NODELAY in every Tor process it came {eager.burst:.1f} at a time, and "
            f"{far.delay_ms - eager.delay_ms:.0f} ms earlier"
            + (f": {gone:.0%} of the {beyond_ms:.0f} ms on top." if gone is not None else "."),
            f"Jitter went from {far.jitter_ms:.1f} to {eager.jitter_ms:.1f} ms.",
        ),
        why=(
            "Nagle's algorithm, which every TCP connection has unless its program switches it off, "
            "holds a small packet back until what was sent before is acknowledged. Nearby that "
            "takes no time. Over a distance it takes a round trip, and what was held leaves at "
            "once.",
            "Tor never switches it off. A call's small packets are what it hits hardest.",
            "So much of what looks like a slow network is the programs' own waiting: it is "
            "regular, nothing is lost, and no faster link helps.",
        ),
        closing=_closing(gone),
        tables=(
            Table(
                "To the caller / to the callee",
                ("call", "delay, ms", "in a burst", "jitter, ms", "PESQ"),
                tuple(_row(name, call) for name, call in zip(names, records, strict=True)),
                1,
            ),
        ),
        drawings=(
            draw_bars(
                "distance",
                "One-way delay, mean of both directions: as nearby, what the distance itself adds, "
                "and what comes on top.",
                "ms",
                [
                    Bar(name, _parts(one, near, is_far=one is not near), f"{one.delay_ms:.0f}")
                    for name, one in zip(names, (near, far, eager), strict=True)
                ],
                ("as nearby", "the distance", "on top"),
            ),
        ),
    )


def _parts(one: Heard, near: Heard, *, is_far: bool) -> tuple[float, ...]:
    if not is_far:
        return (one.delay_ms,)
    return near.delay_ms, WAY_MS, max(0.0, one.delay_ms - near.delay_ms - WAY_MS)


def _closing(gone: float | None) -> Closing:
    right = None
    if gone is not None:
        right = 0 if gone < 0.25 else 1 if gone < 0.75 else 2
    return Closing(
        Question(
            "Voice came later than the distance alone makes it. How much of that was Nagle's "
            "algorithm, by your calls?",
            ("Less than a quarter.", "About half.", "More than three quarters."),
        ),
        right,
        lesson=2,
    )


def _row(name: str, record: CallRecord) -> tuple[str, ...]:
    figures = (("owd_ms_p50", 0), ("burst_mean", 1), ("jitter_mean", 1), ("pesq_mos", 2))
    return (name, *(told_of_both(record, figure, digits) for figure, digits in figures))


def _told(record: CallRecord) -> str:
    heard = heard_of(record)
    return f"{heard.delay_ms:.0f} ms one way, {heard.burst:.1f} packets at a time"


DEMONSTRATION = Demonstration(
    name="distance",
    title="What does distance do to voice through Tor?",
    position=50,
    topology="paper",
    needs=(*METHODS.named("v-tor").needs, NEARBY, HOLDS_BACK),
    scene=(
        "Three calls through a VPN and Tor: nearby; with the caller and the server far away; and "
        "far away in a second lab, which comes up for that call alone."
    ),
    prediction=PREDICTION,
    expected=1,
    show=show,
)
