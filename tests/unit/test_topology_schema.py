"""The JSON Schema for editors, and the units it describes."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from lab.checkout import TOPOLOGIES
from lab.cli.schema import command
from lab.topology.load import find_topology
from lab.topology.raw import topology_schema
from lab.topology.units import DURATION_PATTERN, RATE_PATTERN, parse_duration_s, parse_rate_kbps
from lab.wire.shape import format_rate


def test_the_shipped_schema_is_current() -> None:
    """If this fails: `lab schema > topologies/schema.json`."""
    assert json.loads((TOPOLOGIES / "schema.json").read_text()) == topology_schema()


def test_lab_schema_prints_it() -> None:
    result = CliRunner().invoke(command, [])
    assert (result.exit_code, json.loads(result.stdout)) == (0, topology_schema())


def test_every_key_is_described() -> None:
    schema = topology_schema()
    for model in (schema, *schema["$defs"].values()):
        assert model["additionalProperties"] is False
        for key, described in model["properties"].items():
            assert "description" in described or "$ref" in described, key


@pytest.mark.parametrize("name", ["paper", "small"])
def test_shipped_topologies_point_editors_to_it(name: str) -> None:
    text = find_topology(name).read_text()
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")
    assert yaml.safe_load(text)["name"] == name


@pytest.mark.parametrize(
    ("text", "rate_kbps"),
    [("1kbit", 1), ("100mbit", 100_000), ("1.5mbit", 1500), ("0.064mbit", 64), ("1gbit", 10**6)],
)
def test_rates(text: str, rate_kbps: int) -> None:
    assert parse_rate_kbps(text) == rate_kbps


@pytest.mark.parametrize(
    "text",
    [None, 100, 1.5, "", "100", "0mbit", "1.5kbit", "-1mbit", "1 mbit", "1mbps", "101gbit"],
)
def test_what_is_no_rate(text: object) -> None:
    with pytest.raises(ValueError, match=r"rate|whole number"):
        parse_rate_kbps(text)


@given(st.integers(1, 100_000_000))
def test_rates_are_written_as_they_are_read(rate_kbps: int) -> None:
    assert parse_rate_kbps(format_rate(rate_kbps)) == rate_kbps


@pytest.mark.parametrize(("text", "duration_s"), [("10s", 10), ("5m", 300), ("1h", 3600)])
def test_durations(text: str, duration_s: int) -> None:
    assert parse_duration_s(text) == duration_s


@pytest.mark.parametrize("text", ["10", 10, None, "", "1.5s", "-1s", "10 s", "1d", "10s\n"])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration_s(text)


@pytest.mark.parametrize(
    ("pattern", "parse"), [(RATE_PATTERN, parse_rate_kbps), (DURATION_PATTERN, parse_duration_s)]
)
@given(st.data())
def test_what_a_parser_accepts_an_editor_accepts(
    pattern: str, parse: object, data: st.DataObject
) -> None:
    text = data.draw(st.text("0123456789.skmgbithKM ", max_size=12) | st.from_regex(pattern))
    try:
        assert callable(parse)
        parse(text)
    except ValueError:
        return
    assert re.fullmatch(pattern, text)
