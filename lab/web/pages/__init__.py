"""The pages there are, in the order of the menu."""

from lab.web.pages import call, demonstrations, past_call, run, runs, topology
from lab.web.pages.page import Page

PAGES: tuple[Page, ...] = (
    topology.PAGE,
    call.PAGE,
    past_call.PAGE,
    runs.PAGE,
    run.PAGE,
    demonstrations.PAGE,
)
"""A new page is one module here with a `PAGE`."""
