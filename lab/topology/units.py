"""Quantities as people write them: `100mbit`, `512kbit`, `10s`, `5m`, `20ms`, `0.5%`.

The units are those of `tc(8)`: decimal bits per second, never bytes.
"""

from __future__ import annotations

import re
from decimal import Decimal

RATE_PATTERN = r"^[0-9]{1,9}(\.[0-9]{1,6})?(kbit|mbit|gbit)$"
"""What `parse_rate_kbps` accepts, as a regular expression for JSON Schema."""
DURATION_PATTERN = r"^[0-9]{1,6}(s|m|h)$"
"""What `parse_duration_s` accepts, as a regular expression for JSON Schema."""
DELAY_PATTERN = r"^[0-9]{1,5}(\.[0-9]{1,3})?(us|ms|s)$"
"""What `parse_delay_ms` accepts, as a regular expression for JSON Schema."""
MOMENT_PATTERN = r"^[0-9]{1,4}(\.[0-9]{1,3})?(ms|s|m)$"
"""What `parse_moment_s` accepts."""
PERCENT_PATTERN = r"^[0-9]{1,3}(\.[0-9]{1,4})?%$"
"""What `parse_percent` accepts, as a regular expression for JSON Schema."""

MIN_CALL_S = 8
"""P.862 compares 8 s of speech at least."""
MAX_CALL_S = 3600
"""Scoring an hour takes more than a minute and nearly 3 GB of memory."""
MAX_RATE_KBPS = 100_000_000
MAX_DELAY_MS = 60_000
_KBPS = {"kbit": 1, "mbit": 1_000, "gbit": 1_000_000}
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_PARTS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60)}
_MILLISECONDS = {"us": Decimal("0.001"), "ms": Decimal(1), "s": Decimal(1000)}


def parse_rate_kbps(text: object) -> int:
    """Kbit/s of a rate such as `2mbit` or `1.5mbit`; ValueError says what is wrong."""
    if not isinstance(text, str) or not re.fullmatch(RATE_PATTERN, text, re.ASCII):
        raise ValueError("is not a rate; write a number and kbit, mbit or gbit, such as 100mbit")
    number, unit = text[:-4], text[-4:]
    rate_kbps = Decimal(number) * _KBPS[unit]
    if rate_kbps != int(rate_kbps) or not 1 <= rate_kbps <= MAX_RATE_KBPS:
        raise ValueError("must be a whole number of kbit/s from 1kbit to 100gbit")
    return int(rate_kbps)


def parse_duration_s(text: object) -> int:
    """Seconds of a duration such as `10s` or `5m`; ValueError says what is wrong."""
    if not isinstance(text, str) or not re.fullmatch(DURATION_PATTERN, text, re.ASCII):
        raise ValueError("is not a duration; write a whole number and s, m or h, such as 10s")
    return int(text[:-1]) * _SECONDS[text[-1]]


def parse_call_s(text: object) -> int:
    """Seconds of a call such as `30s` or `4m`; ValueError says what is wrong."""
    seconds = parse_duration_s(text)
    if not MIN_CALL_S <= seconds <= MAX_CALL_S:
        limits = format_duration(MIN_CALL_S), format_duration(MAX_CALL_S)
        raise ValueError(f"must be from {limits[0]} to {limits[1]}")
    return seconds


def format_duration(seconds: int) -> str:
    """The shortest exact way to write a duration: 240 is `4m`, 90 is `90s`."""
    unit = next(unit for unit in ("h", "m", "s") if seconds % _SECONDS[unit] == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"


def parse_delay_ms(text: object) -> float:
    """Milliseconds of a delay such as `20ms` or `1.5s`; ValueError says what is wrong."""
    match = re.fullmatch(r"([0-9.]+)([a-z]+)", text) if isinstance(text, str) else None
    if not match or not re.fullmatch(DELAY_PATTERN, match[0], re.ASCII):
        raise ValueError("is not a delay; write a number and us, ms or s, such as 20ms")
    delay_ms = Decimal(match[1]) * _MILLISECONDS[match[2]]
    if delay_ms > MAX_DELAY_MS:
        raise ValueError("must be at most 60s")
    return float(delay_ms)


def parse_moment_s(text: object) -> float:
    """Seconds of a time such as `500ms`, `2.5s` or `1m`; ValueError says what is wrong."""
    match = re.fullmatch(r"([0-9.]+)([a-z]+)", text) if isinstance(text, str) else None
    if not match or not re.fullmatch(MOMENT_PATTERN, match[0], re.ASCII):
        raise ValueError("is not a time; write a number and ms, s or m, such as 2s")
    return float(Decimal(match[1]) * _PARTS[match[2]])


def format_moment(seconds: float) -> str:
    """One way to write a time: 2.5 is `2.5s`, 60 is `60s`."""
    return f"{round(seconds, 6):.10g}s"


def parse_percent(text: object) -> float:
    """A share such as `0.5%`; ValueError says what is wrong."""
    if not isinstance(text, str) or not re.fullmatch(PERCENT_PATTERN, text, re.ASCII):
        raise ValueError("is not a share; write a number and %, such as 0.5%")
    percent = float(text[:-1])
    if percent > 100:
        raise ValueError("must be at most 100%")
    return percent
