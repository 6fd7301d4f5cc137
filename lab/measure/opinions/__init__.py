"""Every opinion on how a recording sounds: one module each, with its `OPINION`."""

from __future__ import annotations

from lab.measure.opinion import Opinion
from lab.registry import Registry

OPINIONS: Registry[Opinion] = Registry(
    __name__, "OPINION", "opinion", lambda opinion: opinion.position
)


def opinion_columns() -> tuple[str, ...]:
    """The columns that records have for the opinions that are only asked where somebody asks."""
    return tuple(column for opinion in OPINIONS for column in opinion.columns)
