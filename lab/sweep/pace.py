"""How long a run still takes, by its pace so far."""

from __future__ import annotations

from datetime import timedelta


def time_left(
    spent_s: float, made_meanwhile: int, made: int, valid: int, still_wanted: int
) -> timedelta:
    """As long as the calls that are still wanted take, if as many of them turn out valid.

    `made_meanwhile`, more than 0, are the calls made in `spent_s`; `made` and `valid` are those
    of the whole run.
    """
    left_s = spent_s / made_meanwhile * still_wanted * made / max(1, valid)
    return timedelta(seconds=round(left_s))
