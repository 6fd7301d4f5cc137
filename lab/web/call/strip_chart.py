"""What ECharts is told to draw: a strip of packets over waveforms, for one direction of a call.

Colours are the page's own, looked up by the browser when it draws; late and lost packets have
markers of their own shape as well.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from lab.web.call.live_match import WINDOW_S, Window
from lab.web.call.strip import Way, points
from lab.web.call.waveform import Waveform
from lab.wire.playout import Playout

Options = dict[str, Any]
Points = list[list[float]]

IN_TIME, LATE, LOST, DEADLINE, SAID, HEARD = (
    "in time", "late for playout", "did not come", "playout deadline", "said", "heard"
)  # fmt: skip
NAMES = (IN_TIME, LATE, LOST, DEADLINE, SAID, HEARD)
"""Of the series, in their order."""
STRIP_PX, WAVE_PX, GAP_PX, TOP_PX, LEFT_PX = 200, 56, 30, 44, 52


def colour(variable: str) -> str:
    """JavaScript for a colour of the page, `--bad`, as it is in light or dark at the moment."""
    return f"getComputedStyle(document.body).getPropertyValue('{variable}').trim()"


def height_px(waves: int) -> int:
    """The height of a chart with so many waveforms below its strip."""
    return TOP_PX + STRIP_PX + waves * (WAVE_PX + GAP_PX) + 40


def frame(waves: Sequence[str], until_s: float) -> Options:
    """A chart without data: its axes and series; `waves` are the names of its waveforms."""
    grids: list[Options] = [
        {"left": LEFT_PX, "right": 12, "top": TOP_PX, "height": STRIP_PX},
        *(
            {
                "left": LEFT_PX,
                "right": 12,
                "top": TOP_PX + STRIP_PX + GAP_PX + number * (WAVE_PX + GAP_PX),
                "height": WAVE_PX,
            }
            for number in range(len(waves))
        ),
    ]
    last = len(waves)
    return {
        "animation": False,
        "grid": grids,
        "legend": {
            "top": 4, "left": 4, "type": "scroll", "data": [IN_TIME, LATE, LOST, DEADLINE],
            "textStyle": {":color": colour("--text")},
        },
        "tooltip": {"trigger": "item", "confine": True},
        "xAxis": [
            {
                "type": "value", "gridIndex": number, "min": 0, "max": until_s,
                "axisLabel": {"show": number == last, ":color": colour("--quiet")},
                "name": "s" if number == last else "", "nameGap": 4,
                "nameTextStyle": {":color": colour("--quiet")},
                "axisLine": {"lineStyle": {":color": colour("--line")}},
                "splitLine": {"lineStyle": {":color": colour("--line"), "opacity": 0.5}},
            }
            for number in range(last + 1)
        ],
        "yAxis": [
            {
                "type": "value", "gridIndex": 0, "min": 0, "name": "delay, ms",
                "nameTextStyle": {":color": colour("--quiet"), "align": "left"}, "nameGap": 6,
                "axisLabel": {":color": colour("--quiet")},
                "splitLine": {"lineStyle": {":color": colour("--line"), "opacity": 0.5}},
            },
            *(
                {
                    "type": "value", "gridIndex": number + 1, "min": -1, "max": 1, "name": wave,
                    "nameTextStyle": {":color": colour("--quiet"), "align": "right"},
                    "nameLocation": "middle", "nameRotate": 0, "nameGap": 8,
                    "axisLabel": {"show": False}, "splitLine": {"show": False},
                    "axisTick": {"show": False},
                }
                for number, wave in enumerate(waves)
            ),
        ],
        "dataZoom": [
            {
                "type": "inside", "xAxisIndex": list(range(last + 1)), "filterMode": "none",
                "zoomOnMouseWheel": "shift", "moveOnMouseWheel": False, "moveOnMouseMove": False,
            }
        ],
        "series": _series(len(waves)),
    }  # fmt: skip


def _series(waves: int) -> list[Options]:
    def packets(name: str, symbol: str, size: int, variable: str) -> Options:
        return {
            "name": name, "type": "scatter", "symbol": symbol, "symbolSize": size, "data": [],
            "itemStyle": {":color": colour(variable)},
        }  # fmt: skip

    strip = [
        packets(IN_TIME, "circle", 4, "--accent"),
        packets(LATE, "triangle", 10, "--bad"),
        packets(LOST, "diamond", 10, "--warn"),
        {
            "name": DEADLINE, "type": "line", "showSymbol": False, "data": [], "z": 1,
            "lineStyle": {":color": colour("--text"), "type": "dashed", "width": 1.5},
            "itemStyle": {":color": colour("--text")},
        },
    ]  # fmt: skip
    below = [
        {
            "name": name, "type": "line", "showSymbol": False, "data": [], "silent": True,
            "xAxisIndex": number, "yAxisIndex": number,
            "lineStyle": {":color": colour("--quiet"), "width": 1},
        }
        for number, name in enumerate((SAID, HEARD)[:waves], start=1)
    ]  # fmt: skip
    return strip + below


def past_chart(way: Way, said: Waveform | None, heard: Points | None) -> Options:
    """The chart of a direction of a call that is over, with all its data."""
    waves = [name for name, there in ((SAID, said), (HEARD, heard)) if there is not None]
    until_s = float(max([way.sent_s.max(initial=0.0), said.duration_s if said else 0.0, 1.0]))
    options = frame(waves, round(until_s, 2))
    late = way.late
    lost_s = np.zeros(0) if way.lost_s is None else way.lost_s
    known = ~np.isnan(way.due_ms)
    data = [
        points(way.sent_s[~late], way.delay_ms[~late]),
        points(way.sent_s[late], way.delay_ms[late]),
        points(lost_s, np.zeros(len(lost_s))),
        points(way.sent_s[known], way.due_ms[known]),
        *(wave for wave in (said and said.points, heard) if wave is not None),
    ]
    for series, of_it in zip(options["series"], data, strict=True):
        # As JavaScript: NiceGUI would watch each of thousands of lists for changes.
        del series["data"]
        series[":data"] = json.dumps(of_it)
    options["series"][0]["markArea"] = _stalls(way)
    if said is not None:
        for axis in options["yAxis"][1:]:
            axis.update(_levels(said))
    return options


def _stalls(way: Way) -> Options:
    areas = [
        [
            {"xAxis": round(gap.at_s, 3), "name": f"stall of {gap.ms:.0f} ms: {gap.cause}"},
            {"xAxis": round(gap.at_s + gap.ms / 1e3, 3)},
        ]
        for gap in way.gaps
    ]
    return {
        "data": areas,
        "label": {"show": False},
        "itemStyle": {":color": colour("--bad"), "opacity": 0.22},
    }


def deadline_ms(window: Window, playout: Playout | None) -> float | None:
    """When packets are due while a call lasts, as a delay: the fastest one's, and the depth.

    None where that cannot be known yet: of an adaptive buffer, or one that nobody told of.
    """
    if playout is None or playout.adaptive or window.least_ms is None:
        return None
    return window.least_ms + playout.depth_ms


def live_data(window: Window, playout: Playout | None, said: Waveform | None) -> Options:
    """What changes in a chart while a call lasts: its axes' ends, and its data.

    `said` is the clip; None where its place in the call is not known.
    """
    until_s = max(WINDOW_S, window.now_s)
    from_s = until_s - WINDOW_S
    due_ms = deadline_ms(window, playout)
    late = window.delay_ms > (np.inf if due_ms is None else due_ms)
    line = [] if due_ms is None else [[from_s, round(due_ms, 2)], [until_s, round(due_ms, 2)]]
    data: list[Points] = [
        points(window.sent_s[~late], window.delay_ms[~late]),
        points(window.sent_s[late], window.delay_ms[late]),
        points(window.overdue_s, np.zeros(len(window.overdue_s))),
        line,
        [] if said is None else clip_between(said, from_s, until_s),
    ]
    ends = {"min": round(from_s, 2), "max": round(until_s, 2)}
    return {
        "xAxis": [ends, ends],
        "yAxis": [{}, {} if said is None else _levels(said)],
        "series": [{"data": of_it} for of_it in data],
    }


def _levels(said: Waveform) -> Options:
    """The ends of the axes of waveforms: what was heard is seen against what was said."""
    return {"min": -said.peak, "max": said.peak}


def clip_between(said: Waveform, from_s: float, until_s: float) -> Points:
    """The outline of a clip that is played again and again, between two moments."""
    played: Points = []
    first = int(from_s // said.duration_s)
    for times in range(first, int(until_s // said.duration_s) + 1):
        shift_s = times * said.duration_s
        played += [
            [round(at + shift_s, 3), level]
            for at, level in said.points
            if from_s <= at + shift_s <= until_s
        ]
    return played


def live_summary(hearer: str, window: Window, playout: Playout | None) -> str:
    """The same in a sentence, for who does not see the chart."""
    if window.renumbered:
        return (
            f"To the {hearer}: the exchange numbers packets anew, so they are shown when the "
            "call is over."
        )
    if not len(window.delay_ms):
        return f"To the {hearer}: no packet yet."
    p50, p95 = np.percentile(window.delay_ms, (50, 95))
    words = (
        f"To the {hearer}, last {WINDOW_S:.0f} s: half of the packets within {p50:.1f} ms, 95 % "
        f"within {p95:.1f} ms"
    )
    due_ms = deadline_ms(window, playout)
    if due_ms is not None:
        words += f", {int(np.sum(window.delay_ms > due_ms))} later than {due_ms:.0f} ms"
    return f"{words}, {len(window.overdue_s)} not come. {window.came} came since the beginning."
