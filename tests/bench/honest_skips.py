"""A test that is skipped proves nothing: where `CI` is set, it has failed.

Only FreeSWITCH may be missing there, whose image nobody but its maker builds. The last line of
every run counts what was skipped, and says why.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator

import pytest
from _pytest.terminal import TerminalReporter

MAY_BE_MISSING = "FreeSWITCH"
"""How the reason of a skip begins that is none of this project's making."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a skipped test fail where it has to run."""
    report = yield
    _judge(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Let a module fail that skips all its tests where they have to run."""
    report = yield
    _judge(report)
    return report


def _judge(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = reason_of(report)
        if os.environ.get("CI") and not reason.startswith(MAY_BE_MISSING):
            report.outcome = "failed"
            report.longrepr = f"skipped, which proves nothing where CI is set: {reason}"


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why it was skipped."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close with what was skipped, below pytest's own last line."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if isinstance(reporter, TerminalReporter):
        skipped = Counter(reason_of(report) for report in reporter.getreports("skipped"))
        for reason, count in skipped.items():
            reporter.write_line(f"{count} skipped: {reason}")
