"""Whether there is in a topology what is to break."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lab.errors import UsageError
from lab.faults.fault import Fault
from lab.shaping.cap import find_link, find_machine

if TYPE_CHECKING:
    from lab.topology.model import Topology


def check_faults(topology: Topology, faults: Iterable[Fault]) -> None:
    """UsageError for a node that there is not, and for a link that it has not."""
    for fault in faults:
        try:
            find_machine(topology, fault.node)
            if fault.network is not None:
                find_link(topology, fault.node, fault.network)
        except UsageError as error:
            raise UsageError(f"{fault.words}: {error.message}", error.hint) from None
