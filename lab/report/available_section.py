"""What circuits offered, as tables and a figure beside the first study's (its Table 5)."""

from __future__ import annotations

from collections.abc import Sequence

from lab.measure.good_call import GOOD_MOS
from lab.measure.statistics import Interval
from lab.report.agreement import compare
from lab.report.available import ENOUGH_KBPS, Available
from lab.report.good_calls import per_cent, share_text
from lab.report.pages import Drawing, Section, Table, interval_text
from lab.report.paper import (
    CALLS_BY_PESQ,
    OFFERED_GOOD_PCT,
    OFFERING_PCT,
    STUDY,
    Figure,
)
from lab.report.scenarios_figures import draw_available

ENOUGH = f"> {ENOUGH_KBPS / 1000:g} Mbit/s"


def available_section(rows: Sequence[Available]) -> Section:
    """Shares of circuits and of good calls, and PESQ by class."""
    [found] = rows
    return Section(
        "What circuits offered",
        (_shares(found), _classes(found)),
        (
            f"The circuits of {found.kbps.n} valid calls through Tor offered "
            f"{interval_text(found.kbps, 0)} kbit/s, mean; {share_text(found.both)} % of them "
            f"{ENOUGH}, and of the calls over these {share_text(found.good)} % were good.",
            *_not_measured(found),
            "Available is the goodput of TCP that iperf3 found on the call's own circuit after "
            "the call, the caller's where both ends have one; both ways is the lesser of the two "
            "directions. What the call met went on meanwhile. The study does not say which way it "
            "measured.",
            "Study's shares by class are its rounded numbers of calls, of their sum.",
        ),
        (
            Drawing(
                "available-pesq",
                "PESQ at the callee against what the call's circuit offered after it, the lesser "
                f"direction; grey line: {ENOUGH}, dotted: PESQ {GOOD_MOS:g}.",
                draw_available(found),
            ),
        ),
    )


def _not_measured(found: Available) -> list[str]:
    """Those that are missing may be the slow ones."""
    if not found.not_measured:
        return []
    return [
        f"Of {found.not_measured} more valid calls a direction could not be measured "
        "(`available_reason`): if for want of bandwidth, the shares here are too high."
    ]


def _shares(found: Available) -> Table:
    lines = (
        (f"circuits with {ENOUGH}, both ways", found.both, OFFERING_PCT),
        ("from the server to the caller", found.down, OFFERING_PCT),
        ("from the caller to the server", found.up, OFFERING_PCT),
        (
            f"good calls, of those over circuits with {ENOUGH} both ways",
            found.good,
            OFFERED_GOOD_PCT,
        ),
        ("good calls, of the others", found.good_with_less, None),
    )
    cells = tuple(
        (name, share_text(share), *_beside(figure, share), str(share.n))
        for name, share, figure in lines
    )
    columns = ("share of", "% (95 % CI)", STUDY, "", "n")
    return Table("Bandwidth left on a call's circuit (Wilson intervals)", columns, cells, 1)


def _classes(found: Available) -> Table:
    total = sum(CALLS_BY_PESQ.values())
    cells = []
    for each in found.classes:
        there = CALLS_BY_PESQ[each.low, each.high]
        percent = 100 * there / total
        figure = Figure(f"{percent:.1f} ({there // 1000} k calls)", percent)
        share = (share_text(each.share), *_beside(figure, each.share))
        cells.append((f"{each.low}-{each.high}", *share, str(each.calls)))
    title = f"PESQ at the callee, of calls over circuits with {ENOUGH} both ways"
    columns = ("PESQ", "% (95 % CI)", f"{STUDY}, Table 5", "", "calls")
    return Table(title, columns, tuple(cells), 1)


def _beside(figure: Figure | None, share: Interval) -> tuple[str, str]:
    """The study's figure, which is per cent, beside a share from 0 to 1."""
    if figure is None:
        return "-", ""
    return figure.text, str(compare(figure, per_cent(share)))
