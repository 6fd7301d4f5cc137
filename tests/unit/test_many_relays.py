"""Relays by their number: written in one place, ordinary nodes from there on."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from ipaddress import IPv4Network
from math import exp
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.cli.status import nodes_table, told
from lab.cli.up import setting
from lab.engine.discovery import RunningLab, RunningNode
from lab.errors import LabError, UsageError
from lab.events import Happening
from lab.lifecycle import status
from lab.lifecycle.plan import block_for, plan_lab, render_plan
from lab.lifecycle.status import describe
from lab.lifecycle.tor_complaints import complaints
from lab.lifecycle.tor_settings import await_logged, settings_logged
from lab.lifecycle.up import AT_ONCE, batches
from lab.places.cities import PLACES
from lab.render.torrc import nickname
from lab.storage import project_directory
from lab.topology.load import find_topology, mistakes_in, parse_topology, read_topology
from lab.topology.many import quantiles_kbps
from lab.topology.mistakes import TopologyError
from lab.topology.model import PbxKind, Topology
from lab.topology.raw import RawSpread, RawTopology
from lab.topology.resolve import resolve
from lab.wire.messages import write
from lab.wire.network import LinkRate, MachineLink, MachineNetwork, NetworkInForce
from lab.wire.places import TORRC, in_project
from lab.wire.shape import Shape, Way
from lab.wire.tor_settings import SETTINGS_TOLD, SettingsInForce

SMALL = """
name: some
networks:
  wan: {}
relays: {count: 5}
nodes:
  caller: {role: endpoint, extension: 1001, tor: true, vpn: true, links: {wan: {}}}
  callee: {role: endpoint, extension: 1008, links: {wan: {}}}
  server: {role: vpn-server, links: {wan: {}}}
  pbx: {role: pbx, on: server}
  authority: {role: relay, authority: true, links: {wan: {}}}
