"""The verdict flips when this host is loaded on purpose, and says what was wrong."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from conftest import LiveLab

pytestmark = pytest.mark.live

BURNERS_PER_CORE = 4
LONGEST_S = 150.0
HOST_LIMITS = ("the host's CPU", "scheduling delay", "senders' pace", "the CPU of node")


def burn(deadline: float) -> None:
    """Use one processor as far as it is given; ends by itself."""
    while time.monotonic() < deadline:
        sum(range(10_000))


@contextmanager
def loaded_host() -> Iterator[None]:
    """Every processor wanted several times over, at normal priority."""
    deadline = time.monotonic() + LONGEST_S
    count = BURNERS_PER_CORE * (os.cpu_count() or 1)
    burners = [
        multiprocessing.Process(target=burn, args=(deadline,), daemon=True) for _ in range(count)
    ]
    for burner in burners:
        burner.start()
    try:
        yield
    finally:
        for burner in burners:
            burner.terminate()
            burner.join()


def test_a_call_on_a_loaded_host_is_kept_but_not_valid(paper: LiveLab) -> None:
    with loaded_host():
        done = paper.lab.run("call", "sip", "--name", paper.name, "--json", timeout_s=LONGEST_S)
    record = json.loads(done.stdout)
    assert record["status"] == "ok", record["reason"]
    assert not record["valid"]
    assert any(reason.startswith(HOST_LIMITS) for reason in record["invalid_reasons"])
    assert record["cpu_pct"] > 95
    assert record["callee_pesq_mos"] is not None
