"""Nagle's algorithm over a distance: bursts where it is on, gone where it is off, in one call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from lab_command import LabCommand
from live_lab import LiveLab
from valid_calls import call

from lab.topology.document import read_document
from lab.topology.load import find_topology

pytestmark = pytest.mark.live

NODES = ("caller", "callee", "server", "pbx", "authority", "amsterdam", "paris", "new-york")
CIRCUIT = ["amsterdam", "new-york", "paris"]
LONG = ("--duration", "10s")


def far_topology(directory: Path, nodelay: str, **tor: Any) -> str:
    """A part of `world`: the caller far from its guard, the exit near the server."""
    world = read_document(find_topology("world").read_text()).value
    world["nodes"] = {name: world["nodes"][name] for name in NODES}
    world["tor"] = {"circuit": CIRCUIT, "nodelay": nodelay, **tor}
    file = directory / f"far-{nodelay}.yaml"
    file.write_text(yaml.safe_dump(world, sort_keys=False))
    return str(file)


def far_call(lab: LabCommand, name: str, topology: str, *options: str) -> dict[str, Any]:
    done = lab.run("up", topology, "--name", name)
    assert done.returncode == 0, done.stderr
    return call(LiveLab(name, lab, {}), "v-tor", *LONG, *options)


def test_bursts_are_there_where_it_is_on_and_gone_where_it_is_off(
    lab: LabCommand, lab_name: str, tmp_path: Path
) -> None:
    """Switched off at relays alone: towards the caller no other Tor sends, towards the callee the
    client's Tor holds back what its guard, a long way off, has not acknowledged."""
    record = far_call(lab, lab_name, far_topology(tmp_path, "relays"))
    assert record["nodelay"] == "relays"
    assert record["vpn_nodelay"] is True
    assert record["caller_burst_mean"] < 1.3
    assert record["caller_jitter_mean"] < 6
    assert record["callee_burst_mean"] > 1.7
    assert record["callee_jitter_mean"] > 14
    # The last packet of a burst has not waited, so the median need not tell; the first ones have.
    assert record["callee_owd_ms_p95"] > record["caller_owd_ms_p95"] + 20
    seen = record["circuit_seen"].split()
    assert seen == record["circuit"].split() == CIRCUIT
    assert record["hops"] == 3
    assert min(record["circuit_cells"], record["circuit_cells_back"]) > 400, "one a packet"


@pytest.mark.slow
def test_every_place_is_what_the_record_finds(
    lab: LabCommand, lab_name: str, tmp_path: Path
) -> None:
    """Tor as it is bursts both ways, and with the switch everywhere neither; the VPN's own, off."""
    bursts = {}
    for place in ("none", "exit", "all"):
        record = far_call(lab, lab_name, far_topology(tmp_path, place))
        assert record["nodelay"] == place
        bursts[place] = record["caller_burst_mean"], record["callee_burst_mean"]
        lab.run("down", lab_name)
    assert min(bursts["none"]) > 1.5
    assert max(bursts["all"]) < 1.3
    assert bursts["exit"][0] > 1.5, "relays send as they are"
