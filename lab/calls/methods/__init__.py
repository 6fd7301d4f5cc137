"""Every way of calling: one module each, with its `METHOD`."""

from __future__ import annotations

from lab.calls.measuring_points import MeasuringPoint
from lab.calls.method import Method
from lab.registry import Registry

METHODS: Registry[Method] = Registry(__name__, "METHOD", "method", lambda method: method.position)


def every_measuring_point() -> tuple[MeasuringPoint, ...]:
    """Where calls by any method are captured, whomever they hide, from the caller's end on."""
    variants = (variant for method in METHODS for variant in method.variants)
    points = {point for variant in variants for point in variant.points}
    return tuple(sorted(points, key=lambda point: point.position))
