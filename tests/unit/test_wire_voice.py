"""What phones, Mumble clients and competing traffic are told and tell, there and back as a line."""

from __future__ import annotations

from dataclasses import fields
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Any

import pytest

from lab.calls.coding import choose_coding
from lab.wire.codecs import CODECS
from lab.wire.load import (
    ANSWERER,
    ARRIVALS,
    CALLS,
    MUMBLE_CALLS,
    TRANSFERS,
    AnswerCalls,
    CallEnds,
    CountArrivals,
    Death,
    Lateness,
    LoadReport,
    MakeCalls,
    Sample,
    TalkMumble,
    Transfer,
    TunnelClient,
)
from lab.wire.messages import Dialogue, Event, Order, write
from lab.wire.mumble import MUMBLE_CLIENT, ClientReport, Join, Joined, MumbleServer
from lab.wire.phone import (
    PHONE,
    Dial,
    Ended,
    Media,
    PacketCounts,
    PhoneReport,
    Register,
    Rejected,
    SipAccount,
    Voice,
)
from lab.wire.plain import from_plain, to_plain
from lab.wire.playout import ADAPTIVE, FIXED
from lab.wire.proxy import SocksProxy
from lab.wire.voice_client import Left, OpusSettings, Playback, Recording, Talk

ADDRESS = IPv4Address("10.0.0.11")
CLIP = PurePosixPath("/usr/share/clip.wav")
SERVER = MumbleServer(ADDRESS, 64738, "ab" * 32)
MEDIA = Media("opus", 16000, 96, None, 20, False, "10.2.0.10:30000", FIXED)
ENDED = Ended(200, "bye", 30.4, PacketCounts(9, 8, 1, None, None, 0, None, 0, 2, None, None))
LEFT = Left(9.5, (Playback(CLIP, 1500, 1510, 2, 0, 180.5, 200.0),), (1.5, 2.0), 0.8, 20480)

ORDERS: list[tuple[Dialogue, Order]] = [
    (
        PHONE,
        Register(
            SipAccount("1001", "hush", ADDRESS, ADDRESS, tunnelled=True),
            choose_coding(CODECS["OPUS"], 40, 64),
            ADAPTIVE,
        ),
    ),
    (PHONE, Dial("1008", Voice(CLIP, PurePosixPath("/calls/1/caller.wav"), 30.0))),
    (
        MUMBLE_CLIENT,
        Join(SERVER, "a", "b", "call-1", True, SocksProxy(ADDRESS, 9050, "call", "hush")),
    ),
    (
        MUMBLE_CLIENT,
        Talk(CLIP, 30.0, OpusSettings(), CLIP, CLIP, (Recording(CLIP, 16000, FIXED),)),
    ),
    (TRANSFERS, Transfer(5, "http://10.0.0.9/x", None, 9050, 0.05)),
    (ARRIVALS, CountArrivals(5, 8080)),
    (ANSWERER, AnswerCalls()),
    (
        CALLS,
        MakeCalls(
            (CallEnds(ADDRESS, ADDRESS),), 0.1, (TunnelClient("load0", {"client.conf": "dev"}),)
        ),
    ),
    (
        MUMBLE_CALLS,
        TalkMumble(4, "near", "far", "t", SERVER, False, 9050, CLIP, OpusSettings(), 0.1),
    ),
]
EVENTS: list[tuple[Dialogue, Event]] = [
    (PHONE, MEDIA),
    (PHONE, ENDED),
    (PHONE, Rejected(488, "No Common Codec", "call")),
    (MUMBLE_CLIENT, LEFT),
    (
        MUMBLE_CALLS,
        LoadReport((Sample(1.0, 2, (3, 4)),), (Death(1, 2.5, "left"),), 7, Lateness(3.0, None)),
    ),
]


@pytest.mark.parametrize(("dialogue", "order"), ORDERS)
def test_an_order_arrives_as_it_was_given(dialogue: Dialogue, order: Order) -> None:
    assert dialogue.read_order(write(order)) == order


@pytest.mark.parametrize(("dialogue", "event"), EVENTS)
def test_an_event_arrives_as_it_was_told(dialogue: Dialogue, event: Event) -> None:
    assert dialogue.read_event(write(event)) == event


@pytest.mark.parametrize(
    "dialogue", [PHONE, MUMBLE_CLIENT, TRANSFERS, ARRIVALS, CALLS, ANSWERER, MUMBLE_CALLS]
)
def test_no_two_messages_of_a_dialogue_have_one_name(dialogue: Dialogue) -> None:
    names = [kind.__name__ for kind in (*dialogue.orders, *dialogue.events)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "report",
    [
        PhoneReport(),
        PhoneReport(media=MEDIA, ended=ENDED),
        ClientReport(joined=Joined(1.0, 12.5, "TLSv1.3", "libopus 1.3.1"), left=LEFT),
    ],
)
def test_what_an_end_told_can_be_kept(report: PhoneReport | ClientReport) -> None:
    assert from_plain(type(report), to_plain(report)) == report


@pytest.mark.parametrize(
    ("report", "dialogue"), [(PhoneReport, PHONE), (ClientReport, MUMBLE_CLIENT)]
)
def test_the_fields_of_a_report_are_called_after_events(report: Any, dialogue: Dialogue) -> None:
    events = {kind.__name__.lower() for kind in dialogue.events}
    assert {field.name for field in fields(report)} <= events


def test_no_secret_is_shown_where_an_order_is() -> None:
    assert not any("hush" in repr(order) for _, order in ORDERS)
