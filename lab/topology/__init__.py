"""Topologies: YAML → checked (`RawTopology`) → resolved for one lab (`Topology`)."""

from lab.topology.load import find_topology, load_topology, parse_topology
from lab.topology.mistakes import Mistake, TopologyError
from lab.topology.raw import RawTopology, topology_schema
from lab.topology.resolve import resolve

__all__ = [
    "Mistake",
    "RawTopology",
    "TopologyError",
    "find_topology",
    "load_topology",
    "parse_topology",
    "resolve",
    "topology_schema",
]
