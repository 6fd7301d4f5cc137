"""Competing traffic: what shares a link with the call, proven to run, and measured."""

from lab.load.competing import competing
from lab.load.load import Load, LoadReport
from lab.load.spec import LoadSpec

__all__ = ["Load", "LoadReport", "LoadSpec", "competing"]
