"""Whether a client entered the Tor network by its bridge, and by nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lab.ends import CALLER
from lab.errors import LabError
from lab.measure.call.notes import CallNotes
from lab.measure.call.traffic import packets_between
from lab.measure.call.watches import EntryWatch
from lab.measure.capture import read_capture
from lab.measure.record import CallRecord
from lab.wire.sockets import TcpState


def note_entries(record: CallRecord, notes: CallNotes) -> None:
    """Write the caller's bridge into the record, and what is wrong with anybody's."""
    for watch in notes.entries:
        if watch.end == CALLER:
            record.bridge, record.bridge_transport = watch.bridge, watch.port.transport
            record.bridge_place = notes.lab.places.get(watch.bridge)
        record.invalid_reasons += entry_faults(watch)


def entry_faults(watch: EntryWatch) -> Iterator[str]:
    """What contradicts "it entered by its bridge alone" in what was read around the call."""
    client, bridge = watch.client_after, watch.bridge_after
    if client is None:
        yield f"how the client of {watch.end} entered could not be read after the call"
    if bridge is None:
        yield f"bridge {watch.bridge} did not answer after the call"
    if watch.broken:
        yield watch.broken
    seen = [watch.client_before, *([client] if client else [])]
    if any(watch.bridge in each.listed for each in seen) or (bridge and bridge.in_consensus):
        yield f"bridge {watch.bridge} is listed in the consensus: it is a relay"
    sockets = {socket for each in seen for socket in each.sockets}
    for relay, addresses in watch.relays.items():
        if count := sum(socket.far in addresses for socket in sockets):
            yield f"{watch.end} was connected with relay {relay}, past its bridge: {count} sockets"
    port = watch.port
    if not any(
        socket.state is TcpState.ESTABLISHED
        and (socket.far, socket.far_port) == (port.address, port.port)
        for socket in watch.client_before.sockets
    ):
        where = f"port {port.port} ({port.transport}) of bridge {watch.bridge}"
        yield f"{watch.end} was not connected with {where}"


def direct_faults(notes: CallNotes, directory: Path) -> list[str]:
    """Which packets went past a bridge to relays, as captured at the client; best empty."""
    faults: list[str] = []
    for watch in notes.entries:
        own = (p for p in notes.points if (p.machine, p.address) == (watch.end, watch.home))
        point = next(own, None)
        if point is None:
            continue
        try:
            capture = read_capture(directory / point.file)
        except LabError as error:
            why = error.message.replace(f"{directory}/", "")
            faults.append(f"whether packets went past the bridge cannot be told: {why}")
            continue
        for relay, addresses in watch.relays.items():
            if past := packets_between(capture, watch.home, addresses):
                faults.append(f"{past} packets went between {watch.end} and relay {relay} directly")
    return faults
