"""The Tors on a call's way, in its record: their versions, and what they went by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.ends import CALLER
from lab.measure.call.tor_notes import TorNotes
from lab.measure.record import CallRecord
from lab.wire.tor_settings import SettingsInForce


def note_tors(record: CallRecord, tors: Sequence[TorNotes], authority: str | None) -> None:
    """Write versions and settings as they were read back; whatever is not as asked is a fault.

    The circuit has to be in the record already.
    """
    told = {tor.node: tor.told for tor in tors if tor.told is not None}
    record.tors = {node: settings.version for node, settings in told.items()}
    record.tor_options = {
        f"{node} {option}": value
        for node, settings in told.items()
        for option, value in settings.options.items()
    }
    record.tor_client = record.tors.get(CALLER)
    record.tor_guard = _versions(record.tors, record.guard)
    record.tor_middle = _versions(record.tors, record.middle)
    record.tor_exit = _versions(record.tors, record.exit)
    record.tor_authority = record.tors.get(authority or "")
    if client := told.get(CALLER):
        record.conflux = _conflux(client)
        parameters = client.parameters or {}
        record.consensus = {name: float(value) for name, value in parameters.items()}
    for tor in tors:
        if tor.told is None:
            record.invalid_reasons.append(f"the Tor of {tor.node} told nothing: {tor.reason}")
        else:
            record.invalid_reasons += tor.asked.faults(tor.node, tor.told)


def _versions(tors: Mapping[str, str], nodes: str | None) -> str | None:
    """Of the named relays, in their order; None where none is known."""
    found = [tors[node] for node in (nodes or "").split() if node in tors]
    return " ".join(found) or None


def _conflux(client: SettingsInForce) -> str | None:
    """`off` or what it is for; None of a Tor that knows nothing of Conflux."""
    enabled = client.options.get("ConfluxEnabled")
    if enabled is None:
        return None
    return client.options.get("ConfluxClientUX") if enabled == "1" else "off"
