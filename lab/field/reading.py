"""The CSV of `lab field` read again, also after a spreadsheet or pandas has written it.

What such programs change without changing its meaning is understood: byte-order marks, other
delimiters and decimal commas, `TRUE` and `True`, `NaN`, whole numbers with a decimal point, an
index column. What might mean something else is refused with its line and column.
"""

from __future__ import annotations

import csv
import io
import math
import re
import types
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args, get_type_hints

from lab.errors import LabError
from lab.field.row import COLUMNS, LATER_COLUMNS, CallRow

DELIMITERS = ",;\t|"
TRUTHS = {
    **dict.fromkeys(("true", "1", "1.0", "wahr", "vrai", "verdadero", "vero"), True),
    **dict.fromkeys(("false", "0", "0.0", "falsch", "faux", "falso"), False),
}
"""As this program, pandas and spreadsheets in several languages write them, in small letters."""
NOTHINGS = {"", "nan", "na", "n/a", "#n/a", "<na>", "nat", "none", "null"}
"""How programs write that there is no value, in small letters."""
STATES = ("ok", "failed")
_TYPES = get_type_hints(CallRow)
_HINT = "`lab field` writes it; a spreadsheet or pandas may have changed it on the way."


def read_table(path: Path) -> list[CallRow]:
    """Rows from a CSV that `write_table` wrote.

    What an earlier version did not write yet is None.

    Raises LabError where it lacks other columns, or holds something else in them.
    """
    try:
        text = _decoded(path.read_bytes())
    except OSError as error:
        raise LabError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        return list(_rows(text))
    except (ValueError, csv.Error) as error:
        raise LabError(f"{path} is no table of calls: {error}.", _HINT) from error


def _decoded(content: bytes) -> str:
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    # A file system that was not closed well leaves zeros at the end.
    content = content.rstrip(b"\0")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What a spreadsheet calls "CSV" without further words is in Windows' own encoding.
        return content.decode("cp1252", errors="replace")


def _rows(text: str) -> Iterator[CallRow]:
    """Every call; ValueError, with line and column, where one cannot be understood."""
    # A spreadsheet's own first line, which names the delimiter.
    text = re.sub(r"\Asep=.\r?\n", "", text)
    if not text.strip():
        raise ValueError("it is empty")
    delimiter = _delimiter(text.splitlines()[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = [name.strip() for name in next(reader)]
    if missing := set(COLUMNS) - LATER_COLUMNS - set(header):
        raise ValueError(f"it lacks the column {min(missing, key=COLUMNS.index)}")
    places = {name: header.index(name) for name in COLUMNS if name in header}
    for cells in reader:
        if not any(cells):
            continue
        if len(cells) < len(header):
            raise ValueError(
                f"line {reader.line_num} is cut short: it has {len(cells)} of {len(header)} cells"
            )
        if any(cells[len(header) :]):
            raise ValueError(
                f"line {reader.line_num} has {len(cells)} cells under {len(header)} headings"
            )
        try:
            yield _row(cells, places, delimiter)
        except ValueError as error:
            raise ValueError(f"line {reader.line_num}, {error}") from error


def _delimiter(header: str) -> str:
    """The one that divides the first line into the most of our columns."""

    def known(delimiter: str) -> int:
        names = next(csv.reader([header], delimiter=delimiter), [])
        return len({name.strip() for name in names} & set(COLUMNS))

    return max(DELIMITERS, key=known)


def _row(cells: Sequence[str], places: dict[str, int], delimiter: str) -> CallRow:
    values = {}
    for name, place in places.items():
        try:
            values[name] = _value(name, cells[place], delimiter)
        except ValueError as error:
            raise ValueError(f"column {name}: {error}") from error
    return CallRow(**values)


def _value(name: str, cell: str, delimiter: str) -> Any:
    kinds = get_args(_TYPES[name]) or (_TYPES[name],)
    text = cell.strip()
    is_nothing = text.lower() in NOTHINGS
    if is_nothing and types.NoneType in kinds:
        return None
    if bool in kinds:
        return _truth(text)
    if int in kinds:
        return _whole(text, delimiter)
    if float in kinds:
        return _number(text, delimiter)
    if name == "status":
        return _state(text)
    # A place may well be called Nan.
    return "" if is_nothing and name not in ("location", "series") else cell


def _truth(text: str) -> bool:
    if text.lower() not in TRUTHS:
        raise ValueError(f"{text!r} is neither true nor false")
    return TRUTHS[text.lower()]


def _whole(text: str, delimiter: str) -> int:
    number = _number(text, delimiter)
    if number != int(number):
        raise ValueError(f"{text!r} is no whole number")
    return int(number)


def _number(text: str, delimiter: str) -> float:
    # With a comma between cells a comma within one divides thousands, or nothing we know.
    plain = text.replace(",", ".") if delimiter != "," and "." not in text else text
    try:
        number = float(plain)
    except ValueError:
        raise ValueError(f"{text!r} is no number") from None
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is no number that can be drawn")
    return number


def _state(text: str) -> str:
    if text.lower() not in STATES:
        raise ValueError(f"{text!r} is neither {' nor '.join(STATES)}")
    return text.lower()
