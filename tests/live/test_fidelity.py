"""The verdict flips when this host is loaded on purpose, and says what was wrong."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

import pytest
from docker import DockerClient
from live_lab import LiveLab

from lab.engine.execution import run_in, start_probe
from lab.lifecycle.ready import open_lab
from lab.wire.probe import CaptureCounts, CapturePoint, EndObservation, Observe, Observed, Observing

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
        words = ("call", "sip", "--duration", "10s", "--name", paper.name, "--json")
        done = paper.lab.run(*words, timeout_s=LONGEST_S)
    record = json.loads(done.stdout)
    assert record["status"] == "ok", record["reason"]
    assert not record["valid"]
    assert any(reason.startswith(HOST_LIMITS) for reason in record["invalid_reasons"])
    assert record["cpu_pct"] > 95
    assert record["callee_pesq_mos"] is not None


def test_a_capture_that_stalls_loses_no_packet(
    able_host: DockerClient, paper: LiveLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen, as by a busy host, while as many packets come as a call sends in ten seconds."""
    packets = 1000
    monkeypatch.setenv("LAB_HOME", str(paper.lab.home))
    lab = open_lab(able_host, paper.name)
    caller = lab.caller
    directory = paper.lab.home / "stalled"
    directory.mkdir()
    directory.chmod(0o777)
    capture = CapturePoint(
        "stalled",
        PurePosixPath("/stalled/stalled.pcap"),
        "udp dst port 9",
        address=caller.links[0].address,
    )
    send = (
        "import socket, time; s = socket.socket(type=socket.SOCK_DGRAM)\n"
        f"for _ in range({packets}):\n"
        f"    s.sendto(bytes(172), ('{lab.pbx_address}', 9)); time.sleep(0.001)"
    )
    known = {container.id for container in able_host.containers.list()}
    mounts = {directory: "/stalled"}
    with start_probe(lab.running, caller.name, lab.net_image, lab.owner, mounts) as probe:
        probe.ask(Observe((capture,)), Observing, 20)
        [helper] = [each for each in able_host.containers.list() if each.id not in known]
        helper.pause()
        try:
            run_in(lab.running, caller.name, ["python3", "-c", send])
        finally:
            helper.unpause()
        time.sleep(1)
        seen = probe.ask(EndObservation(), Observed, 20)
    assert seen.captures == {"stalled": CaptureCounts(captured=packets, dropped=0)}
