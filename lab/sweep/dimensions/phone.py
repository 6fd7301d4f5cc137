"""Whose settings the phones have: the lab's, or those that the studies left as they were."""

from __future__ import annotations

from lab.calls.methods import METHODS
from lab.sweep.dimension import Coordinate, Dimension, Option, measured
from lab.sweep.dimensions.codec import codec_at
from lab.sweep.point import Point
from lab.sweep.written import Key, one_of
from lab.wire.phone_profile import PhoneProfile


def _in_words(profile: str) -> str | None:
    return None if profile == PhoneProfile.LAB else f"phone of the {profile}"


PHONE: Coordinate[str] = Coordinate(
    "phone_profile", str(PhoneProfile.LAB), words=_in_words, note=measured
)


def profile_at(point: Point) -> PhoneProfile:
    """Whose settings the phones have there, but for what else is said of them."""
    return PhoneProfile(point[PHONE])


def _check(point: Point) -> None:
    METHODS.named(point.method).check_phone(codec_at(point), profile_at(point))


DIMENSION = Dimension(
    name="phone",
    description="Whose settings the phones have: lab, or studies, which is pjsua as it comes: "
    "voice activity detection on, its own adaptive buffer, its own media clock of 16 kHz.",
    position=56,
    turns=72,
    coordinates=(PHONE,),
    written=Key(*one_of(lambda: PhoneProfile)),
    usual=str(PhoneProfile.LAB),
    label=lambda point: None if point[PHONE] == PhoneProfile.LAB else f"phone-{point[PHONE]}",
    check=_check,
    plan=lambda point: {"phone_profile": profile_at(point)},
    option=Option(
        "Whose settings the phones have; studies: pjsua as it comes (voice activity detection, "
        "its own adaptive buffer), as both studies ran it. --vad and --playout go before.",
        usual=str(PhoneProfile.LAB),
    ),
)
