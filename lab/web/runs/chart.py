"""The figure of a run as ECharts draws it.

Colours of text and lines are those of the page at the moment (light or dark), asked in the
browser; those of curves can be seen on both, and every curve has a mark of its own as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lab.measure.good_call import GOOD_MOS
from lab.measure.statistics import Interval
from lab.report.pages import interval_text
from lab.web.runs.figure import Curve, RunFigure

LEAST_MOS, MOST_MOS = 1.0, 4.6
"""Of the axis; MOS-LQO of narrow-band PESQ is between 1.02 and 4.56."""
COLOURS = (
    "#2f81c7", "#d1642a", "#2a9d6f", "#b0539e", "#9a8420", "#6b6fd1", "#c24a5a", "#3f9199",
)  # fmt: skip
MARKS = ("circle", "rect", "triangle", "diamond", "pin", "arrow", "roundRect")
INVALID = "invalid calls"
NAME_GAP, LINE = 28, 14
"""From an axis to its title below one line of labels, and what each further line takes, pixels."""
WHISKERS = """(params, api) => {
  const low = api.coord([api.value(0), api.value(1)]);
  const high = api.coord([api.value(0), api.value(2)]);
  const style = {stroke: api.visual('color'), lineWidth: 1.5, fill: null};
  const bar = (x1, y1, x2, y2) => ({type: 'line', shape: {x1, y1, x2, y2}, style});
  return {type: 'group', children: [
    bar(low[0], low[1], high[0], high[1]),
    bar(low[0] - 5, low[1], low[0] + 5, low[1]),
    bar(high[0] - 5, high[1], high[0] + 5, high[1])]};
}"""


def chart_of(figure: RunFigure) -> dict[str, Any]:
    """The options; a dot's third value is the name of its call."""
    series: list[dict[str, Any]] = []
    for position, curve in enumerate(figure.curves):
        series += _series(curve, position)
    series.append(_invalid([dot for curve in figure.curves for dot in curve.invalid]))
    named = figure.axis.labels
    labels = None if named is None else [_in_lines(text) for text in named]
    lines = max((text.count("\n") + 1 for text in labels or ()), default=1)
    gap = NAME_GAP + (lines - 1) * LINE
    return {
        "animation": False,
        "aria": {"enabled": True},
        "grid": {"left": 28, "right": 16, "top": 48, "bottom": 28, "containLabel": True},
        "legend": {"type": "scroll", "top": 0, "textStyle": {":color": _now("text")}},
        "tooltip": {"trigger": "item", "confine": True, "formatter": "{b}"},
        "xAxis": _axis(figure.axis.title)
        | (
            {"type": "value", "minInterval": 1}
            if labels is None
            else {"type": "category", "data": labels, "nameGap": gap}
        ),
        "yAxis": _axis("PESQ MOS-LQO")
        | {"type": "value", "min": LEAST_MOS, "max": MOST_MOS, "nameGap": 32},
        "series": series,
    }


def _now(variable: str) -> str:
    """JavaScript: what a colour of the page is at the moment."""
    return f"getComputedStyle(document.body).getPropertyValue('--{variable}').trim()"


def _in_lines(text: str) -> str:
    """What a place on the axis is called, in lines so short that a phone has room for several."""
    return text.replace(" - ", " -\n").replace(", ", ",\n")


def _axis(title: str) -> dict[str, Any]:
    return {
        "name": title,
        "nameLocation": "middle",
        "nameGap": NAME_GAP,
        "nameTextStyle": {":color": _now("text")},
        "axisLabel": {
            ":color": _now("text"),
            "hideOverlap": True,
            "interval": 0,
            "lineHeight": LINE,
        },
        "axisLine": {"show": True, "lineStyle": {":color": _now("quiet")}},
        "splitLine": {"lineStyle": {":color": _now("line")}},
    }


def _series(curve: Curve, position: int) -> list[dict[str, Any]]:
    """The means with their line, their intervals, and the calls behind them."""
    looks = {
        "name": curve.name,
        "color": COLOURS[position % len(COLOURS)],
        "symbol": MARKS[position % len(MARKS)],
    }
    means = looks | {
        "type": "line",
        "symbolSize": 9,
        "z": 4,
        "data": [
            {"value": [place, mos.estimate], "name": _told(curve.name, mos)}
            for place, mos in curve.means
        ],
    }
    if position == 0:
        means["markLine"] = {
            "silent": True,
            "symbol": "none",
            "lineStyle": {"type": "dotted", ":color": _now("quiet")},
            "label": {"formatter": "good", "position": "insideEndTop", ":color": _now("quiet")},
            "data": [{"yAxis": GOOD_MOS}],
        }
    intervals = looks | {
        "type": "custom",
        ":renderItem": WHISKERS,
        "silent": True,
        "encode": {"x": 0, "y": [1, 2]},
        "z": 3,
        "data": [[place, mos.low, mos.high] for place, mos in curve.means if mos.low is not None],
    }
    return [means, intervals, looks | _dots(curve.calls) | {"itemStyle": {"opacity": 0.25}}]


def _invalid(dots: list[tuple[float, float, str]]) -> dict[str, Any]:
    return _dots(dots) | {
        "name": INVALID,
        "symbol": "path://M0,0L10,10M10,0L0,10",
        "itemStyle": {"color": "transparent", ":borderColor": _now("warn"), "borderWidth": 1.5},
    }


def _dots(dots: Sequence[tuple[float, float, str]]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "symbolSize": 6,
        "z": 2,
        "encode": {"x": 0, "y": 1, "itemName": 2},
        "data": [list(dot) for dot in dots],
    }


def _told(name: str, mos: Interval) -> str:
    return f"{name}: {interval_text(mos, 2)}, n = {mos.n}"
