"""The stages of a call that others wait for, in the words in which it tells of them."""

from __future__ import annotations

OPENING_PATH = "opening the path"
STARTING_CAPTURES = "starting captures"
"""All of its way is open."""
CALLING = "calling"
"""Both ends talk."""
