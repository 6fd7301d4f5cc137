"""Competing Mumble calls: proven to run, counted where they arrive, missed when cut off."""

from __future__ import annotations

import pytest
from docker import DockerClient
from lab_command import nodes_of, wait_for
from live_lab import LiveLab
from tor_streams import cut_one

from lab.lifecycle.ready import open_lab
from lab.load.competing import competing
from lab.load.spec import LoadSpec
from lab.measure.goodput import goodput
from lab.wire.load import LoadReport
from lab.wire.ports import MUMBLE_PORT

pytestmark = pytest.mark.live

COUNT = 3
OPUS_KBPS = 40.0


def clients(client: DockerClient, lab: str) -> int:
    """How many Mumble clients are connected, of the kernel's table at Murmur."""
    server = client.containers.get(nodes_of(client, lab)["mumble"]["Id"])
    table = server.exec_run(["cat", "/proc/net/tcp"]).output.decode()
    rows = (line.split() for line in table.splitlines()[1:])
    return sum(row[1].endswith(f":{MUMBLE_PORT:04X}") and row[3] == "01" for row in rows)


def test_competing_mumble_calls_are_counted_and_one_that_is_cut_off_is_told(
    paper: LiveLab, able_host: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_HOME", str(paper.lab.home))
    lab = open_lab(able_host, paper.name)
    with competing(lab, LoadSpec("mumble", COUNT, "tor")) as load:
        report = load.take()
        assert clients(able_host, paper.name) == 2 * COUNT
        assert (report.samples[-1].connected, report.died) == (COUNT, ())
        found = goodput(report.samples[-5:])
        assert found is not None
        # Two seconds of it: a stall of the host comes after, all at once.
        assert found.streams_kbps.tolist() == pytest.approx([OPUS_KBPS] * COUNT, rel=0.5)
        assert report.sent_bytes
        assert report.lateness
        assert report.lateness.max_ms is not None

        assert cut_one(able_host, paper.name, "client", MUMBLE_PORT) == COUNT
        seen: list[LoadReport] = []

        def told() -> bool:
            seen.append(load.take())
            return bool(seen[-1].died)

        wait_for("the death of one", told)
        assert len(seen[-1].died) == 1
        assert seen[-1].samples[-1].connected == COUNT - 1
    wait_for("the end of all", lambda: clients(able_host, paper.name) == 0)
