"""What an expectation is about: a figure of one call, by its column or by a shorter name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from lab.ends import EACH_END
from lab.errors import UsageError
from lab.measure.record import CallRecord
from lab.report.good_calls import is_good
from lab.store.columns import KINDS
from lab.store.database import CALL_COLUMNS, OPINION_COLUMNS
from lab.sweep.dimensions.direction import hearer
from lab.sweep.point import Point
from lab.topology.mistakes import did_you_mean
from lab.topology.units import parse_delay_ms, parse_moment_s, parse_percent, parse_rate_kbps
from lab.verdict import VALID


@dataclass(frozen=True, eq=False, slots=True)
class Unit:
    """What a measure is counted in."""

    words: str
    """Beside figures; empty where there is none."""
    digits: int
    """Decimals that are worth showing."""
    read: Callable[[str], float] | None = None
    """A number with a unit behind it → the same in this one; ValueError as `lab.topology.units`.
    None where no unit can stand there."""


PLAIN = Unit("", 2)
MILLISECONDS = Unit("ms", 1, parse_delay_ms)
SECONDS = Unit("s", 1, parse_moment_s)
KBIT_PER_S = Unit("kbit/s", 1, parse_rate_kbps)
PER_CENT = Unit("%", 1, parse_percent)
OF_ONE = Unit("", 3, lambda text: parse_percent(text) / 100)
"""A share that the record has as a number from 0 to 1."""


@dataclass(frozen=True, eq=False, slots=True)
class Measure:
    """A figure of one call, made at a point."""

    name: str
    """As it is asked for."""
    unit: Unit
    of: Callable[[CallRecord, Point], float | None]
    """None where it was not measured; of a share 1 for a call that is so, and 0."""
    share: bool = False
    """Whether a call is so or is not."""
    of_every_call: bool = False
    """Whether failed and invalid calls count, too."""


SHORT = {
    "pesq": "pesq_mos",
    "delay": "owd_ms_p50",
    "jitter": "jitter_mean",
    "loss": "loss_pct",
    "rtt": "rtt_ms",
    "setup": "setup_ms",
}
"""What a user would call a column, those of either end without the end."""
SHARES = {
    "good": Measure(
        "good", PER_CENT, lambda call, point: is_good(call, [hearer(point)]), share=True
    ),
    "valid": Measure(
        "valid",
        PER_CENT,
        lambda call, _: call.verdict == VALID,
        share=True,
        of_every_call=True,
    ),
}
"""`good` is PESQ and delay as the first study asks for, at the end that is scored."""


def measure_named(name: str) -> Measure:
    """A column of the record that holds numbers, the same without its end, or a short name.

    Without an end it is that of the end whose recording is scored. UsageError for no such name.
    """
    if name in SHARES:
        return SHARES[name]
    column = SHORT.get(name, name)
    if column in _numbers():
        return Measure(name, unit_of(column), lambda call, _: _value(call, column))
    if column in _of_either_end():
        return Measure(
            name, unit_of(column), lambda call, point: _value(call, f"{hearer(point)}_{column}")
        )
    known = [*SHARES, *SHORT, *_of_either_end(), *_numbers()]
    raise UsageError(
        f"nothing that is measured is called {name}{did_you_mean(name, known)}",
        f"Write {', '.join([*SHORT, *SHARES])} or a column of `lab export` that holds numbers.",
    )


@lru_cache
def _numbers() -> frozenset[str]:
    numbers = KINDS["int"], KINDS["float"]
    return frozenset(name for name, column in CALL_COLUMNS.items() if column.kind in numbers)


@lru_cache
def _of_either_end() -> tuple[str, ...]:
    """Columns of numbers that there are for each end, without the end."""
    of = {end: {name.removeprefix(f"{end}_") for name in _numbers()} for end in EACH_END}
    return tuple(sorted(set.intersection(*of.values()) - _numbers()))


def unit_of(column: str) -> Unit:
    """By its name, which says it."""
    words = column.split("_")
    units = {
        "ms": MILLISECONDS,
        "jitter": MILLISECONDS,
        "kbps": KBIT_PER_S,
        "pct": PER_CENT,
        "share": OF_ONE,
        "s": SECONDS,
    }
    return next((units[word] for word in words if word in units), PLAIN)


def _value(call: CallRecord, column: str) -> float | None:
    value: float | None = (
        call.opinions.get(column) if column in OPINION_COLUMNS else getattr(call, column)
    )
    return value
