"""A link that loses a share of its packets, each drawn by itself."""

from __future__ import annotations

from dataclasses import replace

from lab.faults.kinds.down import FAULT_KIND as DOWN
from lab.wire.faults import LOSS

FAULT_KIND = replace(
    DOWN,
    name=LOSS,
    description="Let NODE's link to NETWORK lose a SHARE of its packets, such as 20%, either way",
    past="losing packets",
    position=20,
    has_share=True,
)
