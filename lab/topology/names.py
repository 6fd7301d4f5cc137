"""What can be a name in a lab: safe in DNS, in Docker and in paths."""

from __future__ import annotations

import re

NAME_PATTERN = r"^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$"
"""Names of topologies, networks, nodes and labs."""


def is_name(text: str) -> bool:
    """Whether `text` can name a lab, a topology, a network or a node."""
    return re.fullmatch(NAME_PATTERN, text) is not None
