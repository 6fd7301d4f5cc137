"""Under which user the processes of a lab run and to whom its files belong."""

from __future__ import annotations

import os
from dataclasses import dataclass

UNPRIVILEGED_ID = 10001


@dataclass(frozen=True, slots=True)
class Owner:
    """A numeric user and group, the same inside the nodes and on the host."""

    uid: int
    gid: int


def invoking_owner() -> Owner:
    """The user who calls `lab`; root's labs run under an id that nobody has."""
    if os.getuid() == 0:
        return Owner(UNPRIVILEGED_ID, UNPRIVILEGED_ID)
    return Owner(os.getuid(), os.getgid())
