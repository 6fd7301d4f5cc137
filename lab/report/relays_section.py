"""Relays against PESQ as a table, plain words and a figure, as the first study's Fig. 10."""

from __future__ import annotations

from collections.abc import Sequence

from lab.report.pages import Drawing, Section, Table, interval_text
from lab.report.paper import STUDY
from lab.report.relays import LEAST_CALLS, LEAST_RELAYS, LEVEL, POSITIONS, USE, Dependence, Relays
from lab.report.scenarios_figures import draw_relays


def relays_section(rows: Sequence[Relays]) -> Section:
    """Each relay at each position, and whether PESQ depends on which it is."""
    [found] = rows
    return Section(
        "Relays on the way",
        (_table(found),),
        (
            *(_sentence(test) for test in found.tests),
            f"{STUDY} found no dependence on a relay's position or on how often it was used. "
            "Tests compare each call's PESQ less the mean of its kind (method, hops, who is "
            f"anonymous), of relays with {LEAST_CALLS} calls or more; the level of "
            f"{LEVEL:.0%} is shared by all {len(found.tests)} of them (Bonferroni). Not seen is "
            "not the same as not there: few calls show large differences alone. Relays are those "
            "of the caller's circuits.",
        ),
        (
            Drawing(
                "relays-pesq",
                "Mean PESQ at the callee by relay and position, with 95 % intervals; in brackets "
                "the valid calls that crossed the relay, most on top; dotted: what is good.",
                draw_relays(found),
            ),
        ),
    )


def _table(found: Relays) -> Table:
    by_place = {(row.relay, row.position): row.mos for row in found.rows}
    cells = []
    for relay, uses in found.uses.items():
        told: list[str] = []
        for position in POSITIONS:
            mos = by_place.get((relay, position))
            told += [interval_text(mos, 2), str(mos.n)] if mos else ["-", "0"]
        cells.append((relay, *told, str(uses)))
    columns = [text for position in POSITIONS for text in (f"as {position}", "n")]
    title = "PESQ at the callee by relay and position, means of valid calls (95 % CI)"
    return Table(title, ("relay", *columns, "calls in all"), tuple(cells), 1)


def _sentence(test: Dependence) -> str:
    how_often = test.of == USE
    what = "how often a relay was used" if how_often else f"which relay was the {test.of}"
    if test.p is None or test.statistic is None:
        least = f"{LEAST_RELAYS if how_often else 2} relays with {LEAST_CALLS} calls"
        return (
            f"PESQ and {what}: too few calls to say ({test.groups} relays with enough, of "
            f"{least} needed)."
        )
    name = "Spearman's rho" if how_often else "Kruskal-Wallis H"
    found = "a dependence is seen" if test.depends else "no dependence seen"
    return (
        f"PESQ and {what}: {found} ({name} = {test.statistic:.2f}, p = {test.p:.2g}, "
        f"{test.groups} relays, n = {test.calls})."
    )
