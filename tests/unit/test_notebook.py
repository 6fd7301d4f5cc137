"""docs/notebook.ipynb: its cells run on what `lab export` writes, and its figures are right."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

from lab.checkout import ROOT
from lab.measure.precision import mean_half_width
from lab.measure.record import CallRecord
from lab.store.export import to_parquet

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
MOST_BYTES = 300_000


def call(number: int, method: str, mos: float | None, **others: Any) -> CallRecord:
    """A valid call, unless it says otherwise."""
    values: dict[str, Any] = {"status": "ok", "valid": True, "caller_owd_ms_p50": 10.0 * number}
    return CallRecord(
        call_id=f"call-{number}",
        started_at="2026-01-01T00:00:00+00:00",
        method=method,
        codec="PCMU",
        lab="lab",
        topology="paper",
        pbx="kamailio",
        seed=number,
        caller_pesq_mos=mos,
        **(values | others),
    )


CALLS = [
    call(1, "sip", 4.4),
    call(2, "sip", 4.3),
    call(3, "v-tor", 3.9),
    call(4, "v-tor", 2.1),
    call(5, "v-tor", 4.2),
    call(6, "v-tor", 1.0, valid=False, invalid_reasons=["the host's CPU 99 % > 95 %"]),
    call(7, "v-tor", None, status="failed", valid=False, reason="the circuit ended"),
    call(8, "m-tor", 4.0),
]


@dataclass(frozen=True)
class Ran:
    """What the cells leave behind."""

    names: dict[str, Any]
    said: str


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """The cells, run in order on a small file."""
    (tmp_path / "calls.parquet").write_bytes(to_parquet(CALLS))
    monkeypatch.chdir(tmp_path)
    plt.switch_backend("agg")
    names: dict[str, Any] = {}
    said = io.StringIO()
    with redirect_stdout(said):
        for cell in code_cells():
            exec(compile("".join(cell["source"]), str(NOTEBOOK), "exec"), names)
    plt.close("all")
    return Ran(names, said.getvalue())


def code_cells() -> list[dict[str, Any]]:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_what_is_not_valid_is_in_no_mean(ran: Ran) -> None:
    kinds = [len(ran.names[name]) for name in ("valid", "invalid", "failed")]
    assert kinds == [6, 1, 1]
    mean, half = ran.names["pesq"]["v-tor PCMU"]
    assert mean == pytest.approx(np.mean([3.9, 2.1, 4.2]))
    assert half == pytest.approx(mean_half_width([3.9, 2.1, 4.2]), rel=1e-3)


def test_one_call_has_no_interval(ran: Ran) -> None:
    mean, half = ran.names["pesq"]["m-tor PCMU"]
    assert mean == 4.0
    assert np.isnan(half)


def test_reasons_are_told(ran: Ran) -> None:
    assert "8 calls" in ran.said
    assert "invalid: call-6, v-tor PCMU: the host's CPU 99 % > 95 %" in ran.said
    assert "failed: call-7, v-tor PCMU: the circuit ended" in ran.said


def test_the_quantiles_are_students(ran: Ran) -> None:
    freedom = np.arange(1, len(ran.names["T_975"]) + 1)
    assert ran.names["T_975"] == pytest.approx(stats.t.ppf(0.975, freedom), abs=6e-4)


def test_it_was_run_and_is_small() -> None:
    assert NOTEBOOK.stat().st_size < MOST_BYTES
    cells = code_cells()
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    drawn = [output for cell in cells for output in cell["outputs"] if "image/png" in str(output)]
    assert len(drawn) >= 2
