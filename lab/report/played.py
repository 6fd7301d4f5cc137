"""Calls of the field played by phones of other settings: how many would have been good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.field.phones import End, Setting
from lab.field.played import Played, PlayedProfile
from lab.measure.good_call import GOOD_DELAY_MS, GOOD_MOS
from lab.measure.statistics import Interval, mean_interval, share_interval
from lab.report.good_calls import share_text
from lab.report.pages import Table, interval_text, joined, mean_text

ALL = "all"


@dataclass(frozen=True, slots=True)
class Group:
    """Profiles with or without Tor, of one codec or of all, under one setting."""

    tor_status: str
    codec: str
    setting: Setting
    steady: int
    """How many have steady bursts in either direction, of the profiles played."""
    mos: Interval
    """Mean of both ends' MOS-LQO."""
    good: Interval
    """Share in which both ends would have heard more than the studies call good."""
    good_and_quick: Interval
    """Of them, as a share of all, those whose network takes less than they call good, each way."""
    good_to_the_ear: Interval
    """And those in which voice takes less from the mouth to the ear, the buffer's time included."""
    delay_ms: Interval
    """From mouth to ear, mean of both ends."""


def groups(profiles: Sequence[PlayedProfile]) -> tuple[Group, ...]:
    """By Tor or not and codec, all codecs last, each under every setting.

    Where no profile has steady bursts, settings without them are left out: they are the same.
    """
    found: list[Group] = []
    known = [profile for profile in profiles if profile.played]
    for status in sorted({_status(profile) for profile in known}):
        mine = [profile for profile in known if _status(profile) == status]
        codecs = sorted({profile.codec or "?" for profile in mine})
        for codec in [*codecs, *([ALL] if len(codecs) > 1 else [])]:
            some = [each for each in mine if codec in (ALL, each.codec or "?")]
            under = (_group(status, codec, some, place) for place in range(len(some[0].played)))
            found += [each for each in under if each.steady or not each.setting.without_bursts]
    return tuple(found)


def _status(profile: PlayedProfile) -> str:
    return profile.tor_status or "?"


def _group(status: str, codec: str, profiles: Sequence[PlayedProfile], place: int) -> Group:
    calls = [profile.played[place] for profile in profiles]

    def share(is_so: Callable[[End], bool]) -> Interval:
        hits = sum(all(_good(end) and is_so(end) for end in _ends(call)) for call in calls)
        return share_interval(hits, len(calls))

    return Group(
        tor_status=status,
        codec=codec,
        setting=calls[0].setting,
        steady=sum(bool(profile.unburst) for profile in profiles),
        mos=mean_interval([mos for call in calls if (mos := _mos(call)) is not None]),
        good=share(lambda _: True),
        good_and_quick=share(lambda end: end.owd_ms_p50 < GOOD_DELAY_MS),
        good_to_the_ear=share(lambda end: end.delay_ms_p50 < GOOD_DELAY_MS),
        delay_ms=mean_interval(
            [(call.caller.delay_ms_p50 + call.callee.delay_ms_p50) / 2 for call in calls]
        ),
    )


def _ends(call: Played) -> tuple[End, End]:
    return call.caller, call.callee


def _good(end: End) -> bool:
    """What PESQ cannot compare, silence say, is no good call."""
    return end.pesq_mos is not None and end.pesq_mos > GOOD_MOS


def _mos(call: Played) -> float | None:
    """Mean of both ends; None where one could not be compared."""
    caller, callee = call.caller.pesq_mos, call.callee.pesq_mos
    return None if caller is None or callee is None else (caller + callee) / 2


def groups_table(found: Sequence[Group]) -> Table:
    """Every group under every setting."""
    return Table(
        f"The clip through calls of the field: good is PESQ above {GOOD_MOS:g} at both ends, "
        f"quick below {GOOD_DELAY_MS:g} ms both ways",
        ("", "codec", "phones", "bursts", "n", "steady", "PESQ", "good %", "and quick %",
         "and quick to the ear %", "to the ear ms"),
        tuple(
            (
                group.tor_status,
                group.codec,
                phones_text(group.setting),
                "out" if group.setting.without_bursts else "as met",
                str(group.good.n),
                str(group.steady),
                interval_text(group.mos, 2),
                share_text(group.good),
                share_text(group.good_and_quick),
                share_text(group.good_to_the_ear),
                mean_text(group.delay_ms, 0),
            )
            for group in found
        ),
        4,
    )  # fmt: skip


def profile_table(profile: PlayedProfile) -> Table:
    """One profile, both ends, under every setting."""
    rows = []
    for call in profile.played:
        if call.setting.without_bursts and not profile.unburst:
            continue
        cells = [phones_text(call.setting), "out" if call.setting.without_bursts else "as met"]
        for end in (call.caller, call.callee):
            mos = "-" if end.pesq_mos is None else f"{end.pesq_mos:.2f}"
            cells += [mos, f"{end.owd_ms_p50:.0f}", f"{end.delay_ms_p50:.0f}"]
            cells += [f"{end.late_pct:.2f}"]
        rows.append(tuple(cells))
    columns = [
        f"{end}: {what}"
        for end in ("caller", "callee")
        for what in ("PESQ", "network ms", "to the ear ms", "late %")
    ]
    title = f"{profile.name}: what would have been heard of the clip, {profile.codec}"
    return Table(title, ("phones", "bursts", *columns), tuple(rows), 2)


def phones_text(setting: Setting) -> str:
    """`studies (VAD on, pjsua)`."""
    return f"{setting.name} (VAD {'on' if setting.vad else 'off'}, {setting.playout})"


def notes(profiles: Sequence[PlayedProfile]) -> tuple[str, ...]:
    """What has to be said beside the tables."""
    steady = sum(bool(profile.unburst) for profile in profiles)
    played = sum(bool(profile.played) for profile in profiles)
    changed = joined([profile.name for profile in profiles if profile.without_bursts])
    return (
        f"{played} of {len(profiles)} profiles played; {steady} have steady bursts, which `out` "
        "leaves out: a model, as if no socket had held small segments back. The others are as met.",
        "No network, phone or exchange took part: what an exchange adds is not in it.",
        *([f"Made without bursts, and so no call as it was met: {changed}."] if changed else ()),
        *unplayed(profiles),
    )


def unplayed(profiles: Sequence[PlayedProfile]) -> tuple[str, ...]:
    """Why some were not played."""
    return tuple(f"{each.name} was not played: {each.reason}." for each in profiles if each.reason)


def played_data(profiles: Sequence[PlayedProfile]) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "good_pesq": GOOD_MOS,
        "good_delay_ms": GOOD_DELAY_MS,
        "groups": [asdict(group) for group in groups(profiles)],
        "profiles": [asdict(profile) for profile in profiles],
    }
