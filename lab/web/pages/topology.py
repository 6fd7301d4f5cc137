"""The lab as its packets see it: nodes, links, the circuit of the call under way."""

from __future__ import annotations

from nicegui import ui

from lab.web.hub import Hub
from lab.web.pages.page import Page, follow


def build(hub: Hub) -> None:
    """Show it."""
    text = ui.label()
    follow(hub, lambda: text.set_text(", ".join(sorted(hub.now.nodes))))


PAGE = Page("/", "Lab", build)
