"""The cliff: a call that shares a link with downloads is good, and suddenly is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path

from lab.calls.measuring_points import EXIT
from lab.calls.methods import METHODS
from lab.demo.cliff import (
    DOWNLOADS,
    FASTEST_KBPS,
    SHARERS,
    SLOWEST_KBPS,
    Cliff,
    Tried,
    cliff_of,
    next_rate,
)
from lab.demo.demonstration import (
    Closing,
    Demonstration,
    NotShownError,
    Question,
    Recording,
    Shown,
)
from lab.demo.figures import draw_curve
from lab.demo.stage import Stage
from lab.load.needs import COMPETITOR, WEB_SERVER
from lab.measure.call.notes import read_notes
from lab.measure.capture import read_capture
from lab.measure.good_call import GOOD_MOS
from lab.measure.record import CallRecord
from lab.report.pages import Table, number_text
from lab.report.paper import STUDY, TABLE_2
from lab.verdict import INVALID

EVEN_SHARE = "a fifth"
TRIED = 4
"""Calls on the slow link."""
LEAST_SHARE, MOST_SHARE = 0.5, 1.4
"""Of what the call takes alone: within these its share ends where its need does. Packets that
wait are joined, so less is enough than alone."""
JOINED = 1.3
"""By how much packets must have grown to be told."""
NUMBERS = (5, 25, 90, 400)
"""The answers of the closing question, downloads."""

PREDICTION = Question(
    f"{DOWNLOADS} downloads share the server's link with your call, and the link is made slower "
    "and slower. When does the call break?",
    (
        "As soon as downloads fill the link, however fast it is.",
        "When the whole link is slower than what the call takes alone.",
        f"When {EVEN_SHARE} of the link, an even share, is less than what the call takes.",
        "Never: TCP loses nothing, so voice only comes later.",
    ),
)


def show(stage: Stage) -> Shown:
    """Call alone, then on a link as slow as the person likes, and look for the cliff."""
    alone = stage.call("the call alone, on a fast link", "v-tor", direction="to-caller")
    cost_kbps = alone.kbps_exit_eth_back
    if cost_kbps is None:
        raise NotShownError("what the call takes alone was not measured")
    stage.person.tell(
        f"Alone on a fast link the caller hears PESQ {_mos(alone)}, and voice from the server "
        f"takes {cost_kbps:.0f} kbit/s. Now {DOWNLOADS} downloads come, and the link gets slow. "
        f"An even share of it would be {EVEN_SHARE}."
    )
    calls: list[tuple[Tried, CallRecord]] = []
    for number in range(1, TRIED + 1):
        proposed = next_rate([tried for tried, _ in calls], SHARERS * cost_kbps)
        rate_kbps = stage.person.number(
            f"Call {number} of {TRIED}: how fast is the link, kbit/s?",
            proposed,
            SLOWEST_KBPS,
            FASTEST_KBPS,
        )
        record = stage.attempt(
            f"a call at {rate_kbps} kbit/s",
            "v-tor",
            direction="to-caller",
            placement="server",
            rate_kbps=rate_kbps,
            load_kind="wget",
            load_count=DOWNLOADS,
            load_through="direct",
        )
        if record.verdict == INVALID:
            continue
        tried = Tried(rate_kbps, record.caller_pesq_mos)
        calls.append((tried, record))
        heard = f"PESQ {_mos(record)}" if record.status == "ok" else f"no call: {record.reason}"
        stage.person.tell(f"At {rate_kbps} kbit/s: {heard}.")
        if record.status == "ok":
            stage.person.hear(
                Recording(f"What the caller heard at {rate_kbps} kbit/s", _heard(record))
            )
    return _shown(alone, cost_kbps, calls)


def came_of(tried: Sequence[Tried], cost_kbps: float) -> int | None:
    """Which prediction the calls bear out; None where they bear out none."""
    cliff = cliff_of(tried)
    if cliff.broken_kbps is None:
        slowest = min((each.share_kbps for each in tried), default=cost_kbps)
        return 3 if slowest < LEAST_SHARE * cost_kbps else None
    if cliff.good_kbps is None:
        return 0 if max(each.share_kbps for each in tried) > MOST_SHARE * cost_kbps else None
    share_kbps = cliff.share_kbps or 0.0
    if LEAST_SHARE * cost_kbps <= share_kbps <= MOST_SHARE * cost_kbps:
        return 2
    return 1 if share_kbps * SHARERS <= MOST_SHARE * cost_kbps else None


def downloads_held(share_kbps: float) -> float:
    """Beside how many downloads a call holds on the paper's link, where it breaks at that share."""
    return TABLE_2.rate_kbps / share_kbps - 1


def _closing(cliff: Cliff) -> Closing:
    right = None
    if share_kbps := cliff.share_kbps:
        held = downloads_held(share_kbps)
        right = min(range(len(NUMBERS)), key=lambda n: abs(log(NUMBERS[n] / max(held, 1e-9))))
    return Closing(
        Question(
            "By the share at which your call broke: a link of "
            f"{TABLE_2.rate_kbps / 1000:g} Mbit/s is shared evenly by the call and n downloads. Up "
            "to about which n does the call hold?",
            tuple(f"About {number}." for number in NUMBERS),
        ),
        right,
        lesson=2,
    )


