"""Opinions on calls that are over: they take minutes of a processor, which no call may miss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lab.calls.measuring import measuring
from lab.measure.record import CallRecord
from lab.store.database import Store


def add_opinions(
    store: Store, records: Sequence[CallRecord], names: Sequence[str], say: Callable[[str], object]
) -> list[CallRecord]:
    """Ask `names` about every call that went well, and store its row anew; the rows.

    Each is stored as soon as it is there. LabError where a call's files are gone.
    """
    done = []
    with measuring() as measurer:
        for number, record in enumerate(records, start=1):
            if record.status != "ok" or record.artefacts is None:
                done.append(record)
                continue
            say(f"asking {', '.join(names)} about {number} of {len(records)} ...")
            again = measurer.measure(Path(record.artefacts), names)
            again.artefacts = record.artefacts
            store.replace_call(again)
            done.append(again)
    return done
