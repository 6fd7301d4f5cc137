"""Why calls of a `lab field` table score what they do: ceilings, causes, the study's own scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from lab.ends import EACH_END
from lab.field.causes import OWN_MOS, shares, steps
from lab.field.row import CallRow
from lab.report.pages import Section, Table, interval_text

SAME = 0.0005
"""The study prints three digits."""


def why_sections(rows: Sequence[CallRow]) -> tuple[Section, ...]:
    """The sections, as far as the table has what they are about."""
    found = []
    if any(step.loss_mos.n for step in steps(rows)):
        found.append(_causes(rows))
    if any(getattr(row, f"{end}_header_pesq_raw") is not None for row in rows for end in EACH_END):
        found.append(_authors(rows))
    return tuple(found)


def why_data(rows: Sequence[CallRow]) -> dict[str, Any]:
    """The same for JSON."""
    return {
        "loss_by_step": [asdict(step) for step in steps(rows)],
        "loss_explained": asdict(shares(rows)),
    }


def _causes(rows: Sequence[CallRow]) -> Section:
    taken, explained = steps(rows), shares(rows)
    tables = [
        _ceilings(rows),
        Table(
            f"Of {OWN_MOS:g}, the clip against itself, what each takes: mean MOS of call ends",
            ("", "MOS (95 %)", "call ends"),
            tuple(
                (step.cause, interval_text(step.loss_mos, 2), str(step.loss_mos.n))
                for step in taken
            ),
            1,
        ),
    ]
    if explained.shares:
        whole = sum(share.share for share in explained.shares)
        rows_of = [
            (share.cause, f"{share.share:.0%} ({share.low:.0%} to {share.high:.0%})")
            for share in explained.shares
        ]
        tables.append(
            Table(
                "Of the differences between calls, what goes with each: share of the variance",
                ("", "share (95 %)"),
                (*rows_of, ("none of these", f"{1 - whole:.0%}")),
                1,
            )
        )
    return Section(
        "Why: what the loss in PESQ goes with",
        tuple(tables),
        (
            "A call's ceiling is its clip through its codec offline, less what its sender left "
            "out of it as captured: what silence suppression takes by itself, without network or "
            "playout.",
            *(
                (
                    "Shares are Lindeman, Merenda and Gold's (LMG) of the R² of a linear model, "
                    f"n = {explained.ends} call ends of {explained.series} series; intervals draw "
                    "series.",
                )
                if explained.shares
                else ()
            ),
            *explained.remarks,
        ),
        (),
    )


def _ceilings(rows: Sequence[CallRow]) -> Table:
    """By codec, with and without Tor: the steps from the codec to the call."""
    names = ("_codec_ceiling_mos", "_ceiling_mos", "_pesq_mos")
    groups: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    suppressed: dict[tuple[str, str], list[bool]] = {}
    for row in rows:
        for end in EACH_END:
            values = [getattr(row, end + name) for name in names]
            if row.valid and None not in values:
                key = row.tor_status or "?", row.codec or "?"
                groups.setdefault(key, []).append(tuple(values))
                suppressed.setdefault(key, []).append(bool(getattr(row, f"{end}_vad")))
    lines = []
    for key, ends in sorted(groups.items()):
        codec, call, heard = (fmean(end[place] for end in ends) for place in range(3))
        lines.append(
            (
                *key,
                f"{codec:.2f}",
                f"{call:.2f}",
                f"{heard:.2f}",
                f"{call - heard:.2f}",
                f"{sum(suppressed[key])} of {len(ends)}",
            )
        )
    columns = (
        "", "codec", "codec alone", "and pauses left out", "heard", "lost beyond both",
        "silence suppressed",
    )  # fmt: skip
    return Table("Ceilings: MOS-LQO, means of call ends", columns, tuple(lines), 2)


def _authors(rows: Sequence[CallRow]) -> Section:
    lines, same, compared, differences = [], 0, 0, []
    for row in rows:
        for end in EACH_END:
            header = getattr(row, f"{end}_header_pesq_raw")
            right = getattr(row, f"{end}_pesq_raw")
            theirs = getattr(row, f"{end}_authors_pesq_raw")
            if header is None:
                continue
            lines.append(
                (
                    row.tor_status or "?", row.codec or "?", row.location, str(row.iteration_no),
                    end, _raw(theirs), _raw(header), _raw(right),
                )
            )  # fmt: skip
            if right is not None:
                differences.append(abs(header - right))
            if theirs is not None:
                compared += 1
                same += abs(round(header, 3) - theirs) < SAME
    notes = [
        "The ITU-T's reference program takes all from byte 44 of a WAV file on for samples. Where "
        "a reference has more of a header than that, the rest of it stands before the clip as a "
        "click. Here the right score is of the clip alone, found in the recording."
    ]
    if differences:
        notes.append(f"The two differ by up to {max(differences):.2f}, n = {len(differences)}.")
    if compared:
        notes.append(
            f"{same} of the study's {compared} own scores are those of the header as audio, to "
            "three digits."
        )
    columns = (
        "", "codec", "location", "call", "end", "the study's own", "header as audio", "right",
    )  # fmt: skip
    table = Table("Raw PESQ (P.862)", columns, tuple(lines), 5)
    return Section("The study's own scores", (table,), tuple(notes), ())


def _raw(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
