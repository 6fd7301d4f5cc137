"""Why the exchange refused a call, where the topology itself explains it."""

from __future__ import annotations

import re
from collections.abc import Sequence

NOT_ACCEPTABLE = re.compile(r"\b488\b")
"""SIP's answer to an offer without a codec that the other side takes (RFC 3261, 21.4.26)."""


def explained(reason: str | None, codec: str, topology: str, taken: Sequence[str]) -> str | None:
    """`reason`, with the codecs that the exchange takes where `codec` is none of them.

    `topology` is its name; Mumble's server, which refuses in other words, is left alone.
    """
    if reason is None or codec in taken or not NOT_ACCEPTABLE.search(reason):
        return reason
    return (
        f"{reason}; the phones offer {codec}, the PBX of topology {topology} takes "
        f"{', '.join(taken)} (its `codecs`)"
    )
