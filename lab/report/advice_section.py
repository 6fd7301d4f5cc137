"""What can be advised, each line with its number, as a table and sentences."""

from __future__ import annotations

from collections.abc import Sequence

from lab.measure.intervals import excludes_zero
from lab.report.advice import FEWEST, RESPONSES, Advice, Change
from lab.report.pages import Section, Table, interval_text, joined, signed_text
from lab.report.responses import Response, range_text, size_text

CALLERS = "What a caller can change today"
TORS = "What Tor, or who runs a relay, could change"


def advice_section(found: Advice) -> Section:
    """Both groups of changes, a sentence each, and the table with all figures."""
    findings = [_base_in_words(found)]
    tables = []
    for title, callers in ((CALLERS, True), (TORS, False)):
        if some := [change for change in found.changes if change.callers is callers]:
            tables.append(_table(title, some))
            findings += [f"{title}: {sentence(change)}" for change in some]
    findings.append(
        "Differences are of pairs of valid calls of one seed, whose circuits differ in the change "
        "alone, at the worse end of each call; bandwidth is that on the caller's link, mean of "
        "both directions. 95 % intervals are Student's, of shares Agresti and Min's. A change is "
        "claimed where the interval excludes zero; of twenty differences that are none, about one "
        "is claimed."
    )
    return Section("What helps, changing one thing at a time", tuple(tables), tuple(findings))


def sentence(change: Change) -> str:
    """One change: what it does, what it is not seen to do, and of how many calls."""
    told = f"{change.now} instead of {change.before}"
    if not change.enough:
        few = f"n = {change.pairs}; {FEWEST} at least"
        return f"{told}: too few pairs of valid calls to say anything ({few})."
    claims = [
        _claim(each, change) for each in RESPONSES if excludes_zero(change.differences[each.name])
    ]
    others = [
        f"{each.word} ({range_text(change.differences[each.name], each.digits)})"
        for each in RESPONSES
        if not excludes_zero(change.differences[each.name])
        and change.differences[each.name].estimate is not None
    ]
    if others:
        claims.append(f"no difference seen in {joined(others)}")
    return f"{told}: {', '.join(claims) or 'nothing was measured'}; n = {change.pairs}."


def _claim(response: Response, change: Change) -> str:
    return f"{response.word} {size_text(change.differences[response.name], response)}"


def _base_in_words(found: Advice) -> str:
    levels = [
        f"{each.word} {interval_text(found.levels[each.name], each.digits)}"
        f"{' %' if each.share else f' {each.unit}'.rstrip()}"
        for each in RESPONSES
        if found.levels[each.name].estimate is not None
    ]
    counts = found.base_counts
    said = f"All beside the same calls ({found.base_in_words})"
    return f"{said}: {joined(levels) or 'no valid call so far'}; n = {counts.valid}."


def _table(title: str, changes: Sequence[Change]) -> Table:
    rows = [
        (
            change.now,
            change.before,
            *(_cell(change, each) for each in RESPONSES),
            str(change.pairs),
            str(change.counts.invalid),
            str(change.counts.failed),
        )
        for change in changes
    ]
    columns = (
        "change",
        "instead of",
        *(each.title for each in RESPONSES),
        "n",
        "invalid",
        "failed",
    )
    return Table(f"{title}: difference to the base (95 % CI)", columns, tuple(rows), 2)


def _cell(change: Change, response: Response) -> str:
    size = change.differences[response.name]
    mark = " *" if change.enough and excludes_zero(size) else ""
    return signed_text(size, response.digits) + mark
