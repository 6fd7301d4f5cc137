"""Every dimension of experiments: one module each, with its `DIMENSION`."""

from __future__ import annotations

from lab.registry import Registry
from lab.sweep.dimension import Dimension

DIMENSIONS: Registry[Dimension] = Registry(
    __name__, "DIMENSION", "dimension", lambda dimension: dimension.position
)
