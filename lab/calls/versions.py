"""Which version of every component carried a call."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

from lab import __version__
from lab.calls.image_contents import kept
from lab.engine.components import IMAGE, versions_told
from lab.engine.execution import run_in
from lab.errors import LabError
from lab.lifecycle.ready import ReadyLab
from lab.role import Program
from lab.roles import program_of

_AT_ONCE = 4


def component_versions(lab: ReadyLab) -> dict[str, str]:
    """Lab, kernel, the programs inside the nodes and the images, by name."""
    return {
        "lab": __version__,
        "kernel": platform.release(),
        **by_component(node_versions(lab)),
        **{f"{IMAGE}{name}": tag for name, tag in lab.images.items()},
    }


def by_component(nodes: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Component → the version that most of the `nodes` have, or the first of as many.

    A node with another one stands by itself, as `tor at relay2`.
    """
    told: dict[str, dict[str, str]] = {}
    for node, versions in nodes.items():
        for component, version in versions.items():
            told.setdefault(component, {})[node] = version
    found: dict[str, str] = {}
    for component, by_node in told.items():
        [(usual, _)] = Counter(by_node.values()).most_common(1)
        found[component] = usual
        found |= {f"{component} at {n}": v for n, v in by_node.items() if v != usual}
    return found


def node_versions(lab: ReadyLab) -> dict[str, Mapping[str, str]]:
    """Node → component → version; one node of each image is asked."""
    ids = {node.name: lab.running.node(node.name).image_id for node in lab.topology.nodes}
    asked = {
        ids[node.name]: (node.name, program)
        for node in reversed(lab.topology.nodes)
        if (program := program_of(lab.topology, node)).components
    }

    def ask(image: str) -> Mapping[str, str]:
        return _told(lab, image, *asked[image])

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        versions = dict(zip(asked, pool.map(ask, asked), strict=True))
    return {name: versions[image] for name, image in ids.items() if image in versions}


def _told(lab: ReadyLab, image: str, node: str, program: Program) -> Mapping[str, str]:
    """The versions in an image, as `node` tells them; else the reason in the place of each."""

    def ask() -> bytes:
        told = versions_told(program.components, lambda words: run_in(lab.running, node, words))
        return json.dumps(told).encode()

    # Another version of the lab may ask for other components, or ask another way.
    asked = [[each.name, *each.command, each.answer] for each in program.components]
    names = sha256(json.dumps(asked).encode()).hexdigest()
    try:
        found: Mapping[str, str] = json.loads(kept(image, f"versions-{names[:8]}.json", ask))
    except LabError as error:
        return {each.name: f"unknown ({error.message})" for each in program.components}
    return found
