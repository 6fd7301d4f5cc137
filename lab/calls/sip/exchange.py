"""What the exchange makes of a coding: which it refuses, and which it does harm to."""

from __future__ import annotations

from collections.abc import Sequence

from lab.calls.end import Outcome
from lab.topology.model import PbxKind
from lab.wire.codecs import Coding
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


def exchange_doubts(pbx: PbxKind, asked: Coding) -> list[str]:
    """Why that exchange cannot be trusted with what was asked for; empty where it can.

    FreeSWITCH 1.10 answers with its usual packetisation, notices another one by the first
    packets, and drops some while it changes: once 160 ms of voice, both ways, in a call of
    G.711 in packets of 40 ms. It numbers what it sends anew, so no capture shows a loss.
    """
    usual_ms = asked.codec.ptimes_ms[0]
    if pbx is PbxKind.FREESWITCH and asked.ptime_ms != usual_ms:
        return [
            f"FreeSWITCH drops voice while it changes from packets of {usual_ms} ms "
            f"to {asked.ptime_ms} ms; `pbx: kamailio` takes them as they are"
        ]
    return []
