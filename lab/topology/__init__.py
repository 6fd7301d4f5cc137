"""Topologies: YAML → checked (`RawTopology`) → resolved for one lab (`Topology`)."""
