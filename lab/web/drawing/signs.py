"""The signs of nodes: a circle for who calls, a shape for each kind of role that serves them."""

from __future__ import annotations

from lab.web.marks import Mark, mark

HEXAGON = ((-1.0, 0.0), (-0.5, -0.87), (0.5, -0.87), (1.0, 0.0), (0.5, 0.87), (-0.5, 0.87))
DIAMOND = ((-1.0, 0.0), (0.0, -1.0), (1.0, 0.0), (0.0, 1.0))
SQUARE = ((-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8))
CORNERS = {"relay": HEXAGON, "bridge": HEXAGON, "onion-service": HEXAGON, "router": DIAMOND}
"""Role → where the corners of its sign are from its middle; a square for those that serve."""


def sign(role: str, x: float, y: float, size: float) -> Mark:
    """The sign of a role around a point; `size` is from its middle to its farthest edge."""
    if role == "endpoint":
        return mark("circle", cx=x, cy=y, r=size, class_="sign")
    corners = CORNERS.get(role, SQUARE)
    points = " ".join(f"{x + east * size:.1f},{y + south * size:.1f}" for east, south in corners)
    return mark("polygon", points=points, class_="sign")
