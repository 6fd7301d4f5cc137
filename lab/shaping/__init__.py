"""Link caps: where they sit, setting them live, reading them back, watching their queues."""

from lab.shaping.cap import Cap, LinkPoint
from lab.shaping.helpers import link_helpers
from lab.shaping.live import apply
from lab.shaping.placement import PLACEMENTS, locate, place

__all__ = ["PLACEMENTS", "Cap", "LinkPoint", "apply", "link_helpers", "locate", "place"]
