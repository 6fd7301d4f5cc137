"""A table of calls after a spreadsheet or pandas: read, or refused in one sentence."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from field_tree import scored_row

from lab.cli.report import command as report_command
from lab.errors import LabError
from lab.field.reading import read_table
from lab.field.row import LATER_COLUMNS, CallRow
from lab.field.table import write_table

ROWS = [
    replace(scored_row(1, 4.125), caller_vad=True, caller_packets=1500, remarks="a, b; c"),
    replace(scored_row(2, None), location="Nan", reason="nobody, é"),
]
Cells = list[list[str]]


@pytest.fixture
def cells(tmp_path: Path) -> Cells:
    """The table as it was written, cell by cell."""
    write_table(tmp_path / "base.csv", ROWS)
    with (tmp_path / "base.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def read(
    tmp_path: Path, cells: Cells, delimiter: str = ",", encoding: str = "utf-8"
) -> list[CallRow]:
    with (tmp_path / "t.csv").open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=delimiter).writerows(cells)
    return read_table(tmp_path / "t.csv")


def each(cells: Cells, change: Callable[[str, str], str]) -> Cells:
    """The same with every cell below the head changed; `change` gets its column and text."""
    head, *rows = cells
    return [
        head,
        *([change(name, cell) for name, cell in zip(head, row, strict=True)] for row in rows),
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_every_encoding_of_a_spreadsheet_is_read(
    tmp_path: Path, cells: Cells, encoding: str
) -> None:
    assert read(tmp_path, cells, encoding=encoding) == ROWS


@pytest.mark.parametrize(
    "words", [("TRUE", "FALSE"), ("True", "False"), ("1", "0"), ("WAHR", "FALSCH"), ("1.0", "0.0")]
)
def test_truth_is_read_in_every_spelling(
    tmp_path: Path, cells: Cells, words: tuple[str, str]
) -> None:
    spelling = {"true": words[0], "false": words[1]}
    assert read(tmp_path, each(cells, lambda _, cell: spelling.get(cell, cell))) == ROWS


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_come_with_decimal_commas(
    tmp_path: Path, cells: Cells, delimiter: str
) -> None:
    assert read(tmp_path, cells, delimiter) == ROWS
    commas = each(cells, lambda name, cell: cell.replace(".", ",") if "_mos" in name else cell)
    assert any("," in cell for cell in commas[1])
    assert read(tmp_path, commas, delimiter) == ROWS


def test_a_first_line_that_names_the_delimiter_is_no_heading(tmp_path: Path, cells: Cells) -> None:
    read(tmp_path, cells, ";")
    text = (tmp_path / "t.csv").read_text(encoding="utf-8")
    (tmp_path / "t.csv").write_text("sep=;\n" + text, encoding="utf-8")
    assert read_table(tmp_path / "t.csv") == ROWS


@pytest.mark.parametrize("nothing", ["nan", "NaN", "NA", "<NA>", "None", "null", "#N/A"])
def test_nothing_is_read_in_every_spelling(tmp_path: Path, cells: Cells, nothing: str) -> None:
    assert read(tmp_path, each(cells, lambda _, cell: cell or nothing)) == ROWS


def test_what_pandas_adds_is_left_out(tmp_path: Path, cells: Cells) -> None:
    head, *rows = cells
    indexed = [["", *head, "mine"], *([str(n), *row, "x"] for n, row in enumerate(rows))]
    assert read(tmp_path, indexed) == ROWS
    floats = each(cells, lambda name, cell: f"{cell}.0" if cell and name.endswith("_no") else cell)
    assert read(tmp_path, floats) == ROWS


def test_columns_may_stand_in_another_order_and_lines_be_empty(
    tmp_path: Path, cells: Cells
) -> None:
    assert read(tmp_path, [row[::-1] for row in cells]) == ROWS
    assert read(tmp_path, [cells[0], [], *cells[1:], [""] * len(cells[0]), []]) == ROWS
    assert read(tmp_path, [[*row, "", ""] for row in cells]) == ROWS


def test_zeros_that_a_crash_left_at_the_end_are_no_row(tmp_path: Path, cells: Cells) -> None:
    read(tmp_path, cells)
    with (tmp_path / "t.csv").open("ab") as file:
        file.write(bytes(4))
    assert read_table(tmp_path / "t.csv") == ROWS


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda c: [*c, c[1][:30]], r"line 4 is cut short: it has 30 of \d+ cells"),
        (lambda c: [*c, [*c[1], "x"]], r"line 4 has \d+ cells under \d+ headings"),
        (lambda c: [row[1:] for row in c], "lacks the column iteration_no"),
        (
            lambda c: each(c, lambda n, t: "maybe" if n == "valid" else t),
            "column valid: 'maybe' is",
        ),
        (lambda c: each(c, lambda n, t: "" if n == "valid" else t), "column valid: '' is neither"),
        (lambda c: each(c, lambda n, t: "12. Apr" if n == "caller_pesq_mos" else t), "no number"),
        (lambda c: each(c, lambda n, t: "1,234" if n == "caller_packets" else t), "no number"),
        (lambda c: each(c, lambda n, t: "1.5" if n == "iteration_no" else t), "no whole number"),
        (lambda c: each(c, lambda n, t: "inf" if n == "caller_pesq_mos" else t), "can be drawn"),
        (lambda c: each(c, lambda n, t: "fine" if n == "status" else t), "neither ok nor failed"),
        (lambda c: [], "it is empty"),
    ],
    ids=range(11),
)
def test_what_might_mean_something_else_is_one_sentence(
    tmp_path: Path, cells: Cells, spoil: Callable[[Cells], Cells], sentence: str
) -> None:
    with pytest.raises(LabError, match=sentence) as refused:
        read(tmp_path, spoil(cells))
    assert str(tmp_path / "t.csv") in refused.value.message
    assert "\n" not in refused.value.message


def test_a_row_that_a_crash_cut_is_named(tmp_path: Path, cells: Cells) -> None:
    read(tmp_path, cells)
    content = (tmp_path / "t.csv").read_bytes()
    (tmp_path / "t.csv").write_bytes(content[:-40])
    with pytest.raises(LabError, match="line 3 is cut short"):
        read_table(tmp_path / "t.csv")


def test_names_are_drawn_and_printed_as_they_are(tmp_path: Path) -> None:
    """Neither rich's markup nor matplotlib's mathematics, nor its rule that `_x` is no label."""
    folder = tmp_path / "[red]x[/blue] :cat:"  # two directories, and a closing tag
    folder.mkdir(parents=True)
    rows = [
        replace(
            scored_row(n, 3 + n / 10),
            location=f"_a $b^{n}$ [/x]",
            codec="[bold]",
            series="s",
            caller_jitter_mean=9.0 - n,
            callee_jitter_mean=8.5 - n,
        )
        for n in range(8)
    ]
    write_table(folder / "t[0].csv", rows)
    result = CliRunner().invoke(report_command, [str(folder / "t[0].csv"), "--html"])
    assert result.exception is None, result.exception
    assert "t[0].csv: calls recorded" in result.stdout
    assert "[bold]" in result.stdout
    assert f"Wrote {folder / 't[0]-figures' / 'report.html'}" in result.stderr


def test_a_table_of_an_earlier_version_has_nothing_in_later_columns(
    tmp_path: Path, cells: Cells
) -> None:
    keep = [number for number, name in enumerate(cells[0]) if name not in LATER_COLUMNS]
    older = [[row[number] for number in keep] for row in cells]
    assert read(tmp_path, older) == ROWS
