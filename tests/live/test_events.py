"""`lab events`: what other commands do in a lab, what its nodes and links do, and its end."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from lab_command import LabCommand, ended, kill, nodes_of, wait_for

pytestmark = pytest.mark.live

ENDS_WITHIN_S = 60.0
CALL_S = "8s"


class Heard:
    """The events of a process that goes on telling them."""

    def __init__(self, process: subprocess.Popen[str], file: Path) -> None:
        self.process = process
        self._file = file

    @property
    def events(self) -> list[dict[str, Any]]:
        """All so far."""
        lines = self._file.read_text(encoding="utf-8").split("\n")
        return [json.loads(line) for line in lines[:-1]]

    def of(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        """Those of one kind, with these fields."""
        wanted = {"event": event, **fields}
        return [told for told in self.events if wanted.items() <= told.items()]

    def order_of(self, *wanted: tuple[str, str]) -> list[int]:
        """Where the first of each kind, with this field of whatever name, stands."""
        return [
            next(
                index
                for index, told in enumerate(self.events)
                if told["event"] == event and value in told.values()
            )
            for event, value in wanted
        ]


@contextmanager
def listening(lab: LabCommand, name: str, file: Path) -> Iterator[Heard]:
    """`lab events --json` while the block runs, from the end of its snapshot on."""
    with file.open("w") as said:
        process = lab.start_into(said, "events", name, "--json", "--interval", "0.5")
    try:
        heard = Heard(process, file)
        wait_for("snapshot", lambda: heard.of("CaughtUp"), deadline_s=30)
        yield heard
    finally:
        kill(process)


def test_a_lab_from_a_call_to_its_end(
    able_host: DockerClient, lab: LabCommand, lab_name: str, tmp_path: Path
) -> None:
    assert lab.run("up", "paper", "--name", lab_name).returncode == 0
    with listening(lab, lab_name, tmp_path / "events") as heard:
        snapshot = heard.events
        nodes = {told["node"] for told in snapshot if told["event"] == "NodeState"}
        assert nodes == set(nodes_of(able_host, lab_name))
        [home] = heard.of("LinkFound", node="caller", network="home")
        assert home["rate_in_force_kbps"] == 100_000

        call = lab.start(
            *("call", "v-tor", "--name", lab_name, "--duration", CALL_S, "--rate", "20mbit")
        )
        wait_for("call", lambda: heard.of("Began", stage="calling"), deadline_s=60)
        with listening(lab, lab_name, tmp_path / "later") as later:
            [under_way] = later.of("CallBegan")
            [circuit] = later.of("CircuitOpened")
            assert set(circuit["relays"]) <= nodes
            later.process.send_signal(signal.SIGINT)
            interrupted = ended(later.process, ENDS_WITHIN_S)
            assert (interrupted.returncode, interrupted.stderr.strip()) == (
                130,
                "lab: interrupted",
            )
        able_host.api.kill(nodes_of(able_host, lab_name)["web"]["Id"])
        assert ended(call, ENDS_WITHIN_S).returncode in {0, 1}

        wait_for("end of the call", lambda: heard.of("CallEnded"))
        [began], [over] = heard.of("CallBegan"), heard.of("CallEnded")
        assert (began["method"], began["teller"], began["lab"]) == ("v-tor", "call", lab_name)
        assert under_way == began
        assert over["call_id"] == began["call_id"]
        assert "node web ended during the call, exit status 137" in over["invalid_reasons"]
        [died] = heard.of("NodeState", node="web", state="exited")
        assert (died["exit_code"], died["teller"]) == (137, "docker")
        stages = [("Began", stage) for stage in ("opening the path", "calling", "measuring")]
        order = heard.order_of(
            ("LinkShaped", "20mbit, htb pfifo 200 packets"), ("CallBegan", "v-tor"), *stages
        )
        assert order == sorted(order)
        wait_for("cap to be lifted", lambda: len(heard.of("LinkShaped")) == 2)

        counted = heard.of("LinkCounters", node="caller", network="home")
        sent = [told["sent_bytes"] for told in counted]
        assert sent == sorted(sent)
        assert max(told["sent_kbps"] or 0 for told in counted) > 60

        capture = lab.start("capture", "caller", "--name", lab_name)
        assert capture.stderr
        assert capture.stderr.readline().startswith("capturing at caller:home")
        assert lab.run("down", lab_name).returncode == 0
        left = ended(capture, ENDS_WITHIN_S)
        assert left.returncode == 1
        assert f"lab: caller of lab {lab_name} ended while it was captured: it is " in left.stderr
        assert ended(heard.process, ENDS_WITHIN_S).returncode == 0
        assert heard.events[-1]["event"] == "LabGone"
        assert {told["node"] for told in heard.of("NodeState", state="removed")} == nodes
    assert not lab.project(lab_name).exists()
    refused = lab.run("events", lab_name)
    assert (refused.returncode, "is up" in refused.stderr) == (1, True)
