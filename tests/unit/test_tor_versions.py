"""Versions of Tor: which image has one, what a topology may ask of it, what its torrc may say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.engine.doctor import State, tor_versions_finding
from lab.errors import LabError
from lab.images import context
from lab.images.build import in_order
from lab.lifecycle.plan import Plan, block_for, plan_lab, render_plan
from lab.render.tor_options import tor_options
from lab.topology.load import find_topology, read_topology
from lab.tor.paths import path_of_call, path_of_callee
from lab.tor_versions import DEFAULT, TOR_VERSIONS, image_with, plain_image

OTHERS = [name for name in TOR_VERSIONS if name != DEFAULT]
VEGAS = {"tor.congestion_control": "vegas"}


def planned(changes: dict[str, Any]) -> Plan:
    source = read_topology(find_topology("world"), changes)
    return plan_lab(source, None, block_for(source.raw, ()))


def torrc(plan: Plan, node: str) -> list[str]:
    return render_plan(plan).files[f"nodes/{node}/tor/torrc"].decode().splitlines()


@pytest.mark.parametrize("version", OTHERS)
@pytest.mark.parametrize("image", ["tor", "endpoint"])
def test_an_image_with_another_tor_is_known_by_its_name(image: str, version: str) -> None:
    name = image_with(image, version)
    assert plain_image(name) == (image, TOR_VERSIONS[version])
    assert plain_image(image) is None
    made = context.plan(name)
    assert made.parent == context.plan(image).tag
    assert made.tag.startswith(f"voice-tor-lab/{name}:")
    assert made.arguments["SERIES"] == TOR_VERSIONS[version].series
    assert made.arguments["SUITES"].split() == list(TOR_VERSIONS[version].suites)


def test_images_with_another_tor_are_built_only_where_they_are_named() -> None:
    names = context.with_other_tor()
    assert len(names) == 2 * len(OTHERS)
    assert not set(names) & set(context.roles())
    assert context.OTHER_TOR not in context.roles()
    assert in_order(["tor-0.4.5", "endpoint"]) == (("base",), ("endpoint", "tor"), ("tor-0.4.5",))
    assert in_order([]) == ()


def test_two_versions_are_two_images() -> None:
    tags = [context.plan(name).tag for name in context.with_other_tor()]
    assert len({tag.partition(":")[2] for tag in tags}) == len(tags)


def test_an_unknown_image_is_told_with_those_there_are() -> None:
    with pytest.raises(LabError) as caught:
        context.plan("tor-0.4.4")
    assert "endpoint-tor-0.4.5" in caught.value.hint


def test_a_node_has_its_own_version_or_the_networks() -> None:
    plan = planned({"tor.version": "0.4.5", "nodes.caller.tor_version": "0.4.8"})
    versions = {node.name: node.tor_version for node in plan.topology.nodes}
    assert (versions["caller"], versions["client"], versions["tokyo"]) == (
        "0.4.8",
        "0.4.5",
        "0.4.5",
    )
    assert versions["server"] is None, "no Tor runs there"
    tor_images = {name for name in plan.images if plain_image(name)}
    assert tor_images == {"tor-0.4.5", "endpoint-tor-0.4.5", "endpoint-tor-0.4.8"}


def test_the_default_lab_needs_no_image_with_another_tor() -> None:
    assert not [name for name in planned({}).images if plain_image(name)]


def test_a_torrc_says_nothing_that_its_tor_does_not_know() -> None:
    plan = planned({"tor.version": "0.4.5", "nodes.caller.tor_version": "0.4.8"})
    old, new = torrc(plan, "client"), torrc(plan, "caller")
    assert not [line for line in old if line.startswith(("Conflux", "VanguardsLite"))]
    assert {"ConfluxEnabled 0", "VanguardsLiteEnabled 0"} <= set(new)
    assert not [line for line in torrc(plan, "tokyo") if line.startswith("DoSStream")]
    assert "DoSStreamCreationEnabled 0" in torrc(planned({}), "tokyo")


def test_what_the_network_decides_stands_in_torrc_and_is_read_back() -> None:
    plan = planned(
        VEGAS
        | {
            "tor.consensus": {"cc_vegas_alpha_exit": 186},
            "tor.scheduler": "kistlite",
            "nodes.tokyo.bandwidth_rate": "10mbit",
            "nodes.tokyo.bandwidth_burst": "20mbit",
        }
    )
    assert "ConsensusParams cc_alg=2 cc_vegas_alpha_exit=186" in torrc(plan, "authority")
    assert not [line for line in torrc(plan, "tokyo") if line.startswith("ConsensusParams")]
    asked = tor_options(plan.topology, plan.topology.node("tokyo"))
    assert asked == {
        "Schedulers": "KISTLite",
        "BandwidthRate": "1250000",
        "BandwidthBurst": "2500000",
    }
    assert {f"{name} {value}" for name, value in asked.items()} <= set(torrc(plan, "tokyo"))


def test_conflux_is_for_clients_and_one_set_at_a_time() -> None:
    plan = planned(VEGAS | {"tor.conflux": "throughput"})
    assert {"ConfluxEnabled 1", "ConfluxClientUX throughput"} <= set(torrc(plan, "caller"))
    [line] = [line for line in torrc(plan, "authority") if line.startswith("ConsensusParams")]
    assert {"cc_alg=2", "cfx_enabled=1", "cfx_max_prebuilt_set=1"} <= set(line.split())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"tor.version": "0.4.4"}, "is not a version of Tor that the lab knows"),
        ({"nodes.callee.tor": False, "nodes.callee.tor_version": "0.4.8"}, "needs `tor: true`"),
        ({"nodes.server.tor_version": "0.4.8"}, "is only for nodes with the role"),
        ({"nodes.tokyo.bandwidth_rate": "100kbit"}, "is less than Tor takes for a relay, 615kbit"),
        ({"nodes.tokyo.bandwidth_burst": "10mbit"}, "needs a `bandwidth_rate`"),
        (
            {"nodes.tokyo.bandwidth_rate": "10mbit", "nodes.tokyo.bandwidth_burst": "5mbit"},
            "is less than `bandwidth_rate`",
        ),
        (VEGAS | {"tor.consensus": {"cc_alg": 0}}, "is what `congestion_control` sets"),
        ({"tor.consensus": {"cc alg": 0}}, "is no name of a parameter"),
        ({"tor.conflux": "latency"}, "needs `congestion_control: vegas`"),
        (
            VEGAS | {"tor.conflux": "latency", "tor.circuit": ["paris", "tokyo", "montreal"]},
            "needs `circuit: []`",
        ),
        (VEGAS | {"tor.conflux": "latency", "tor.hops": 2}, "is 2, and Tor gives"),
        (
            VEGAS | {"tor.conflux": "latency", "nodes.tokyo.tor_version": "0.4.5"},
            "is not known to the Tor of 'tokyo', 0.4.5",
        ),
    ],
)
def test_what_tor_cannot_do_is_a_mistake(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(LabError) as caught:
        planned(changes)
    assert complaint in caught.value.message


def test_conflux_wants_five_relays() -> None:
    with pytest.raises(LabError, match="needs 5 relays beside the authority"):
        read_topology(
            find_topology("small"), {"tor.conflux": "latency", "tor.congestion_control": "vegas"}
        )


def test_the_directory_that_makes_them_is_whole() -> None:
    made = context.plan("tor-0.4.5")
    assert made.dockerfile == Path(made.dockerfile.parent / "Dockerfile")
    assert set(made.files) == {"unpack_tor.sh"}


def test_doctor_tells_versions_and_what_builds_those_that_are_not_built() -> None:
    found = tor_versions_finding({"0.4.5": ["tor-0.4.5", "endpoint-tor-0.4.5"], "0.4.8": []})
    assert found.state == State.OK
    assert found.detail == "0.4.9 (default), 0.4.5 (not built), 0.4.8"
    assert "`lab setup tor-0.4.5 endpoint-tor-0.4.5`" in found.hint
    assert tor_versions_finding({"0.4.8": []}).hint == ""


def test_a_conflux_set_is_five_relays_drawn_from_the_seed_and_a_callee_has_one_circuit() -> None:
    topology = planned(VEGAS | {"tor.conflux": "latency"}).topology
    for seed in range(20):
        path = path_of_call(topology, seed)
        assert path == path_of_call(topology, seed)
        assert len(set(path)) == len(path) == 5
        assert "authority" not in path
        callee = path_of_callee(topology, path, seed)
        assert len(set(callee)) == len(callee) == 3
        assert callee[-1] != path[-1]


def test_a_conflux_set_needs_clients_that_enter_by_no_bridge() -> None:
    with pytest.raises(LabError, match="needs two guards"):
        read_topology(
            find_topology("world-bridges"),
            {"tor.conflux": "latency", "tor.congestion_control": "vegas"},
        )
