"""The call's OpenVPN tunnels: how they protected voice, as OpenVPN itself said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.measure.call.notes import LabNotes
from lab.measure.record import CallRecord

LOGS = "openvpn-client*.log"
"""In a call's directory: what OpenVPN said at each end that had a tunnel."""
_DATA_CHANNEL = re.compile(r"Data Channel: cipher '([^']+)'(?:, auth '([^']+)')?")

_NONE = {"[null-cipher]": "none", "[null-digest]": "none"}
"""What OpenVPN calls none (`crypto.c`)."""


@dataclass(frozen=True, slots=True)
class DataChannel:
    """How OpenVPN protects what it carries."""

    cipher: str
    digest: str | None
    """None where the cipher authenticates by itself."""

    def __str__(self) -> str:
        return self.cipher if self.digest is None else f"{self.cipher} with {self.digest}"


def note_tunnels(record: CallRecord, lab: LabNotes, directory: Path) -> None:
    """Write into the record how the tunnel was protected, and what of that nobody asked for."""
    for channel in data_channels(directory):
        record.tunnel_cipher, record.tunnel_digest = channel.cipher, channel.digest
        record.invalid_reasons += channel_faults(lab, channel)


def data_channels(directory: Path) -> Iterator[DataChannel]:
    """The last that each end's OpenVPN negotiated, by its log; none of one that says nothing."""
    for log in sorted(directory.glob(LOGS)):
        said = _DATA_CHANNEL.findall(log.read_text(encoding="utf-8", errors="replace"))
        if said:
            cipher, digest = (_NONE.get(name, name) for name in said[-1])
            yield DataChannel(cipher, digest or None)


def channel_faults(lab: LabNotes, channel: DataChannel) -> list[str]:
    """Why the tunnel is not the topology's; empty where it is."""
    same_digest = channel.digest is None or _same(channel.digest, lab.digest)
    if _same(channel.cipher, lab.cipher) and same_digest:
        return []
    return [f"the tunnel used {channel}, {lab.cipher} with {lab.digest} was asked for"]


def _same(used: str, asked: str) -> bool:
    return used.lower() == asked.lower()
