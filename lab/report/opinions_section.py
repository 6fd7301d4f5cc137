"""Several opinions on the same calls: as a section of a report."""

from __future__ import annotations

from statistics import fmean

from lab.measure.disagreement import HARMLESS_MOS, SPOILED_MOS
from lab.measure.opinions import OPINIONS
from lab.report.opinions import Agreement, Compared
from lab.report.opinions_figures import draw_against, draw_by_time
from lab.report.pages import Drawing, Section, Table


def opinions_section(found: Compared) -> Section:
    """What each says of every method, how far two agree, and what they are bothered by."""
    return Section(
        "More than one opinion",
        (_means(found), _agreements(found)),
        (
            *(_sentence(pair) for pair in found.agreements if pair.n),
            "Each is what it says of a recording less what it says of the clip through the codec "
            "alone, so that nobody's scale enters. Two disagree in sign on a recording where one "
            "finds it worse than the codec and the other better, each beyond its tolerance, or one "
            f"finds it {SPOILED_MOS:g} or more below and the other {HARMLESS_MOS:g} at most.",
            "ITU-T P.862 (PESQ) has been withdrawn in favour of P.863; docs/opinions.md tells its "
            "standing, and what each of the others hears.",
        ),
        (
            Drawing(
                "opinions",
                "Opinions against one another, a point per end of a valid call; the lines are "
                "what each says of the codec alone.",
                draw_against(found),
            ),
            Drawing(
                "opinions-late-and-lost",
                "Above over voice that came too late to be played, below over voice that never "
                "came, seconds per call.",
                draw_by_time(found),
            ),
        ),
    )


def _means(found: Compared) -> Table:
    lines = []
    methods = dict.fromkeys((end.method, end.codec) for end in found.ends)
    for method, codec in methods:
        mine = [end for end in found.ends if (end.method, end.codec) == (method, codec)]
        cells = []
        for name in found.opinions:
            deltas = [end.deltas[name] for end in mine if name in end.deltas]
            cells.append(f"{fmean(deltas):+.2f}" if deltas else "-")
        lines.append((method, codec, *cells, str(len(mine))))
    titles = (OPINIONS.named(name).title for name in found.opinions)
    columns = ("method", "codec", *titles, "call ends")
    return Table("Less what each says of the codec alone, means", columns, tuple(lines), 2)


def _agreements(found: Compared) -> Table:
    lines = tuple(
        (
            _title(pair.one),
            _title(pair.other),
            "-" if pair.spearman is None else f"{pair.spearman:.2f}",
            f"{pair.opposite} of {pair.n}",
            f"{pair.swapped} of {pair.pairs}",
        )
        for pair in found.agreements
    )
    columns = ("", "", "rank correlation", "disagree in sign", "pairs in opposite order")
    return Table("How far two agree", columns, lines, 2)


def _sentence(pair: Agreement) -> str:
    one, other = _title(pair.one), _title(pair.other)
    said = f"{one} and {other} disagree in sign on {pair.opposite} of {pair.n} call ends"
    if pair.pairs:
        said += (
            f", and put {pair.swapped} of {pair.pairs} pairs of one codec that both tell apart in "
            "opposite order"
        )
    return f"{said}."


def _title(name: str) -> str:
    return OPINIONS.named(name).title
