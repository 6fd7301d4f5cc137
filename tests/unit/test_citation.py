"""How a run is repeated and cited."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from designed_runs import calls_at, full_factorial, plan_of, run_of
from report_runs import text_of

from lab.checkout import EXPERIMENTS
from lab.cli.report import command
from lab.report.build import build_report
from lab.report.citation import citation_file, citation_section, with_citation
from lab.report.files import write_citation
from lab.report.pages import to_html
from lab.store.database import open_store

POINTS = full_factorial()
PLAN = plan_of(POINTS, "screening")
RUN = run_of(PLAN)
REQUIRED = {"authors", "cff-version", "message", "title"}
"""By the schema of the Citation File Format 1.2.0, which allows these beside them:"""
OTHERS = {"abstract", "date-released", "keywords", "license", "type", "version"}


def test_the_file_is_yaml_with_the_keys_of_the_format(tmp_path: Path) -> None:
    calls = calls_at(POINTS, 2, lambda _: 3.5)
    calls[0].valid = False
    path = write_citation(citation_file(RUN, calls), tmp_path / "new")
    assert path.name == "CITATION.cff"
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert found.keys() == REQUIRED | OTHERS
    assert found["cff-version"] == "1.2.0"
    assert found["type"] == "dataset"
    assert found["authors"] == [{"name": "voice-tor-lab contributors"}]
    assert found["date-released"] == "2026-01-02"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["date-released"])
    assert found["version"] == "0.1.0"
    assert found["license"] == "MIT"
    assert "test-1" in found["title"]
    assert "15 calls are valid, 1 invalid and 0 failed" in " ".join(found["abstract"].split())
    assert len(set(found["keywords"])) == len(found["keywords"])


def test_a_run_that_has_not_ended_has_no_date() -> None:
    text = citation_file(run_of(PLAN, ended_at=None), [])
    assert yaml.safe_load(text).keys() == REQUIRED | OTHERS - {"date-released"}
    assert "The run is not complete." in " ".join(text.split())


def test_the_section_has_method_versions_and_commands() -> None:
    calls = calls_at(POINTS, 2, lambda _: 3.5)
    report = with_citation(build_report(RUN, calls), RUN, calls)
    told = " ".join(text_of(report).split())
    assert "How to repeat and cite this" in to_html(report)
    assert "8 points (two values of each key, the fewest points that tell" in told
    assert "(Plackett-Burman)), with 2 valid calls wanted at each" in told
    assert "seed 1" in told
    assert "lab experiment run ./test.yaml" in told
    assert "lab report test-1 --html" in told
    assert "0.4.8.10" in told


def test_a_shipped_experiment_is_run_by_its_name_in_the_version_that_was_run() -> None:
    text = (EXPERIMENTS / "mumble-baseline.yaml").read_text()
    run = run_of(PLAN, experiment="mumble-base", definition=text, quick=True, jobs=2)
    (told,) = [said for said in citation_section(run, []).findings if "run it again" in said]
    assert "lab experiment run mumble-baseline --quick --jobs 2 " in told
    mine = replace(run, definition=text + "# mine")
    (told,) = [said for said in citation_section(mine, []).findings if "run it again" in said]
    assert "lab experiment run ./mumble-base.yaml --quick" in told


def test_the_command_writes_the_citation_beside_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    with open_store() as store:
        store.add_run(RUN)
        for made in calls_at(POINTS, 2, lambda _: 3.5):
            made.run_id = RUN.run_id
            store.add_call(made)
    result = CliRunner().invoke(command, ["test-1", "--html", "--out", str(tmp_path / "out")])
    assert result.exit_code == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"report.html", "CITATION.cff", "factor-effects.svg", "factor-effects.png"} == names
    assert "How to repeat and cite this" in (tmp_path / "out" / "report.html").read_text("utf-8")
    result = CliRunner().invoke(command, ["test-1"])
    assert "How to repeat" not in result.output
