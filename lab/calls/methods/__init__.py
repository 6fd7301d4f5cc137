"""Every way of calling: one module each, with its `METHOD`."""

from __future__ import annotations

from lab.calls.method import Method
from lab.registry import Registry

METHODS: Registry[Method] = Registry(__name__, "METHOD", "method", lambda method: method.position)
