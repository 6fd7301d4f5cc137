"""The ledger of a call's stalls, for a person to read."""

from __future__ import annotations

import json
from pathlib import Path

from rich.table import Table

from lab.cli.output import out
from lab.measure.call.files import STALLS

HEADINGS = (
    "heard by",
    "at s",
    "ms",
    "cause",
    "late ms",
    "lost ms",
    "made up ms",
    "silent ms",
    "dry",
)


def print_stalls(directory: Path) -> None:
    """Every gap in what was heard in the call of that directory, end by end."""
    file = directory / STALLS
    if not file.exists():
        out.print("no ledger of stalls: what this call's ends heard cannot be told frame by frame")
        return
    told = json.loads(file.read_text(encoding="utf-8"))
    table = Table(box=None, header_style="bold")
    for heading in HEADINGS:
        words = heading in ("heard by", "cause", "dry")
        table.add_column(heading, justify="left" if words else "right")
    for end, found in told.items():
        for stall in found["ledger"]:
            table.add_row(
                end,
                f"{stall['at_s']:.2f}",
                f"{stall['ms']:.0f}",
                stall["cause"],
                f"{stall['late_ms']:.0f}",
                f"{stall['lost_ms']:.0f}",
                f"{stall['concealed_ms']:.0f}",
                f"{stall['ms'] - stall['concealed_ms']:.0f}",
                "yes" if stall["dry"] else "no",
            )
    if table.row_count:
        out.print(table)
    for end, found in told.items():
        out.print(
            f"{end}: {found['stalls']} stalls, {found['stall_ms_total']:.0f} ms in all, "
            f"the longest {found['stall_ms_max']:.0f} ms; "
            f"{found['late_pct']:.2f} % of the voice late "
            f"for {found['playout']}"
        )
