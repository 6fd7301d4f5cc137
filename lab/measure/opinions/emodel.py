"""The E-model: what delay, loss and codec make of a call (`lab.measure.emodel`)."""

from __future__ import annotations

from lab.lazy import Lazy
from lab.measure.emodel import rate
from lab.measure.opinion import Opinion


def ceiling(codec: str) -> float | None:
    """R of a codec without delay and loss; None where nothing is published for it."""
    rating = rate(codec, 0.0, 0.0)
    return None if rating is None else rating.r


OPINION = Opinion(
    name="emodel",
    title="E-model R",
    description="ITU-T G.107, R of 0 to 100: the only one that hears delay; comes with every call",
    position=20,
    tolerance=2.0,
    value_column="{end}_emodel_r",
    ceiling=Lazy(__name__, "ceiling"),
)
