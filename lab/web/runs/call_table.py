"""The calls of a run as a table, of which a viewer has one page at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.report.pages import number_text
from lab.web.runs.made_call import MadeCall
from lab.web.runs.progress import when

SIZES = (25, 50, 100)
"""Rows of a page that can be chosen; the first one is at the beginning."""
ORDERS: Mapping[str, Callable[[MadeCall], Any]] = {
    "started": lambda call: call.started_at,
    "caller_mos": lambda call: call.caller_pesq_mos,
    "callee_mos": lambda call: call.callee_pesq_mos,
    "caller_ms": lambda call: call.caller_owd_ms_p50,
    "callee_ms": lambda call: call.callee_owd_ms_p50,
}
"""Column → what calls are put in order by."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of which calls, in which order."""

    page: int = 1
    """Counted from 1."""
    size: int = SIZES[0]
    order: str | None = None
    """Of `ORDERS`; None: newest first."""
    descending: bool = False
    verdict: str | None = None
    """Only those; None: any."""
    point_id: str | None = None


def wanted_of(asked: Mapping[str, Any], verdict: str | None, point_id: str | None) -> Wanted:
    """What a table's pagination, as a browser sends it, asks for; what makes no sense is usual."""
    page, size, order = (asked.get(key) for key in ("page", "rowsPerPage", "sortBy"))
    return Wanted(
        page=page if isinstance(page, int) and page > 0 else 1,
        size=size if size in SIZES else SIZES[0],
        order=order if isinstance(order, str) and order in ORDERS else None,
        descending=bool(asked.get("descending")),
        verdict=verdict,
        point_id=point_id,
    )


def chosen(calls: Sequence[MadeCall], wanted: Wanted) -> list[MadeCall]:
    """All calls that are wanted, in order; `calls` are oldest first, what is unmeasured last."""
    some = [
        call
        for call in reversed(calls)
        if wanted.verdict in (None, call.verdict) and wanted.point_id in (None, call.point_id)
    ]
    if wanted.order is None:
        return some
    key = ORDERS[wanted.order]
    known = [call for call in some if key(call) is not None]
    known.sort(key=key, reverse=wanted.descending)
    return known + [call for call in some if key(call) is None]


def page_of(
    calls: Sequence[MadeCall], names: Mapping[str, str], wanted: Wanted
) -> tuple[list[dict[str, Any]], int, int]:
    """The rows of the page, how many there are on all pages, and the number of the page.

    The last page where there is none of that number. `names` is point → what it is called.
    """
    some = chosen(calls, wanted)
    last = max(1, -(-len(some) // wanted.size))
    page = min(wanted.page, last)
    part = some[(page - 1) * wanted.size : page * wanted.size]
    return [call_row(call, names) for call in part], len(some), page


def call_row(call: MadeCall, names: Mapping[str, str]) -> dict[str, Any]:
    """A call in cells; `-` is what was not measured."""
    point = call.point_id or ""
    return {
        "id": call.call_id,
        "started": when(call.started_at),
        "point": names.get(point, point),
        "number": call.point_call,
        "method": call.method,
        "codec": call.codec,
        "verdict": call.verdict,
        "caller_mos": number_text(call.caller_pesq_mos, 2),
        "callee_mos": number_text(call.callee_pesq_mos, 2),
        "caller_ms": number_text(call.caller_owd_ms_p50, 1),
        "callee_ms": number_text(call.callee_owd_ms_p50, 1),
        "why": call.why,
    }
