"""The effects of a two-level design as tables, sentences and a figure."""

from __future__ import annotations

from collections.abc import Sequence

from lab.measure.intervals import excludes_zero
from lab.measure.statistics import Interval
from lab.report.factorial import RESPONSES, FactorEffect, Factorial
from lab.report.factorial_figures import MOST_BARS, SHOWN, draw_effects
from lab.report.pages import Drawing, Section, Table, counts_text, joined, signed_text
from lab.report.responses import PESQ, Response, size_text
from lab.report.scoring import Scoring
from lab.sweep.design import FOLDED, SCREENING

MARK = " *"
BY_END = tuple(each for each in RESPONSES if each not in SHOWN)
"""In a table of their own."""


def factorial_section(found: Factorial, scored: Scoring | None) -> Section:
    """Main effects, interactions where the design has them, and the way of scoring."""
    main = by_size(found.main)
    every = by_size(found.effects)
    pairs = [effect for effect in every if len(effect.factors) == 2]
    tables = [
        _main_table(found, main),
        *([_pair_table(pairs)] if pairs else []),
        _ends_table(main),
        _counts_table(found),
    ]
    return Section(
        "What each factor does by itself"
        if not pairs
        else "What each factor does by itself, and two of them together",
        tuple(tables),
        (*_effects_in_words(main, pairs), *_scoring_in_words(scored), *_method(found)),
        (
            Drawing(
                "factor-effects",
                f"The {'largest ' if len(every) > MOST_BARS else ''}effects, by their size on "
                "PESQ: second value less first, with 95 % intervals; pale: the interval has zero "
                "in it, or there is none.",
                draw_effects(every),
            ),
        ),
    )


def by_size(effects: Sequence[FactorEffect]) -> list[FactorEffect]:
    """The largest on PESQ first; last those that the calls cannot tell."""
    return sorted(effects, key=lambda effect: -abs(effect.sizes[PESQ.name].estimate or 0.0))


def _cell(size: Interval, response: Response) -> str:
    digits = response.digits or 1 if response.share else response.digits
    return signed_text(size, digits) + (MARK if excludes_zero(size) else "")


def _main_table(found: Factorial, effects: Sequence[FactorEffect]) -> Table:
    rows = []
    for effect in effects:
        (factor,) = effect.factors
        at_first, at_second = found.counts_at[factor.name]
        rows.append(
            (
                factor.name,
                factor.first,
                factor.second,
                *(_cell(effect.sizes[each.name], each) for each in SHOWN),
                f"{at_first.valid} / {at_second.valid}",
            )
        )
    return Table(
        "Main effects: second value less first (95 % CI); shares in percentage points; "
        "*: the interval excludes zero",
        ("factor", "first value", "second", *(each.title for each in SHOWN), "n, each side"),
        tuple(rows),
        3,
    )


def _ends_table(effects: Sequence[FactorEffect]) -> Table:
    rows = [(effect.name, *(_cell(effect.sizes[r.name], r) for r in BY_END)) for effect in effects]
    return Table(
        "Main effects on PESQ at each end, and on the share of good calls as the second study "
        "counts them (95 % CI); *: the interval excludes zero",
        ("factor", *(each.title for each in BY_END)),
        tuple(rows),
        1,
    )


def _pair_table(effects: Sequence[FactorEffect]) -> Table:
    rows = [(effect.name, *(_cell(effect.sizes[r.name], r) for r in SHOWN)) for effect in effects]
    return Table(
        "Two-way interactions, the largest on PESQ first: half of how much more the one does at "
        "the other's second value (95 % CI); *: the interval excludes zero",
        ("factors", *(each.title for each in SHOWN)),
        tuple(rows),
        1,
    )


def _counts_table(found: Factorial) -> Table:
    rows = [
        (factor.name, *(" / ".join(counts_text(counts)) for counts in found.counts_at[factor.name]))
        for factor in found.factors
    ]
    return Table(
        "Calls of the design: valid / invalid / failed",
        ("factor", "at the first value", "at the second"),
        tuple(rows),
        1,
    )


def _effects_in_words(main: Sequence[FactorEffect], pairs: Sequence[FactorEffect]) -> list[str]:
    said = [
        f"{factor.name}, {factor.first} → {factor.second}: {joined(_seen(effect))}."
        for effect in main
        for factor in effect.factors
        if _seen(effect)
    ]
    if unseen := [effect.name for effect in main if not _seen(effect)]:
        said.append(f"No effect seen on PESQ, delay or the share of good calls: {joined(unseen)}.")
    if acting := [effect.name for effect in pairs if _seen(effect)]:
        said.append(f"Act together: {joined(acting)}.")
    return said


def _seen(effect: FactorEffect) -> list[str]:
    """What it changes, where the interval excludes zero."""
    return [
        f"{response.word} {size_text(effect.sizes[response.name], response)}"
        for response in SHOWN
        if excludes_zero(effect.sizes[response.name])
    ]


def _scoring_in_words(scored: Scoring | None) -> list[str]:
    if scored is None:
        return []
    ends = [
        f"{signed_text(change, 2)} at the {end} (n = {change.n})"
        for end, change in scored.mos.items()
    ]
    return [
        "Scored as the second study's program did, whole files with the header of the reference "
        f"as audio, the same recordings of all valid calls differ in PESQ by {joined(ends)}, and "
        f"calls above 3 at both ends by {signed_text(scored.good_pesq, 1)} percentage points "
        f"(n = {scored.good_pesq.n})."
    ]


def _method(found: Factorial) -> list[str]:
    counts = found.counts
    said = [
        f"{counts.valid} valid, {counts.invalid} invalid and {counts.failed} failed calls of the "
        "design; valid ones alone enter, also the shares: a call that failed is counted, and is "
        "neither good nor bad.",
        "Effects are least-squares estimates over calls, each factor coded -1 and 1, the worse "
        "end of a call unless an end is named. Intervals are Student's t on the residuals, "
        f"with {_freedom(found)} degrees of freedom. Of 20 figures behind which is nothing, one is "
        "expected to be marked.",
        "The model has a term for every point: intervals hold what calls at one point differ by, "
        "and nothing of what factors do together, which is in the effects themselves."
        if found.saturated
        else "What the model leaves out widens the intervals.",
        "Calls at points of one topology are made in a lab that was brought up once for them; they "
        "count as independent.",
    ]
    if not any(found.residual_freedom.values()):
        said.append(
            "There are no more calls than the model has terms: no degree of freedom is left, and "
            "no interval can be given."
        )
    if found.design == SCREENING:
        said.append(
            "A screening design: two-way interactions are mixed into the main effects, so an "
            "effect here may be one of two other factors together. `design: interactions` parts "
            "them."
        )
    if found.design == FOLDED:
        said.append(
            "A screening design with its mirror image: no interaction of two factors is in a main "
            "effect; what they do together is in the intervals."
        )
    if unknown := [e.name for e in found.effects if e.sizes[PESQ.name].estimate is None]:
        said.append(f"The calls so far cannot tell from others: {joined(unknown)}.")
    if found.left_out:
        said.append(f"Not in the model, as it has more than two values: {joined(found.left_out)}.")
    return said


def _freedom(found: Factorial) -> str:
    low, high = min(found.residual_freedom.values()), max(found.residual_freedom.values())
    return str(low) if low == high else f"{low} to {high}"
