"""Why the exchange refused a call, where the topology itself explains it."""

from __future__ import annotations

from collections.abc import Sequence

from lab.calls.end import Outcome
from lab.wire.phone import PhoneReport

NOT_ACCEPTABLE = 488
"""SIP's answer to an offer without a codec that the other side takes (RFC 3261, 21.4.26)."""


def explained(
    outcome: Outcome[PhoneReport], codec: str, topology: str, taken: Sequence[str]
) -> str | None:
    """Why the call failed, with the codecs that the exchange takes where `codec` is none of them.

    `topology` is its name.
    """
    rejected = outcome.caller.rejected or outcome.callee.rejected
    if rejected is None or rejected.status != NOT_ACCEPTABLE or codec in taken:
        return outcome.reason
    return (
        f"{outcome.reason}; the phones offer {codec}, the PBX of topology {topology} takes "
        f"{', '.join(taken)} (its `codecs`)"
    )
