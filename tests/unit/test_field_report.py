"""The second study's figures, and the report that holds them, from the rows of `lab field`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from field_tree import scored_row

from lab.cli.report import command as report_command
from lab.errors import LabError
from lab.field.row import CallRow
from lab.field.table import write_table
from lab.report.field_figures import (
    correlation_text,
    draw,
    jitter_against_pesq,
    samples,
)
from lab.report.pages import svg_text


class TestFigures:
    def test_the_same_rows_give_the_same_svg(self) -> None:
        rows = [
            replace(
                scored_row(n, 2 + n / 10), caller_jitter_mean=30.0 - n, callee_jitter_mean=31.0 - n
            )
            for n in range(20)
        ]
        one, two = (svg_text(jitter_against_pesq(samples(rows))) for _ in range(2))
        assert one == two
        assert "<image" not in one
        assert "@import" not in one

    def test_correlation_in_words(self) -> None:
        text = correlation_text([1, 10, 100, 1000, 10_000], [4, 3, 2.5, 2, 1])
        assert "correlation -1.00" in text
        assert "n = 5" in text
        assert "too few" in correlation_text([1, 2], [4, 3])

    def test_nothing_valid_is_nothing_to_draw(self) -> None:
        with pytest.raises(LabError, match="No valid call"):
            draw([scored_row(0, None)])


class TestReport:
    def rows(self) -> list[CallRow]:
        """Twenty valid calls whose PESQ falls as their jitter rises, an invalid and a failed."""
        good = [
            replace(
                scored_row(n, 2 + n / 10), caller_jitter_mean=30.0 - n, callee_jitter_mean=30.5 - n
            )
            for n in range(20)
        ]
        return [*good, replace(scored_row(20, 1.0), valid=False), scored_row(21, None)]

    def report(self, table: Path, *options: str) -> tuple[str, set[str]]:
        result = CliRunner().invoke(report_command, [str(table), *options], standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result.stdout, {path.name for path in table.with_name("t-figures").iterdir()}

    def test_every_figure_of_the_study_is_drawn_from_the_csv(self, tmp_path: Path) -> None:
        write_table(tmp_path / "t.csv", self.rows())
        told, files = self.report(tmp_path / "t.csv")
        names = ("pesq", "pesq_by_codec", "pesq_by_location", "jitter", "delay")
        assert files == {
            f"{name}.{form}" for name in (*names, "jitter_against_pesq") for form in ("svg", "png")
        }
        assert "Spearman's rank correlation -1.00" in told
        assert "20 valid, 1 invalid and 1 failed calls" in told

    def test_the_page_holds_the_figures_and_the_json_the_groups(self, tmp_path: Path) -> None:
        write_table(tmp_path / "t.csv", self.rows())
        told, files = self.report(tmp_path / "t.csv", "--html", "--json")
        (group,) = json.loads(told)["groups"]
        assert group["counts"] == {"valid": 20, "invalid": 1, "failed": 1}
        assert group["mos"]["estimate"] == pytest.approx(2.95)
        assert "report.html" in files
        page = (tmp_path / "t-figures" / "report.html").read_text()
        assert page.count("<svg") == 6
        assert "src=" not in page