"""
BLOCK = IPv4Network("10.128.0.0/20")


def topology_with(relays: str, **more: str) -> str:
    """The small topology with `relays` so written, and other texts replaced by more."""
    text = SMALL.replace("relays: {count: 5}", relays)
    for old, new in more.items():
        assert old in text
        text = text.replace(old, new)
    return text


def relays_of(raw: RawTopology) -> list[str]:
    return [name for name, node in raw.nodes.items() if node.role == "relay"]


def mistakes_of(text: str) -> list[tuple[str, str]]:
    with pytest.raises(TopologyError) as caught:
        parse_topology(text)
    return [(mistake.place, mistake.message) for mistake in caught.value.mistakes]


def test_they_are_nodes_behind_those_that_are_written() -> None:
    raw = parse_topology(SMALL)
    names = [f"relay-{number}" for number in range(1, 6)]
    assert [*raw.nodes] == ["caller", "callee", "server", "pbx", "authority", *names]
    assert relays_of(raw) == ["authority", *names]
    topology = resolve(raw, "some", BLOCK, PbxKind.KAMAILIO)
    addresses = [topology.node(name).address_on("wan") for name in names]
    assert len({*addresses}) == 5


def test_they_are_what_they_would_be_if_they_were_written() -> None:
    made = parse_topology(
        topology_with(
            "relays: {count: 1, places: [oslo], bandwidth: 5mbit, tor_version: 0.4.8, "
            "links: {wan: {rate: 10mbit, in: {delay: 3ms}}}}",
            **{"\n  authority:": "\n  other: {role: relay, links: {wan: {}}}\n  authority:"},
        )
    )
    written = parse_topology(
        topology_with(
            "",
            **{
                "\n  authority:": "\n  other: {role: relay, links: {wan: {}}}"
                "\n  oslo-1: {role: relay, place: Oslo, bandwidth_rate: 5mbit, tor_version: 0.4.8, "
                "links: {wan: {rate: 10mbit, in: {delay: 3ms}}}}\n  authority:"
            },
        )
    )
    assert made.nodes == written.nodes


def test_places_are_dealt_in_turn_and_name_the_relays() -> None:
    text = topology_with("relays: {count: 9, places: [Paris, new york, Paris]}")
    raw = parse_topology(text)
    in_paris = {f"paris-{number}" for number in range(1, 7)}
    assert {*relays_of(raw)[1:]} == in_paris | {f"new-york-{number}" for number in range(1, 4)}
    assert raw.nodes["new-york-1"].place == "New York"
    assert parse_topology(text).nodes == raw.nodes


def test_all_places_are_each_once_before_any_is_there_twice() -> None:
    count = len(PLACES)
    raw = parse_topology(topology_with(f"relays: {{count: {count + 3}, places: all}}"))
    standing = Counter(node.place for node in raw.nodes.values() if node.place)
    assert sorted(standing.values()) == [1] * (count - 3) + [2] * 3
    assert standing.keys() == PLACES.keys()


def test_another_seed_is_another_order_of_the_same() -> None:
    spread = "places: all, bandwidth: {median: 6.3mbit, sigma: 0.72}"
    one, other, again = (
        parse_topology(topology_with(f"relays: {{count: 76, {spread}, seed: {seed}}}"))
        for seed in (1, 2, 1)
    )
    assert one.nodes == again.nodes
    assert relays_of(one) != relays_of(other)
    rates = [
        [raw.nodes[name].bandwidth_rate for name in relays_of(raw)[1:]] for raw in (one, other)
    ]
    assert rates[0] != rates[1]
    assert Counter(rates[0]) == Counter(rates[1])


def test_bandwidths_are_quantiles_of_a_lognormal() -> None:
    """The nine of `world-busy` are those of nine relays here."""
    written = read_topology(find_topology("world-busy")).raw
    nine = sorted(node.bandwidth_rate for node in written.nodes.values() if node.bandwidth_rate)
    spread = RawSpread.model_validate({"median": "6.3mbit", "sigma": 0.72})
    for made, known in zip(quantiles_kbps(spread, 9), nine, strict=True):
        assert made == pytest.approx(known, rel=0.02)
    (half,) = quantiles_kbps(spread, 1)
    assert half == 6300
    # Φ(1) = 0.8413: of 10,000, the one at that share is a sigma above the median.
    many = quantiles_kbps(spread, 10_000)
    assert many[8413] == pytest.approx(6300 * exp(0.72), rel=0.001)
    bounded = RawSpread.model_validate(
        {"median": "6.3mbit", "sigma": 0.72, "least": "3mbit", "most": "10mbit"}
    )
    assert [*map(round, quantiles_kbps(bounded, 9))][::8] == [3000, 10_000]


def test_one_bandwidth_is_every_relays() -> None:
    raw = parse_topology(topology_with("relays: {count: 4, bandwidth: 10mbit}"))
    assert {raw.nodes[name].bandwidth_rate for name in relays_of(raw)[1:]} == {10_000}


@pytest.mark.parametrize(
    ("relays", "place", "message"),
    [
        ("relays: {}", "relays.count", "is missing"),
        ("relays: {count: 0}", "relays.count", "must be at least 1, not 0"),
        ("relays: {count: 201}", "relays.count", "must be at most 200, not 201"),
        ("relays: {count: many}", "relays.count", "must be a whole number, not 'many'"),
        ("relays: {count: 5, palces: all}", "relays.palces", "did you mean 'places'?"),
        ("relays: {count: 5, places: every}", "relays.places", "must be a list, not 'every'"),
        ("relays: {count: 5, places: [Pariss]}", "relays.places[0]", "did you mean Paris?"),
        ("relays: {count: 5, bandwidth: 10}", "relays.bandwidth", "is not a rate"),
        ("relays: {count: 5, bandwidth: fast}", "relays.bandwidth", "'fast' is not a rate"),
        ("relays: {count: 5, bandwidth: 500kbit}", "relays.bandwidth", "less than Tor takes"),
        (
            "relays: {count: 5, bandwidth: {median: 5mbit, sigma: 2}}",
            "relays.bandwidth",
            "less than Tor takes for a relay, 615kbit",
        ),
        (
            "relays: {count: 100, bandwidth: {median: 10gbit, sigma: 3}}",
            "relays.bandwidth",
            "scatters beyond 100gbit: give it a `most`, or less `sigma`",
        ),
        ("relays: {count: 5, bandwidth: {sigma: 1}}", "relays.bandwidth.median", "is missing"),
        (
            "relays: {count: 5, bandwidth: {median: 5mbit, least: 9mbit, most: 8mbit}}",
            "relays.bandwidth.least",
            "is more than `most`, 8mbit",
        ),
        ("relays: {count: 5, links: {wam: {}}}", "relays.links.wam", "did you mean 'wan'?"),
        (
            "relays: {count: 5, links: {wan: {rate: fast}}}",
            "relays.links.wan.rate",
            "'fast' is not a rate",
        ),
        (
            "relays: {count: 5, links: {wan: {queue: {packets: 9}}}}",
            "relays.links.wan.queue",
            "needs a `rate`",
        ),
        (
            "relays: {count: 5, links: {wan: {address: 10.1.1.9}}}",
            "relays.links.wan.address",
            "is for one node, and these are 5; leave it out",
        ),
        ("relays: {count: 5, tor_version: 0.3}", "relays.tor_version", "is not a version of Tor"),
    ],
)
def test_a_mistake_of_all_of_them_is_told_once_where_it_is(
    relays: str, place: str, message: str
) -> None:
    found = mistakes_of(topology_with(relays))
    assert place in [where for where, _ in found]
    assert message in next(what for where, what in found if where == place)
    assert not [where for where, _ in found if not where.startswith("relays")]


def test_distances_need_places() -> None:
    text = topology_with("relays: {count: 50}", **{"wan: {}\nrel": "wan: {distances: true}\nrel"})
    found = mistakes_of(text)
    assert ("relays", "has no `places`, and network 'wan' has distances") in found
    assert not [where for where, _ in found if "relay-" in where]


def test_what_is_on_several_networks_says_on_which() -> None:
    text = topology_with("relays: {count: 5}", **{"wan: {}\nrel": "wan: {}\n  lan: {}\nrel"})
    assert ("relays", "needs `links`: the topology has 2 networks") in mistakes_of(text)


def test_a_node_cannot_be_called_like_one_of_them() -> None:
    text = topology_with("relays: {count: 5}", **{"  pbx:": "  relay-3:"})
    assert mistakes_of(text) == [
        ("nodes.relay-3", "is what one of the `relays` is called: name it otherwise")
    ]


def test_more_than_a_network_has_room_for() -> None:
    assert mistakes_of(topology_with("relays: {count: 199}")) == [
        ("networks.wan", "has 203 nodes, and a network of the lab has room for 200")
    ]


@pytest.mark.parametrize("relays", ["relays: {count: many}", "relays: {count: 5, places: [X]}"])
def test_what_cannot_be_known_of_them_is_no_mistake(relays: str) -> None:
    """A circuit over one of them, of which there may be one."""
    text = topology_with(relays) + "tor: {circuit: [oslo-1, oslo-2, oslo-3]}\n"
    assert all(place.startswith("relays") for place, _ in mistakes_of(text))


def test_a_circuit_goes_over_them() -> None:
    text = SMALL + "tor: {circuit: [relay-1, relay-5, relay-2]}\n"
    assert parse_topology(text).tor.circuit == ["relay-1", "relay-5", "relay-2"]
    wrong = SMALL + "tor: {circuit: [relay-1, relay-6, relay-2]}\n"
    ((place, message),) = mistakes_of(wrong)
    assert (place, message.partition(";")[0]) == ("tor.circuit[1]", "there is no node 'relay-6'")


def test_what_many_relays_lack_is_told_of_a_few() -> None:
    text = topology_with("relays: {count: 50}") + "tor: {selection: bandwidth}\n"
    ((place, message),) = mistakes_of(text)
    assert place == "tor.selection"
    assert "'relay-4' and 46 more: give it" in message


def test_a_key_of_theirs_is_changed_as_any_other() -> None:
    source = read_topology(find_topology("crowd"), {"relays.count": 7})
    assert len(relays_of(source.raw)) == 8
    assert parse_topology(source.text) == source.raw
    (mistake,) = mistakes_in(find_topology("crowd").read_text(), {"relays.count": 500})
    assert (mistake.place, mistake.message) == ("relays.count", "must be at most 200, not 500")


def test_a_setting_of_the_command_line_is_read_as_in_a_file() -> None:
    assert setting("relays.count=50") == ("relays.count", 50)
    assert setting("tor.circuit=[a, b, c]") == ("tor.circuit", ["a", "b", "c"])
    assert setting("relays.bandwidth=10mbit") == ("relays.bandwidth", "10mbit")
    for wrong in ("relays.count", "=5", "tor.circuit=[a"):
        with pytest.raises(UsageError, match="is not KEY=VALUE"):
            setting(wrong)


@pytest.fixture(scope="module")
def crowd() -> Topology:
    raw = read_topology(find_topology("crowd")).raw
    return resolve(raw, "crowd", block_for(raw, []), PbxKind.KAMAILIO)


def test_the_crowd_is_a_hundred_relays_and_an_authority(crowd: Topology) -> None:
    relays = crowd.with_role("relay")
    assert (len(relays), len(crowd.circuit_relays)) == (101, 100)
    assert len({nickname(relay.name) for relay in relays}) == 101
    assert all(relay.has_delays and relay.bandwidth_kbps for relay in relays)
    rates = sorted(relay.bandwidth_kbps or 0 for relay in crowd.circuit_relays)
    assert rates[49] < 6300 < rates[50]


def test_its_project_has_what_each_needs(crowd: Topology) -> None:
    source = read_topology(find_topology("crowd"), {"relays.count": 4})
    project = render_plan(plan_lab(source, None, BLOCK))
    compose = yaml.safe_load(project.files["compose.yaml"])
    made = [node.name for node in crowd.with_role("relay")][1:5]
    for name in made:
        assert {name, f"{name}_net", f"{name}_delay"} <= compose["services"].keys()
    torrc = project.files[f"nodes/{made[0]}/tor/torrc"].decode()
    assert re.search(r"^BandwidthRate \d+", torrc, re.MULTILINE)
    assert project.files["topology.yaml"] == source.text.encode()


def test_they_are_started_some_at_a_time(crowd: Topology) -> None:
    said: list[Happening] = []
    found = [*batches(crowd.nodes, "starting", said.append)]
    assert [*itertools.chain(*found)] == [*crowd.nodes]
    assert {len(batch) for batch in found[:-1]} == {AT_ONCE}
    assert len(said) == len(found) > 1
    few: list[Happening] = []
    assert [*batches(crowd.nodes[:AT_ONCE], "starting", few.append)] == [crowd.nodes[:AT_ONCE]]
    assert few == []


def state_of(count: int, **others: Any) -> dict[str, Any]:
    """What `lab status` shows of so many relays, `others` of which have another rate in force."""
    nodes, configured, shown = [], {}, {}
    for number in range(count):
        name, address = f"r{number:02}", BLOCK[number + 2]
        shape = Shape(rate_kbps=9000, ways=(Way(IPv4Network(f"{BLOCK[1]}/32"), number + 1.0),))
        nodes.append(RunningNode(name, "relay", name, "running", None, "x:1", ""))
        link = MachineLink("wan", address, BLOCK, BLOCK[1], shape, None)
        place = ("Oslo", "Rome", "Bonn")[number % 3]
        configured[name] = MachineNetwork(name, "cubic", (link,), (), None, place)
        rate = others.get(name, 9000)
        in_force = LinkRate("wan", address, "eth0", 9000, rate, None, shape.way, shape.way)
        shown[name] = NetworkInForce(name, (in_force,), None, ("cubic",), True)
    lab = RunningLab("many", "many", "", BLOCK, tuple(nodes))
    tor = {"version": "0.4.9.11", "consensus_parameters": {}}
    answers: dict[tuple[str, str], Any] = {("relays", node.name): tor for node in nodes}
    if "silent" in others:
        answers["relays", others["silent"]] = None
    return describe(lab, configured, shown, answers, [])


def rows_of(state: dict[str, Any], every: bool) -> list[list[str]]:
    table = nodes_table(state, every)
    return [list(map(str, row)) for row in zip(*(c.cells for c in table.columns), strict=True)]


def test_status_has_one_row_for_many_that_are_alike() -> None:
    state = state_of(40, r07=1000)
    alike, other = rows_of(state, every=False)
    assert alike[:6] == [
        "r00 and 38 more",
        "relay",
        "Oslo and 2 more",
        "running",
        "wan",
        "10.128.0.2 and 38 more",
    ]
    assert alike[6:] == ["9 Mbit/s", "9 Mbit/s", "each as configured"]
    assert (other[0], other[-2]) == ("r07", "1 Mbit/s"), "what is not as it should be stands alone"
    assert len(rows_of(state, every=True)) == 40
    assert len(rows_of(state_of(12), every=False)) == 12


def test_what_many_tell_alike_is_one_line() -> None:
    state = state_of(40, silent="r03")
    assert [str(line) for line in told(state, every=False)] == [
        "Relay at r00 and 38 more: tor 0.4.9.11",
        "Relay at r03: unknown",
    ]
    assert len([*told(state)]) == 40


def test_what_many_tors_complain_of_is_told_once() -> None:
    logs = {f"r{number}": "[warn] Unable to parse networkstatus" for number in range(9)}
    logs["r9"] = "[notice] all is well"
    assert complaints(logs, logs.__getitem__) == (
        "; the Tor of r0, r1, r2, r3, r4 and 4 more says: 'Unable to parse networkstatus'"
    )


SETTINGS = SettingsInForce("0.4.9.11", {"BandwidthRate": "787500"}, {"cc_alg": 2})


def test_a_relay_tells_in_its_log_what_its_tor_goes_by() -> None:
    told_line = f"09:12:01 lab: {SETTINGS_TOLD}{write(SETTINGS)}"
    assert settings_logged(f"[notice] Bootstrapped\n{told_line}\n[notice] later\n") == SETTINGS
    assert settings_logged("[notice] Bootstrapped\n") is None


def test_those_that_have_not_told_by_the_deadline_are_left_to_be_asked() -> None:
    logs = {"a": f"lab: {SETTINGS_TOLD}{write(SETTINGS)}", "b": "nothing"}
    assert await_logged(["a", "b"], logs.__getitem__, deadline_s=0) == {"a": SETTINGS}
    said = iter(["nothing", logs["a"]])
    assert await_logged(["late"], lambda _: next(said), deadline_s=30) == {"late": SETTINGS}


def test_what_runs_in_many_nodes_is_asked_only_where_every_answer_is_wanted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The Tors of 40 relays, and those of 3 of 40 endpoints."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    monkeypatch.setattr(status, "_asking", lambda _lab, node, *_: lambda: {"asked": node.name})
    nodes = [
        RunningNode(f"{role}-{number}", role, "", "running", None)
        for role in ("relay", "endpoint")
        for number in range(40)
    ]
    for node in [*nodes[:40], *nodes[40:43]]:
        torrc = project_directory("many") / "nodes" / node.name / in_project(TORRC)
        torrc.parent.mkdir(parents=True)
        torrc.touch()
    lab = RunningLab("many", "many", "", BLOCK, tuple(nodes))
    whole = status.lab_status(lab)
    assert (len(whole["relays"]), len(whole["tor"])) == (40, 3)
    shown = status.lab_status(lab, every=False)
    assert shown["relays"] is None
    assert shown["tor"] == whole["tor"]
    assert shown["bridges"] == {}


def test_what_nobody_asked_is_said_so() -> None:
    state = state_of(40)
    state["relays"] = None
    assert [str(line) for line in told(state, every=False)] == [
        "Relay: 40 nodes, none asked (`lab status --all` asks)"
    ]


def test_a_node_there_is_not_is_told_by_what_is_meant() -> None:
    nodes = tuple(
        RunningNode(f"paris-{number}", "relay", str(number), "running", None)
        for number in range(1, 101)
    )
    lab = RunningLab("crowd", "crowd", "", BLOCK, nodes)
    with pytest.raises(LabError) as caught:
        lab.node("pairs-7")
    assert caught.value.message == "lab crowd has no node pairs-7; did you mean 'paris-7'?"
    assert caught.value.hint.endswith("paris-12 and 95 more.")
