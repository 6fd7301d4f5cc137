"""A run as JUnit XML, as continuous integration reads it.

The file is valid by both schemas that are in use: Ant's (windyroad/JUnit-Schema), which wants every
attribute and element that is here, and Jenkins's (`junit-10.xsd` of its xunit plugin).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from lab.expectations.outcome import Outcome
from lab.measure.record import CallRecord
from lab.measure.statistics import count_calls
from lab.report.selection import by_point
from lab.store.database import Run
from lab.sweep.point import Point
from lab.verdict import FAILED, INVALID

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold (its production 2), not even escaped."""


def junit_xml(
    run: Run, points: Sequence[Point], calls: Sequence[CallRecord], found: Sequence[Outcome]
) -> str:
    """One test suite, the experiment; a test case for each expectation, and one for each point.

    A point has failed where no valid call was had; none is ever skipped. The time of a point is
    for how long its calls talked, s: how long they took beside that is not recorded.
    """
    made = by_point(calls)
    cases = [_expectation_case(run, outcome) for outcome in found]
    cases += [_point_case(run, point, made.get(point.point_id, [])) for point in points]
    failures = sum(case.find("failure") is not None for case in cases)
    root = Element("testsuites")
    suite = SubElement(
        root,
        "testsuite",
        {
            "id": "0",
            "package": "lab",
            "name": run.experiment,
            "timestamp": run.started_at[: len("2026-01-01T00:00:00")],
            "hostname": "localhost",
            "tests": str(len(cases)),
            "failures": str(failures),
            "errors": "0",
            "time": f"{sum(float(case.attrib['time']) for case in cases):.3f}",
        },
    )
    properties = SubElement(suite, "properties")
    for name, value in _properties(run).items():
        SubElement(properties, "property", {"name": name, "value": _legible(value)})
    suite.extend(cases)
    SubElement(suite, "system-out")
    SubElement(suite, "system-err")
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _properties(run: Run) -> dict[str, str]:
    facts = {
        "run_id": run.run_id,
        "quick": str(run.quick).lower(),
        "seed": str(run.seed),
        "complete": str(run.ended_at is not None).lower(),
    }
    return facts | {f"version.{name}": version for name, version in run.versions.items()}


def _expectation_case(run: Run, outcome: Outcome) -> Element:
    case = _case(run, "expectations", outcome.expectation.text, 0.0)
    if not outcome.met:
        _fail(case, "expectation", outcome.words, [each.words for each in outcome.failing])
    return case


def _point_case(run: Run, point: Point, calls: Sequence[CallRecord]) -> Element:
    talked_s = sum(call.duration_s or 0.0 for call in calls)
    case = _case(run, "points", point.point_id, talked_s)
    counts = count_calls(calls)
    if counts.valid == 0:
        message = "no call was made"
        if calls:
            message = f"no valid call: {counts.invalid} invalid, {counts.failed} failed"
        _fail(case, "no-valid-call", message, _reasons(calls))
    return case


def _reasons(calls: Sequence[CallRecord]) -> list[str]:
    """Why calls failed or are invalid, the most frequent first."""
    told = [call.why for call in calls if call.verdict == FAILED]
    told += [why for call in calls if call.verdict == INVALID for why in call.reasons]
    return [f"{reason} ({count} times)" for reason, count in Counter(told).most_common()]


def _case(run: Run, group: str, name: str, time_s: float) -> Element:
    return Element(
        "testcase",
        {
            "classname": f"{run.experiment}.{group}",
            "name": _legible(name),
            "time": f"{time_s:.3f}",
        },
    )


def _fail(case: Element, kind: str, message: str, lines: Sequence[str]) -> None:
    failure = SubElement(case, "failure", {"type": kind, "message": _legible(message)})
    failure.text = _legible("\n".join(lines))


def _legible(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
