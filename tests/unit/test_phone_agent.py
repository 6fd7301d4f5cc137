"""What of the phone in the node can be tried without a telephone library."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from lab.wire.codecs import CODECS, codec_named
from lab.wire.polled_lines import PolledLines


@pytest.fixture
def lines() -> tuple[PolledLines, int, int]:
    """The agent's end, and the host's: where to write orders, where to read events."""
    orders_out, orders_in = os.pipe()
    events_out, events_in = os.pipe()
    return PolledLines(orders_out, events_in, 2), orders_in, events_out


def test_orders_come_whole_and_in_order(lines: tuple[PolledLines, int, int]) -> None:
    agent, orders, _ = lines
    assert agent.commands() == []
    os.write(orders, b'{"op": "listen"}\n{"op": "ca')
    assert agent.commands() == [{"op": "listen"}]
    os.write(orders, b'll"}\n')
    assert agent.commands() == [{"op": "call"}]
    assert not agent.ended


def test_the_end_of_the_input_is_noticed_after_the_last_order(
    lines: tuple[PolledLines, int, int],
) -> None:
    agent, orders, _ = lines
    os.write(orders, b'{"op": "hangup"}\n{"op": "cut of')
    os.close(orders)
    assert agent.commands() == [{"op": "hangup"}]
    assert agent.ended


def test_an_order_is_an_object(lines: tuple[PolledLines, int, int]) -> None:
    agent, orders, _ = lines
    os.write(orders, b"[1]\n")
    with pytest.raises(ValueError, match="JSON object"):
        agent.commands()


def test_events_carry_the_time(lines: tuple[PolledLines, int, int]) -> None:
    agent, _, events = lines
    agent.emit("confirmed", setup_ms=5.6)
    event = json.loads(os.read(events, 1000))
    assert event["event"] == "confirmed"
    assert event["at"] > 1_500_000_000


def test_what_a_library_prints_does_not_get_among_the_events() -> None:
    program = (
        "from lab.wire.polled_lines import PolledLines\n"
        "lines = PolledLines()\n"
        "print('chatter', flush=True)\n"
        "lines.emit('registered')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert [json.loads(line)["event"] for line in run.stdout.splitlines()] == ["registered"]
    assert run.stderr == "chatter\n"


def test_g722_counts_half_of_its_samples() -> None:
    assert (CODECS["G722"].sample_rate_hz, CODECS["G722"].rtpmap) == (16000, "G722/8000")


def test_codecs_are_found_whatever_their_case() -> None:
    assert codec_named("speex-wb") is CODECS["SPEEX-WB"]
    assert codec_named("G729") is None
