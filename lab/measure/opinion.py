"""What an opinion is: a program's judgement of how a recording sounds, in its own column.

An opinion is one module of `lab.measure.opinions`; columns, options, help, reports and doctor
are derived from it. PESQ and the E-model come with every call; the others take packages of their
own (`pip install .[opinions]`) and seconds of a processor, and are asked where somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from lab.ends import EACH_END
from lab.lazy import Lazy

if TYPE_CHECKING:
    from lab.measure.samples import Samples

RATE_HZ = 16_000
"""Of what further opinions hear."""


class Pair(NamedTuple):
    """What is compared: one dimension, full scale 1.0, at `RATE_HZ`."""

    clip: Samples
    heard: Samples
    """The stretch of the recording that holds the clip, a little more on both sides."""


Rate = Callable[[Pair], float]
"""The opinion itself: a figure, the higher the better; LabError where there is none."""


@dataclass(frozen=True)
class Opinion:
    """One way of judging."""

    name: str
    """In columns and on the command line."""
    title: str
    """In tables and figures."""
    description: str
    """One line of help."""
    position: int
    """Where it stands among the others."""
    tolerance: float
    """The smallest difference of two values that is more than its own chance."""
    packages: tuple[str, ...] = ()
    """What must be installed for it, as PyPI calls it; the first has its version."""
    modules: tuple[str, ...] = ()
    """What these are imported as."""
    rate: Lazy[Rate] | None = None
    """None for what is measured with every call."""
    value_column: str = "{end}_{name}"
    ceiling_column: str = "{name}_ceiling"
    ceiling: Lazy[Callable[[str], float | None]] | None = None
    """Codec → the most it can say of one, where that is a matter of arithmetic."""

    @property
    def is_extra(self) -> bool:
        """Whether it is only asked where somebody asks."""
        return self.rate is not None

    @property
    def ceiling_name(self) -> str:
        """The column of what it says of the clip through the codec alone."""
        return self.ceiling_column.format(name=self.name)

    def column(self, end: str) -> str:
        """The column of what it says of what `end` received."""
        return self.value_column.format(end=end, name=self.name)

    def delta_column(self, end: str) -> str:
        """The column of that less the codec's own ceiling: below zero is worse than the codec."""
        return f"{end}_{self.name}_delta"

    @property
    def columns(self) -> tuple[str, ...]:
        """Those it brings to records of calls; what comes with every call has its own there."""
        if not self.is_extra:
            return ()
        ends = EACH_END
        return (
            *(self.column(end) for end in ends),
            self.ceiling_name,
            *(self.delta_column(end) for end in ends),
        )

    def value(self, row: Mapping[str, Any], end: str) -> float | None:
        """What it says of what `end` received in a call with these columns."""
        return row.get(self.column(end))

    def best(self, row: Mapping[str, Any]) -> float | None:
        """What it says of the call's clip through the codec alone."""
        if self.ceiling is not None:
            return self.ceiling.load()(str(row.get("codec") or ""))
        return row.get(self.ceiling_name)

    def delta(self, row: Mapping[str, Any], end: str) -> float | None:
        """By how much it finds what `end` received above the codec alone; None where unknown."""
        value, best = self.value(row, end), self.best(row)
        return None if value is None or best is None else value - best

    @cached_property
    def lacking(self) -> tuple[str, ...]:
        """The packages it needs and this Python does not have."""
        return tuple(
            package
            for package, module in zip(self.packages, self.modules, strict=True)
            if find_spec(module) is None
        )

    @property
    def version(self) -> str:
        """Of everything that has a part in its figures."""
        return ", ".join(f"{package} {metadata.version(package)}" for package in self.packages)
