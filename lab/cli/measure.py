"""`lab measure`: measure calls again from what is kept of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from lab.cli.opinion_options import asked, opinion_options
from lab.cli.output import doing, err, out, print_json
from lab.errors import LabError

if TYPE_CHECKING:
    from lab.measure.opinion import Opinion
    from lab.measure.record import CallRecord
    from lab.store.database import Store
    from lab.store.kept import KeptCall


@dataclass(frozen=True, slots=True)
class Again:
    """What became of measuring one call again."""

    kept: KeptCall
    record: CallRecord | None = None
    error: str | None = None
    """Why it cannot be measured."""

    @property
    def changed(self) -> dict[str, tuple[Any, Any]]:
        """Column → what the store held, and what was measured now, where these differ."""
        if self.record is None or self.kept.stored is None:
            return {}
        before, now = self.kept.stored.to_dict(), self.record.to_dict()
        names = [*now, *(name for name in before if name not in now)]
        return {
            name: (before.get(name), now.get(name))
            for name in names
            if before.get(name) != now.get(name)
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        if self.record is None:
            return {"call_id": self.kept.directory.name, "error": self.error}
        return {
            "call_id": self.record.call_id,
            "stored": self.kept.stored is not None and not self.kept.travels,
            "changed": {name: list(pair) for name, pair in self.changed.items()},
            "record": self.record.to_dict(),
        }


@click.command("measure")
@click.argument("calls", metavar="CALL…|RUN", nargs=-1, required=True)
@opinion_options("which takes a minute or two of a processor for each call")
@click.option("--json", "as_json", is_flag=True, help="Print every record, and what changed.")
@click.option("--stalls", is_flag=True, help="Also list every gap in what was heard.")
@click.pass_context
def command(
    ctx: click.Context,
    calls: tuple[str, ...],
    every: bool,
    some: tuple[Opinion, ...],
    as_json: bool,
    stalls: bool,
) -> None:
    """Measure calls again from their files alone, and write the store anew.

    CALL is a call's id, its directory, a tar archive of such directories or a bundle; RUN stands
    for all its calls, ARCHIVE:CALL for one in an archive. No lab and no Docker are needed, and the
    host may be another one: the same files give the same row. Calls that the store does not know
    are measured, and not stored; those of a bundle are compared with its own store, and neither is
    changed. What other measures say is kept with the call, and not asked again. Exit status 1
    where a call cannot be measured.
    """
    from lab.store.database import open_store
    from lab.store.kept import kept_calls

    opinions = asked(every, some)
    with open_store() as store, kept_calls(calls, store) as kept:
        done = _measure(kept, store, opinions)
        if stalls and not as_json:
            _show_stalls(done)
    if as_json:
        print_json([again.to_dict() for again in done])
    else:
        _show(done)
    failed = [again for again in done if again.record is None]
    for again in failed:
        err.print(f"{again.error}", soft_wrap=True)
    ctx.exit(1 if failed else 0)


def _measure(kept: Sequence[KeptCall], store: Store, opinions: Sequence[str]) -> list[Again]:
    """Measure every call; each is stored as soon as it is measured."""
    from lab.calls.measuring import measuring

    done: list[Again] = []
    with doing("measuring ...") as say, measuring() as measurer:
        for call in kept:
            say(f"measuring {len(done) + 1} of {len(kept)} ...")
            try:
                record = measurer.measure(call.directory, opinions)
            except LabError as error:
                done.append(Again(call, error=error.message))
                continue
            if call.travels:
                record.artefacts = call.stored.artefacts if call.stored else None
            else:
                record.artefacts = str(call.artefacts)
                if call.stored is not None:
                    store.replace_call(record)
            done.append(Again(call, record))
    return done


def _show(done: Sequence[Again]) -> None:
    from rich.table import Table

    table = Table("call", "method", "verdict", "caller hears", "callee hears", "changed", box=None)
    for again in done:
        if again.record is not None:
            table.add_row(*_cells(again, again.record))
    out.print(table)


def _show_stalls(done: Sequence[Again]) -> None:
    from lab.cli.stalls import print_stalls

    for again in done:
        if again.record is not None:
            out.print(f"call {again.record.call_id}")
            print_stalls(again.kept.directory)


def _cells(again: Again, record: CallRecord) -> tuple[str, ...]:
    changed = ", ".join(again.changed) or "nothing"
    return (
        record.call_id,
        record.method,
        record.verdict,
        *(
            "-" if mos is None else f"{mos:.2f}"
            for mos in (record.caller_pesq_mos, record.callee_pesq_mos)
        ),
        changed if again.kept.stored is not None else "not in the store",
    )
