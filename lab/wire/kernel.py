"""What a kernel offers a network namespace (`net.kernel`); the program takes no order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.wire.messages import Dialogue, Event


@dataclass(frozen=True, slots=True)
class KernelAbilities(Event):
    """What was found by trying; True where the kernel knows it."""

    qdiscs: Mapping[str, bool]
    links: Mapping[str, bool]
    """Kinds of network device."""
    congestion_controls: tuple[str, ...]
    default_congestion_control: str


KERNEL = Dialogue("net.kernel", orders=(), events=(KernelAbilities,))
