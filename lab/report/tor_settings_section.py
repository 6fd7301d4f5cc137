"""The calls of `lab.report.tor_settings` as tables and sentences, beside the studies."""

from __future__ import annotations

from collections.abc import Sequence

from lab.measure.good_call import GOOD_MOS
from lab.report.pages import Section, Table, counts_text, interval_text, joined, mean_text
from lab.report.paper import ALL_GOOD, SECOND_GOOD, SECOND_STUDY, STUDY, Figure
from lab.report.systems import system_of
from lab.report.tor_settings import TorSettingsCalls

NAMES = ("system", "network")


def tor_settings_section(rows: Sequence[TorSettingsCalls]) -> Section:
    """Quality, delay and jitter over every network, and what each Tor told of itself."""
    return Section(
        "Tor networks side by side",
        (_network_table(rows), _quality_table(rows), _delay_table(rows)),
        (
            *(_sentence(row) for row in rows if row.counts.valid),
            "Versions and consensus are those that the running processes told after each call; a "
            "difference from what the topology asks makes a call invalid. A Tor before 0.4.7 has "
            "fixed windows whatever the consensus says. Of circuits to one exit Tor tells which it "
            "built and what each carried; which of them a packet took, it does not.",
            f"{STUDY}'s figures are of its calls through the public Tor network (Tor 0.3.9, fixed "
            f"windows) to a server of its own; of all its calls {ALL_GOOD.text} are above "
            f"{GOOD_MOS:g}, of {SECOND_STUDY}'s (Tor 0.4.8) {SECOND_GOOD.text}. No study varied "
            "the version, and none Conflux: they used one circuit. No figure of a study enters one "
            "of these.",
        ),
    )


def _network_table(rows: Sequence[TorSettingsCalls]) -> Table:
    cells = [
        (
            *_names(row),
            row.versions,
            row.congestion_control,
            row.conflux,
            interval_text(row.less_used_share, 2),
            *counts_text(row.counts),
        )
        for row in rows
    ]
    columns = (
        *NAMES,
        "Tor at caller / relays",
        "consensus on congestion control",
        "Conflux",
        "share of the lesser circuit (95 % CI)",
        "valid",
        "invalid",
        "failed",
    )
    return Table("What the Tors told", columns, tuple(cells), len(NAMES))


def _quality_table(rows: Sequence[TorSettingsCalls]) -> Table:
    cells = [
        (
            *_names(row),
            interval_text(row.callee_mos, 2),
            mean_text(row.caller_mos, 2),
            interval_text(row.good_share, 2),
            _text(row.study.pesq if row.study else None),
            row.agreement or "-",
            SECOND_GOOD.text,
            str(row.counts.valid),
        )
        for row in rows
    ]
    columns = (
        *NAMES,
        "callee (95 % CI)",
        "caller",
        f"share above {GOOD_MOS:g} (95 % CI)",
        STUDY,
        "beside it",
        f"share, {SECOND_STUDY}",
        "n",
    )
    return Table("PESQ as MOS-LQO at the ear of ...", columns, tuple(cells), len(NAMES))


def _delay_table(rows: Sequence[TorSettingsCalls]) -> Table:
    cells = [
        (
            *_names(row),
            interval_text(row.callee_owd_ms, 1),
            mean_text(row.caller_owd_ms, 1),
            _text(row.study.delay_ms if row.study else None),
            interval_text(row.callee_jitter_ms, 1),
            mean_text(row.caller_jitter_ms, 1),
            interval_text(row.access_kbps, 1),
            str(row.counts.valid),
        )
        for row in rows
    ]
    columns = (
        *NAMES,
        "delay at the callee (95 % CI)",
        "at the caller",
        STUDY,
        "jitter at the callee (95 % CI)",
        "at the caller",
        "kbit/s to the guard (95 % CI)",
        "n",
    )
    title = "One-way delay and jitter, ms, and what a call costs on the caller's link"
    return Table(title, columns, tuple(cells), len(NAMES))


def _text(figure: Figure | None) -> str:
    return figure.text if figure else "-"


def _names(row: TorSettingsCalls) -> tuple[str, str]:
    return system_of(row.point.method), row.others or "the usual"


def _sentence(row: TorSettingsCalls) -> str:
    system, network = _names(row)
    figures = [
        f"PESQ {mean_text(row.callee_mos, 2)} at the callee",
        f"{mean_text(row.callee_owd_ms, 0)} ms one way",
        f"{mean_text(row.callee_jitter_ms, 1)} ms of jitter",
    ]
    return f"{system}, {network} ({row.versions}): {joined(figures)}, n = {row.counts.valid}."