def _shown(alone: CallRecord, cost_kbps: float, calls: Sequence[tuple[Tried, CallRecord]]) -> Shown:
    tried = [each for each, _ in calls]
    cliff = cliff_of(tried)
    rows: list[tuple[str, ...]] = [("alone", "-", *_figures(alone))]
    rows += [
        (f"{each.rate_kbps} kbit/s", f"{each.share_kbps:.0f}", *_figures(record))
        for each, record in sorted(calls, key=lambda pair: -pair[0].rate_kbps)
    ]
    return Shown(
        came=came_of(tried, cost_kbps),
        findings=tuple(_findings(cliff, calls, cost_kbps, alone)),
        why=(
            "The server's kernel gives every TCP connection that has something to send an even "
            "turn: the tunnel of the call gets a share like each download, and not more.",
            "A download takes a smaller share by taking longer. Voice cannot: when its share is "
            "less than it needs, each packet waits behind all that wait already, and within "
            "seconds comes too late to be played, although TCP loses none.",
            "So nothing warns of the cliff: just above it the same call is a good one.",
        ),
        closing=_closing(cliff),
        tables=(
            Table(
                f"What the caller heard, beside {DOWNLOADS} downloads; rates in kbit/s",
                ("link", "share", "call took", "a download", "PESQ", "delay, 95 %", "late, %"),
                tuple(rows),
                1,
            ),
        ),
        drawings=(
            draw_curve(
                "choke",
                f"PESQ of what the caller heard against the rate of the link that {DOWNLOADS} "
                f"downloads share; above {GOOD_MOS:g} both studies call a call good.",
                ("rate of the link, kbit/s", "PESQ MOS-LQO"),
                [(each.rate_kbps, each.mos or 1.0) for each in tried],
                {"good": GOOD_MOS},
                {
                    f"{SHARERS} times what it takes alone": SHARERS * cost_kbps,
                    "what it takes alone": cost_kbps,
                },
            ),
        ),
        recordings=tuple(_recordings(alone, cliff, dict(calls))),
    )


def _findings(
    cliff: Cliff,
    calls: Sequence[tuple[Tried, CallRecord]],
    cost_kbps: float,
    alone: CallRecord,
) -> list[str]:
    if not calls:
        return ["No call on the slow link was valid."]
    if cliff.good_kbps is None or cliff.broken_kbps is None:
        side = "broke" if cliff.good_kbps is None else "held"
        return [f"No cliff was found: every call on the slow link that was valid {side}."]
    held, broke = cliff.good_kbps / SHARERS, cliff.broken_kbps / SHARERS
    findings = [
        f"The call held at {cliff.good_kbps} kbit/s and broke at {cliff.broken_kbps}: an even "
        f"share of {held:.0f} kbit/s was enough, and one of {broke:.0f} was not. Alone it took "
        f"{cost_kbps:.0f}."
    ]
    lowest = next(record for each, record in calls if each.rate_kbps == cliff.good_kbps)
    took, before, after = lowest.kbps_exit_eth_back, _packet_bytes(alone), _packet_bytes(lowest)
    if took is not None and after > JOINED * before:
        findings.append(
            f"Just above the cliff the same voice took {took:.0f} kbit/s. What waited left "
            f"together: a packet of the tunnel held {after:.0f} bytes on average, alone "
            f"{before:.0f}."
        )
    share_kbps = (held + broke) / 2
    findings.append(
        f"At that share {TABLE_2.rate_kbps / 1000:g} Mbit/s are enough for the call and "
        f"{downloads_held(share_kbps):.0f} downloads. {STUDY} has good calls below "
        f"{TABLE_2.rows[0].below:g} and broken ones above {TABLE_2.rows[-1].above:g}."
    )
    return findings


def _packet_bytes(record: CallRecord) -> float:
    """What a packet that the server sent to the exit relay held on average, bytes of payload."""
    directory = Path(record.artefacts or "")
    point = read_notes(directory).point(EXIT.name)
    assert point
    assert point.counted
    capture = read_capture(directory / point.file)
    sent = capture.touching(frozenset({point.counted.near}), capture.source)
    held = capture.payload_bytes[sent & (capture.payload_bytes > 0)]
    return float(held.mean()) if len(held) else 0.0


def _recordings(
    alone: CallRecord, cliff: Cliff, calls: Mapping[Tried, CallRecord]
) -> list[Recording]:
    chosen = [("alone, on a fast link", alone)]
    for words, rate_kbps in (("held", cliff.good_kbps), ("broke", cliff.broken_kbps)):
        chosen += [
            (f"where it {words}, at {rate_kbps} kbit/s", record)
            for each, record in calls.items()
            if each.rate_kbps == rate_kbps
        ][-1:]
    return [
        Recording(f"What the caller heard {words} (PESQ {_mos(record)})", _heard(record))
        for words, record in chosen
        if record.artefacts and record.status == "ok"
    ]


def _heard(record: CallRecord) -> Path:
    return Path(record.artefacts or "") / "caller.wav"


def _mos(record: CallRecord) -> str:
    return number_text(record.caller_pesq_mos, 2)


def _figures(record: CallRecord) -> tuple[str, ...]:
    delay_ms = record.caller_owd_ms_p95
    return (
        number_text(record.kbps_exit_eth_back, 0),
        number_text(record.load_goodput_kbps_mean, 0),
        _mos(record),
        "-" if delay_ms is None else f"{delay_ms:.0f} ms",
        number_text(record.caller_late_pct, 1),
    )


DEMONSTRATION = Demonstration(
    name="choke",
    title="How slow can a shared link get before the call breaks?",
    position=10,
    topology="paper",
    needs=(*METHODS.named("v-tor").needs, COMPETITOR, WEB_SERVER),
    scene=(
        "A call goes through a VPN and Tor to the server. From the server back to the caller it "
        f"shares the server's link with {DOWNLOADS} downloads, and you move that link's rate."
    ),
    prediction=PREDICTION,
    expected=2,
    show=show,
)
