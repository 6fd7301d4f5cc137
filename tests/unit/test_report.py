"""Reports: the paper's figures beside ours, what is said of them, and who is left out."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from report_runs import MOS, against, call, contention_calls, report_on, text_of

from lab.measure.record import CallRecord
from lab.measure.statistics import Interval
from lab.report.agreement import Agreement, compare
from lab.report.pages import to_html
from lab.report.paper import Figure
from lab.sweep.point import Point

TABLE_1_POINTS = (Point("sip"), Point("vpn"), Point("v-tor"))


@pytest.mark.parametrize(
    ("paper", "mean", "low", "high", "expected"),
    [
        (Figure("84", 84), 85.7, 85.6, 85.8, Agreement.AGREES),
        (Figure("≈ 108", 108), 113.8, 113.5, 114.0, Agreement.DIFFERS),
        (Figure("≈ 108", 108), 116.0, 107.0, 125.0, Agreement.AGREES),
        (Figure("> 4.2", 4.2, "above"), 4.21, 4.0, 4.4, Agreement.AGREES),
        (Figure("> 4.2", 4.2, "above"), 4.19, 4.0, 4.4, Agreement.DIFFERS),
        (Figure("70-80", 75, "range", 5), 79.9, 79.0, 81.0, Agreement.AGREES),
        (Figure("70-80", 75, "range", 5), 81.0, 79.0, 82.0, Agreement.DIFFERS),
        (Figure("< 50", 50, "below"), 49.0, None, None, Agreement.AGREES),
        (Figure("< 50", 50, "below"), None, None, None, Agreement.UNKNOWN),
    ],
)
def test_a_figure_agrees_within_the_interval_or_five_per_cent_or_keeping_a_bound(
    paper: Figure, mean: float | None, low: float | None, high: float | None, expected: Agreement
) -> None:
    assert compare(paper, Interval(mean, low, high, 5, 5, 0.95)) is expected


def table1_calls() -> list[CallRecord]:
    calls = []
    for number in (1, 2, 3):
        own = {"kbps_access_eth": 85.7, "kbps_exit_eth": 85.7}
        calls.append(call(Point("sip"), number, callee_owd_ms_p50=0.1, **own))
        tor = {"kbps_tunnel_ip": 80.2, "kbps_access_eth": 253.0, "kbps_exit_eth": 118.6}
        calls.append(call(Point("v-tor"), number, callee_owd_ms_p50=60.0 + number, **tor))
    return calls


def test_table1_names_the_point_that_agrees_and_those_that_differ() -> None:
    told = text_of(report_on(TABLE_1_POINTS, table1_calls(), 1))
    sentence = re.search(r"- V-Tor: .*?n = 3\.", told, re.DOTALL)
    assert sentence is not None
    words = " ".join(sentence[0].split())
    assert "≈ 120 kbit/s agrees with what is measured on the last hop to the server" in words
    assert "differs inside the tunnel, IP (80.2) and on the caller's own link" in words
    assert "PESQ agrees (4.5 there" in words
    assert "delay differs (< 50 ms there, 62.0" in words
    assert "SIP via VPN: no calls in this run." in told


def test_table1_speaks_of_the_systems_that_the_run_calls_by_and_no_others() -> None:
    points = [Point("m-tor").normalised(), Point("v-tor")]
    calls = [call(points[0], 1, kbps_exit_eth=72.0, callee_owd_ms_p50=20.0), *table1_calls()[1::2]]
    told = " ".join(text_of(report_on(points, calls, 1)).split())
    assert "M-Tor: the paper's 70-80 kbit/s agrees with what is measured" in told
    assert "V-Tor: the paper's" in told
    assert "direct" not in told


def test_table1_says_which_tunnel_the_paper_fits() -> None:
    tunnels = (("AES-256-GCM", "SHA1", 113.1, 118.9), ("none", "none", 106.6, 112.2))
    points, calls = [], []
    for cipher, digest, ip_kbps, eth_kbps in tunnels:
        point = Point("vpn", cipher=cipher, digest=digest)
        points.append(point)
        own = {"kbps_access_ip": ip_kbps, "kbps_access_eth": eth_kbps}
        calls += [call(point, n, callee_owd_ms_p50=1.0, **own) for n in (1, 2, 3)]
    told = " ".join(text_of(report_on(points, calls, 1)).split())
    assert (
        "SIP via VPN: the paper's ≈ 108 kbit/s is nearest to PCMU, no cipher, no digest on the "
        "caller's own link, IP (106.6; PCMU, AES-256-GCM, SHA1 has 113.1 there)."
    ) in told
    assert "SIP via VPN (PCMU, AES-256-GCM, SHA1): the paper's" in told


def test_what_the_exchange_did_is_told_profile_beside_profile() -> None:
    points = [Point("v-tor", pbx_profile=profile) for profile in ("steady", "stock")]
    calls = [
        call(point, n, pbx_to_callee_delay_ms_p50=delay_ms, pbx_to_callee_dropped=dropped)
        for point, delay_ms, dropped in zip(points, (0.2, 61.0), (0, 12), strict=True)
        for n in (1, 2, 3)
    ]
    report = report_on(points, calls, None)
    rows = {(row["profile"], row["end"]): row["figures"] for row in report.data["exchanges"]}
    assert rows["stock", "callee"]["delay_ms_p50"]["estimate"] == pytest.approx(61.0)
    assert rows["steady", "callee"]["dropped"]["estimate"] == 0
    assert rows["stock", "caller"]["dropped"]["estimate"] is None
    assert "The exchange: delay it adds" in text_of(report)
    assert "exchanges" not in report_on([Point("sip")], [call(Point("sip"))], None).data


def test_only_valid_calls_enter_a_mean_and_the_others_are_counted_apart() -> None:
    calls = table1_calls()
    spoilt = call(Point("sip"), 4, mos=1.0, kbps_exit_eth=10.0)
    spoilt.valid = False
    calls += [spoilt, replace(call(Point("sip"), 5), status="failed", valid=False)]
    report = report_on(TABLE_1_POINTS, calls, 1)
    quality = report.data["table1"]["quality"][0]
    assert (quality["method"], quality["callee_mos"]["estimate"]) == ("sip", 4.39)
    assert quality["counts"] == {"valid": 3, "invalid": 1, "failed": 1}


def test_without_a_paper_nothing_is_compared() -> None:
    report = report_on(TABLE_1_POINTS, table1_calls(), None)
    assert "paper" not in text_of(report)
    assert report.data["baseline"]["quality"][0]["pesq_agreement"] is None


def test_codecs_are_told_apart_and_only_g711_is_set_beside_the_paper() -> None:
    points = [Point("sip"), Point("sip", codec="GSM")]
    report = report_on(points, [call(point, kbps_exit_eth=40.0) for point in points], 1)
    agreements = {item["codec"]: item["agreement"] for item in report.data["table1"]["bandwidth"]}
    assert agreements == {"GSM": None, "PCMU": "differs"}


def test_the_html_file_needs_no_other_and_holds_figures() -> None:
    points = [against(count) for count in MOS]
    page = to_html(report_on(points, contention_calls(MOS), 2))
    assert page.count("<svg") == 2
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert "<script" not in page
    assert page == to_html(report_on(points, contention_calls(MOS), 2))


def test_what_the_lab_stored_cannot_break_the_page() -> None:
    calls = [call(Point("sip"), pbx="<script>alert(1)</script>")]
    assert "<script" not in to_html(report_on([Point("sip")], calls, None))


def test_json_holds_the_same_and_no_infinity() -> None:
    points = [against(count) for count in MOS]
    data = report_on(points, contention_calls(MOS), 2).data
    assert json.loads(json.dumps(data, allow_nan=False))["curves"][0]["cliff"]["first_bad"] == 86


def test_lengths_are_told_apart_and_a_long_call_has_windows_instead_of_a_pesq() -> None:
    short, long = Point("v-tor"), Point("v-tor", duration_s=240)
    calls = [call(short, callee_owd_ms_p50=60.0, callee_jitter_mean=1.0)]
    calls += [
        call(
            long,
            number,
            callee_pesq_mos=None,
            callee_owd_ms_p50=80.0,
            callee_jitter_mean=2.0,
            callee_window_mos_min=3.5,
            callee_window_mos_p50=4.3,
        )
        for number in (1, 2)
    ]
    report = report_on([short, long], calls, None)
    assert [section.title for section in report.sections] == ["Calls of different lengths"]
    once, minutes = report.data["lengths"]
    assert (once["mos"]["estimate"], once["worst_window_mos"]["estimate"]) == (4.39, None)
    assert (minutes["mos"]["estimate"], minutes["worst_window_mos"]["estimate"]) == (None, 3.5)
    assert (minutes["owd_ms_p50"]["estimate"], minutes["counts"]["valid"]) == (80.0, 2)
    assert " 4m " in text_of(report)


def test_calls_through_different_playout_buffers_are_never_averaged() -> None:
    points = (Point("sip"), Point("sip", playout="adaptive:60"))
    made = [call(points[0], 1, 4.4), call(points[0], 2, 4.4), call(points[1], 1, 3.2)]
    report = report_on(points, made, 1)
    quality = report.data["table1"]["quality"]
    assert {row["codec"]: row["callee_mos"]["estimate"] for row in quality} == {
        "PCMU, playout usual": pytest.approx(4.4),
        "PCMU, playout adaptive:60": pytest.approx(3.2),
    }


def test_a_wanted_precision_is_told_with_the_points_that_have_not_reached_it() -> None:
    near, far = against(80), against(40)
    calls = [call(far, 1, mos=4.3), call(far, 2, mos=4.3)]
    calls += [call(near, 1, mos=4.3), call(near, 2, mos=3.3)]
    text = " ".join(text_of(report_on([far, near], calls, None, precision_mos=0.3)).split())
    assert "2 valid calls or more, until the 95 % confidence interval" in text
    assert f"it is wider at {near.point_id} (± 6.35, n = 2)." in text
    assert "until the 95 % confidence" not in text_of(report_on([far, near], calls, None))


def test_what_was_chosen_after_seeing_results_is_called_a_fit() -> None:
    points, calls = [against(40)], [call(against(40))]
    said = text_of(report_on(points, calls, 2, fit=("placement", "queue_packets", "cipher")))
    assert "A fit, chosen after seeing results: cap at server and queue of 200." in said
    assert "A fit" not in text_of(report_on(points, calls, 2))
