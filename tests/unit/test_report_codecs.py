"""Codecs side by side: each one's spread of PESQ beside its ceiling, and what it costs."""

from __future__ import annotations

import numpy as np
import pytest
from report_runs import call, report_on, text_of

from lab.measure.record import CallRecord
from lab.report.codec_figures import draw_bandwidth, draw_pesq
from lab.report.codecs import codecs
from lab.report.pages import Report, to_html
from lab.sweep.dimensions.codec import CODEC
from lab.sweep.dimensions.rate import RATE
from lab.sweep.point import Point

POINTS = tuple(
    link.but(method=method, codec=codec)
    for link in (Point("sip"), Point("sip", rate_kbps=100, placement="server", queue_packets=50))
    for codec in ("PCMU", "GSM")
    for method in ("sip", "v-tor")
)
CEILINGS = {"PCMU": 4.42, "GSM": 3.66}


def calls() -> list[CallRecord]:
    """Three valid calls at every point, bad ones where G.711 does not fit through the cap."""
    made = []
    for point in POINTS:
        fits = point[RATE] is None or point[CODEC] == "GSM"
        for number, below in enumerate((0.1, 0.2, 0.6), start=1):
            mos = CEILINGS[point[CODEC]] - below if fits else 1.5
            own = {"kbps_exit_eth": 118.0, "kbps_exit_eth_back": 7.0, "kbps_access_eth": 250.0}
            ceiling = CEILINGS[point[CODEC]]
            made.append(call(point, number, mos, pesq_ceiling_mos=ceiling, **own))
    return made


def report() -> Report:
    capped = POINTS[-1]
    invalid = call(capped, 4, mos=1.0)
    invalid.valid = False
    failed = call(capped, 5, status="failed", valid=False, caller_pesq_mos=None)
    return report_on(POINTS, [*calls(), invalid, failed], None)


def test_each_codec_stands_beside_its_ceiling_with_only_valid_calls_in_its_spread() -> None:
    rows = {
        (row["point"]["method"], row["point"]["codec"], row["point"]["rate_kbps"]): row
        for row in report().data["codecs"]
    }
    assert len(rows) == 8
    last = rows["v-tor", "GSM", 100]
    assert last["counts"] == {"valid": 3, "invalid": 1, "failed": 1}
    assert last["ceiling_mos"] == 3.66
    assert last["percentiles"] == pytest.approx((3.06, 3.26, 3.46, 3.51, 3.56))
    assert last["kbps"]["exit_eth"]["estimate"] == 118.0
    assert last["kbps"]["tunnel_ip"]["estimate"] is None


def test_bandwidth_is_that_of_the_scored_direction() -> None:
    back = tuple(Point("sip", codec=codec, direction="to-caller") for codec in CEILINGS)
    found = codecs(
        back, [call(point, kbps_exit_eth=118.0, kbps_exit_eth_back=7.0) for point in back]
    )
    assert found is not None
    assert [row.kbps["exit_eth"].estimate for row in found.rows] == [7.0, 7.0]


def test_what_stays_good_on_a_path_is_said() -> None:
    told = " ".join(text_of(report()).split())
    assert (
        "V-Tor, 100kbit: mean PESQ of GSM (3.36, -0.30 against the codec alone, n = 3) stay above "
        "3; PCMU (1.50, -2.92 against the codec alone, n = 3) do not." in told
    )
    cheap_and_dear = [
        call(point, 1, kbps_exit_eth=kbps, kbps_access_eth=250.0 - kbps / 100)
        for point, kbps in zip((POINTS[1], POINTS[3]), (119.0, 68.0), strict=True)
    ]
    told = " ".join(text_of(report_on(POINTS[:4], cheap_and_dear, None)).split())
    assert (
        "V-Tor, uncapped: a call takes 68 (GSM) to 119 kbit/s (PCMU) on the last hop to the "
        "server and 249 (PCMU) to 249 kbit/s (GSM) on the caller's own link." in told
    )


def test_the_section_takes_the_place_of_baseline_and_curves() -> None:
    found = report()
    assert [section.title for section in found.sections] == ["Codecs side by side"]
    page = to_html(found)
    assert page.count("<svg") == 2
    one_codec = report_on(POINTS[:2], calls()[:6], None)
    assert "codecs" not in one_codec.data
    assert "baseline" in one_codec.data


def test_a_codec_without_a_valid_call_is_named_and_drawn_as_nothing() -> None:
    failed = [call(point, status="failed", valid=False) for point in POINTS[:4]]
    found = codecs(POINTS[:4], failed)
    assert found is not None
    assert "no valid call with PCMU and GSM" in text_of(report_on(POINTS[:4], failed, None))
    assert draw_pesq(found.rows).axes


def test_a_panel_per_link_and_a_bar_per_point_of_the_path() -> None:
    found = codecs(POINTS, calls())
    assert found is not None
    assert [axes.get_title() for axes in draw_pesq(found.rows).axes] == [
        "link: uncapped",
        "link: 100kbit",
    ]
    sip, tor = draw_bandwidth(found.rows).axes
    assert [axes.get_title() for axes in (sip, tor)] == ["direct SIP", "V-Tor"]
    tops = [patch.get_extents().ymax for patch in tor.patches]
    drawn = tor.transData.inverted().transform([(0.0, top) for top in tops])[:, 1]
    assert np.unique(drawn.round(6)).tolist() == [0.0, 118.0, 250.0]


def test_encoder_rates_stand_beside_the_papers() -> None:
    points = [
        Point("v-tor", codec="OPUS"),
        Point("v-tor", codec="OPUS", bitrate_kbps=200),
        *(Point("v-tor", codec=codec) for codec in ("L16-16", "L16-32", "L16-48")),
    ]
    scores = (4.3, 4.4, 4.2, 4.1, 4.0)
    made = [call(point, 1, mos) for point, mos in zip(points, scores, strict=True)]
    told = " ".join(text_of(report_on(points, made, None)).split())
    assert (
        "V-Tor, uncapped, beside the paper's PESQ by encoder rate over the public Tor network: "
        "200 kbit/s 3.6, here 4.40 with OPUS 200 kbit/s (200 kbit/s), n = 1; "
        "400 kbit/s 3.2, here 4.10 with L16-32 (512 kbit/s), n = 1; "
        "800 kbit/s 3.0, here 4.00 with L16-48 (768 kbit/s), n = 1." in told
    )
    assert "public Tor network" not in text_of(report())
