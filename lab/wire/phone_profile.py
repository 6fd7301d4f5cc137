"""Whose settings a phone has: the lab's, made to be measured with, or those of the studies."""

from __future__ import annotations

from enum import StrEnum

from lab.wire.playout import FIXED, PJSUA_OWN, Playout


class PhoneProfile(StrEnum):
    """One word for all that a phone is set to where nothing else is asked for."""

    LAB = "lab"
    """A buffer of one depth, no voice activity detection, the clip's own sampling rate."""
    STUDIES = "studies"
    """What both studies ran: pjsua with its defaults."""

    @property
    def vad(self) -> bool:
        """Whether voice activity detection is on where nobody says."""
        return self is PhoneProfile.STUDIES

    @property
    def playout(self) -> Playout:
        """The buffer before the ear where nobody says."""
        return PJSUA_OWN if self is PhoneProfile.STUDIES else FIXED
