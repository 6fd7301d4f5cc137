"""What is known of the clocks by which two captures were taken."""

from __future__ import annotations

from enum import StrEnum


class Clocks(StrEnum):
    """What is known of the two captures' clocks."""

    AUTO = "auto"
    """As captured if no packet then arrives before it was sent, otherwise estimated."""
    SHARED = "shared"
    """One host took both captures."""
    SEPARATE = "separate"
    """Estimate offset and skew."""
