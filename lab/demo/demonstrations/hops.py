"""Two relays or three: what the third costs depends on where it stands; what it hides does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.calls.methods import METHODS
from lab.calls.needs import Need
from lab.demo.both_ends import mean_of_both, told_of_both
from lab.demo.demonstration import Closing, Demonstration, Question, Shown
from lab.demo.figures import Bar, draw_bars
from lab.demo.stage import Stage
from lab.ends import EACH_END
from lab.measure.record import CallRecord
from lab.report.pages import Table, joined
from lab.topology.model import Topology

SHORT, LONG = 2, 3
ON_THE_WAY_SEED, FAR_SEED = 11, 8
"""Over the relays of `world` the third relay of the first lies nearly on the way to the server,
and that of the second on the other side of the world; the first two are the same in each pair."""
SAME_MS = 25.0
"""Two costs that differ by less are alike."""
LITTLE_MS = 10.0


def _has_distances(topology: Topology) -> bool:
    return len(topology.circuit_relays) >= LONG and any(
        link.sends is not None and link.sends.ways
        for relay in topology.circuit_relays
        for link in relay.links
    )


DISTANCES = Need(
    _has_distances,
    "its relays are not in different places",
    "Give its nodes a `place` each, and their network `distances: true`.",
)

PREDICTION = Question(
    "A circuit of three relays in place of two: how much later does voice arrive?",
    (
        "Half as much again: one relay more for two costs a third part more.",
        "By a few milliseconds: relays are fast.",
        "It depends on where the third one stands: by next to nothing, or by most of the way.",
    ),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A call over two relays, and one over the same two and a third."""

    short: CallRecord
    long: CallRecord

    @property
    def extra_ms(self) -> float:
        """How much later voice arrived over the longer one, mean of both directions."""
        return delay_ms(self.long) - delay_ms(self.short)

    @property
    def detour_ms(self) -> float:
        """How much longer the way itself was, as the links were set."""
        return sum(self.long.legs_ms.values()) - sum(self.short.legs_ms.values())


def show(stage: Stage) -> Shown:
    """Two pairs of calls, each over two relays and over the same two and a third."""
    pairs = []
    for seed, where in (
        (ON_THE_WAY_SEED + stage.seed, "one circuit"),
        (FAR_SEED + stage.seed, "another circuit"),
    ):
        short, long = (
            stage.call(f"{where}, {hops} relays", "v-tor", seed=seed, hops=hops)
            for hops in (SHORT, LONG)
        )
        pairs.append(Pair(short, long))
        stage.person.tell(
            f"{_circuit(short)}: {delay_ms(short):.0f} ms one way. "
            f"{_circuit(long)}: {delay_ms(long):.0f} ms."
        )
    return _shown(pairs)


def delay_ms(record: CallRecord) -> float:
    """Median one-way delay, mean of both directions; NotShownError where it was not measured."""
    return mean_of_both(record, "owd_ms_p50")


def came_of(pairs: Sequence[Pair]) -> int | None:
    """Which prediction the pairs bear out; None where they bear out none."""
    extras = [pair.extra_ms for pair in pairs]
    if max(extras) - min(extras) > SAME_MS:
        return 2
    if max(map(abs, extras)) <= LITTLE_MS:
        return 1
    shares = [pair.extra_ms / delay_ms(pair.short) for pair in pairs]
    return 0 if all(0.3 <= share <= 0.7 for share in shares) else None


def relays_to_link(record: CallRecord) -> int:
    """How many relays must be asked, one after the other, to get from the caller to the server.

    By what the relays themselves told: each knew those beside it on the circuit, and no other.
    """
    return len((record.circuit_seen or "").split())


def _shown(pairs: Sequence[Pair]) -> Shown:
    calls = [call for pair in pairs for call in (pair.short, pair.long)]
    near, far = sorted(pairs, key=lambda pair: pair.extra_ms)
    short = near.short
    return Shown(
        came=came_of(pairs),
        findings=(
            f"{_third(near)} made voice {_later(near.extra_ms)}, {_third(far)} "
            f"{_later(far.extra_ms)}.",
            f"The way itself got {near.detour_ms:.0f} and {far.detour_ms:.0f} ms longer, by the "
            "distances of the cities.",
            f"Each relay told which relays it passed cells on to: of {_circuit(short)} "
            f"{joined((short.circuit_seen or '').split())}, in this order, and nobody else.",
        ),
        why=(
            "A relay passes a cell on when it has it. What takes time is the way to it and on from "
            "it, and how TCP bundles small packets on connections that are long.",
            "A relay knows whom it has the circuit from and whom it passes it on to. With two "
            "relays the one that knows the caller also knows the one that knows the server; with "
            "three, one that knows neither end stands between.",
        ),
        closing=_closing(pairs),
        tables=(
            Table(
                "Calls over circuits of two and three relays",
                ("circuit", "the way, ms", "to caller", "to callee", "in a burst", "PESQ"),
                tuple(_row(call) for call in calls),
                1,
            ),
        ),
        drawings=(
            draw_bars(
                "hops",
                "One-way delay, mean of both directions: how long the way from the caller over "
                "the relays to the server is by the distances of the cities, and all that comes "
                "on top, the way from the server to the callee among it.",
                "ms",
                [
                    Bar(
                        _circuit(call).replace(" → ", "\n→ "),
                        (sum(call.legs_ms.values()), max(0.0, _rest_ms(call))),
                        f"{delay_ms(call):.0f}",
                    )
                    for call in calls
                ],
                ("caller to server, by distance", "the rest"),
            ),
        ),
    )


def _closing(pairs: Sequence[Pair]) -> Closing:
    linking = {relays_to_link(pair.short) for pair in pairs}
    right = linking.pop() - 1 if len(linking) == 1 else None
    choices = (
        "One: the guard.",
        "Two: the guard, and the exit that it names.",
        "Three: two relays are never enough.",
    )
    return Closing(
        Question(
            "Somebody knows the caller, and asks relays one after the other whom they passed the "
            "circuit on to. How many have to talk until a circuit of two relays leads to the "
            "server?",
            choices,
        ),
        right if right in range(len(choices)) else None,
        lesson=1,
    )


def _rest_ms(call: CallRecord) -> float:
    return delay_ms(call) - sum(call.legs_ms.values())


def _row(call: CallRecord) -> tuple[str, ...]:
    ends = [getattr(call, f"{end}_owd_ms_p50") for end in EACH_END]
    return (
        _circuit(call),
        f"{sum(call.legs_ms.values()):.0f}",
        *(f"{value:.0f} ms" for value in ends),
        told_of_both(call, "burst_mean", 1),
        told_of_both(call, "pesq_mos", 2),
    )


def _circuit(call: CallRecord) -> str:
    return (call.circuit or "").replace(" ", " → ")


def _third(pair: Pair) -> str:
    return (pair.long.circuit or "?").split()[-1]


def _later(extra_ms: float) -> str:
    return f"{abs(extra_ms):.0f} ms {'later' if extra_ms >= 0 else 'earlier'}"


DEMONSTRATION = Demonstration(
    name="hops",
    title="Two relays or three: what does the third one cost?",
    position=30,
    topology="world",
    needs=(*METHODS.named("v-tor").needs, DISTANCES),
    scene=(
        "Four calls through a VPN and Tor, between cities as far apart as they are. Two circuits "
        "have two relays, and two have the same two and a third behind them."
    ),
    prediction=PREDICTION,
    expected=2,
    show=show,
)
