"""The calls of `lab.report.scenarios` as tables, sentences and figures, beside the first study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.ends import BOTH, CALLEE
from lab.measure.good_call import GOOD_DELAY_MS, GOOD_MOS
from lab.measure.statistics import Interval
from lab.report.agreement import RULE, Agreement, compare
from lab.report.good_calls import per_cent, share_text
from lab.report.pages import Drawing, Section, Table, counts_text, interval_text, joined
from lab.report.paper import ALL_CALLS, STUDY, Figure
from lab.report.scenarios import ALL, BAD_PESQ, HeardBy, ScenarioCalls
from lab.report.scenarios_figures import draw_delays, draw_scores, entry_in_words
from lab.report.systems import row_name

NAMES = ("system", "anonymous", "hops", "server", "heard by")
MEANS: Mapping[str, tuple[str, int]] = {"pesq": ("PESQ", 2), "delay_ms": ("one-way delay", 0)}
Name = str | int
"""Of a figure: as the study's is called, or the delay of which a share is below."""
SHARES: Mapping[Name, str] = {
    "above_3_pct": f"PESQ > {GOOD_MOS:g}",
    "good_pct": "good",
    "below_2_pct": f"PESQ < {BAD_PESQ:g}",
    **{most: f"delay < {most} ms" for most in ALL_CALLS.below_ms_pct},
}


def scenarios_section(rows: Sequence[ScenarioCalls]) -> Section:
    """Means and shares by row and end, and the distributions at the callee."""
    dashed = "solid: through Tor, dashed: direct"
    return Section(
        "Calls as out there, beside the first study's scenarios",
        (_means(rows), _shares(rows)),
        (
            *(_sentence(row) for row in rows if row.over_tor and row.counts.valid),
            f"A good call has a PESQ above {GOOD_MOS:g} and a one-way delay below "
            f"{GOOD_DELAY_MS:g} ms. The study recorded at the callee, and its figures stand "
            "beside that end. Of both, a mean is over the mean of each call's two ends, and a "
            "share is of calls of which it holds at each end.",
            "Scenario I is the caller alone anonymous and the server with the callee, II the same "
            "with the server apart, III both ends anonymous. There it was the public Tor network; "
            "here distance, relays and what others send are emulated. Calls of a row have "
            "different places and circuits: the interval of a mean is the bootstrap's over "
            "places, that of a share Wilson's, which takes calls as independent. No figure of the "
            "study enters one of these.",
            RULE,
        ),
        (
            Drawing(
                "scenarios-pesq",
                f"Share of valid calls whose PESQ at the callee is no higher; {dashed}; dotted "
                f"verticals: the means of {STUDY} for the calls of that colour.",
                draw_scores(rows),
            ),
            Drawing(
                "scenarios-delay",
                f"Share of valid calls whose median one-way delay at the callee is no longer; "
                f"{dashed}; dotted verticals: the means of {STUDY} for the calls of that colour.",
                draw_delays(rows),
            ),
        ),
    )


def _means(rows: Sequence[ScenarioCalls]) -> Table:
    cells = []
    for row in rows:
        for heard in row.heard:
            told: list[str] = []
            for name, (_, digits) in MEANS.items():
                ours = _mean(heard, name)
                told += [interval_text(ours, digits), *_beside(row, heard, name, ours)]
            cells.append((*_names(row, heard), *told, *_counts(row, heard)))
    columns = [text for name, _ in MEANS.values() for text in (f"{name} (95 % CI)", "there", "")]
    title = f"Means of calls, delay in ms; there: {STUDY}, through the public Tor network"
    counts = ("places", "valid", "invalid", "failed")
    return Table(title, (*NAMES, *columns, *counts), tuple(cells), len(NAMES))


def _shares(rows: Sequence[ScenarioCalls]) -> Table:
    """As the study heard calls, and as both ends need them."""
    cells = []
    for row in rows:
        for heard in row.heard:
            if heard.end not in (CALLEE, BOTH):
                continue
            told: list[str] = []
            for name in SHARES:
                ours = _share(heard, name)
                there = filter(None, _beside(row, heard, name, per_cent(ours)))
                told += [share_text(ours), ": ".join(there)]
            cells.append((*_names(row, heard), *told, str(heard.good.n)))
    spread = [text for name in SHARES.values() for text in (name, "there")]
    title = f"Shares of calls, per cent (95 % CI, Wilson); there: {STUDY}"
    return Table(title, (*NAMES, *spread, "n"), tuple(cells), len(NAMES))


def _names(row: ScenarioCalls, heard: HeardBy) -> tuple[str, ...]:
    hops = "-" if row.hops is None else str(row.hops)
    return _system(row), row.anonymous, hops, row.server or "-", heard.end


def _system(row: ScenarioCalls) -> str:
    return row_name(row.method, ", ".join(filter(None, [entry_in_words(row), row.others])))


def _counts(row: ScenarioCalls, heard: HeardBy) -> tuple[str, ...]:
    """Once a row: they are the same at every end."""
    if heard is not row.heard[0]:
        return "", "", "", ""
    return str(row.places), *counts_text(row.counts)


def _mean(heard: HeardBy, name: str) -> Interval:
    return {"pesq": heard.mean_mos, "delay_ms": heard.mean_delay_ms}[name]


def _share(heard: HeardBy, name: Name) -> Interval:
    if isinstance(name, int):
        return heard.below_ms[name]
    shares = {
        "above_3_pct": heard.above_3,
        "good_pct": heard.good,
        "below_2_pct": heard.below_2,
    }
    return shares[name]


def _there(row: ScenarioCalls, heard: HeardBy, name: Name) -> Figure | None:
    """The study's figure by its name, or for a delay; None where it has none of that end."""
    if row.study is None or heard.end != CALLEE:
        return None
    delays: Mapping[int, Figure] = row.study.below_ms_pct
    found: Figure | None = delays.get(name) if isinstance(name, int) else getattr(row.study, name)
    return found


def _beside(row: ScenarioCalls, heard: HeardBy, name: Name, ours: Interval) -> tuple[str, str]:
    figure = _there(row, heard, name)
    return (figure.text, str(compare(figure, ours))) if figure else ("-", "")


def _sentence(row: ScenarioCalls) -> str:
    """What the callee heard, and where that differs from the study."""
    heard = next(each for each in row.heard if each.end == CALLEE)
    who = "" if row.method == ALL else f", {_who(row)}"
    said = (
        f"{_system(row)}{who}: PESQ {interval_text(heard.mean_mos, 2)}, "
        f"{interval_text(heard.mean_delay_ms, 0)} ms one way, good "
        f"{share_text(heard.good)} %, n = {heard.good.n}"
    )
    ours: dict[Name, Interval] = {
        **{name: _mean(heard, name) for name in MEANS},
        **{name: per_cent(_share(heard, name)) for name in SHARES},
    }
    words: dict[Name, str] = {**{name: text for name, (text, _) in MEANS.items()}, **SHARES}
    verdicts = {
        name: compare(figure, interval)
        for name, interval in ours.items()
        if (figure := _there(row, heard, name)) is not None
    }
    told = [
        f"{verdict} in {joined([words[name] for name in verdicts if verdicts[name] == verdict])}"
        for verdict in (Agreement.AGREES, Agreement.DIFFERS)
        if verdict in verdicts.values()
    ]
    return f"{said}; {' and '.join(told)}." if told else f"{said}."


def _who(row: ScenarioCalls) -> str:
    ends = "both ends" if row.anonymous == BOTH else "the caller"
    return f"{ends} anonymous over {row.hops or 'different'} hops, server {row.server or 'unknown'}"
