"""`lab places`: the cities a node can stand in, and how long a packet takes between two."""

from __future__ import annotations

import click
from rich.table import Table

from lab.cli.output import out, print_json
from lab.errors import UsageError
from lab.places.cities import PLACES, Place, UnknownPlaceError, place_named
from lab.places.distance import FIBRE_KM_PER_MS, STRETCH, Distances, great_circle_km

FORMULA = (
    f"one-way delay = great circle x {STRETCH:g} (stretch) / {FIBRE_KM_PER_MS:.1f} km/ms "
    "(light in fibre)"
)


@click.command()
@click.argument("one", required=False)
@click.argument("other", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(one: str | None, other: str | None, as_json: bool) -> None:
    """Show the places, the formula of their distances, or the delay between two of them.

    With ONE and OTHER: how far they are apart; with ONE alone: how far every place is from there.
    """
    if one is None:
        _show_all(as_json)
        return
    start = _place(one)
    ends = [_place(other)] if other else sorted(PLACES.values(), key=lambda p: _way(start, p))
    rows = [
        {
            "from": start.name,
            "to": end.name,
            "great_circle_km": round(great_circle_km(start, end)),
            "one_way_ms": round(_way(start, end), 2),
        }
        for end in ends
        if end != start or other
    ]
    if as_json:
        print_json(rows[0] if other else rows)
        return
    table = Table("from", "to", box=None, header_style="bold")
    table.add_column("km", justify="right")
    table.add_column("one way, ms", justify="right")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    out.print(table)
    out.print(FORMULA, soft_wrap=True)


def _show_all(as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "formula": FORMULA,
                "stretch": STRETCH,
                "fibre_km_per_ms": FIBRE_KM_PER_MS,
                "places": [
                    {
                        "place": place.name,
                        "country": place.country,
                        "latitude_deg": place.latitude_deg,
                        "longitude_deg": place.longitude_deg,
                    }
                    for place in PLACES.values()
                ],
            }
        )
        return
    table = Table("place", "country", box=None, header_style="bold")
    table.add_column("north", justify="right")
    table.add_column("east", justify="right")
    for place in PLACES.values():
        table.add_row(
            place.name, place.country, f"{place.latitude_deg:.2f}", f"{place.longitude_deg:.2f}"
        )
    out.print(table)
    out.print(FORMULA, soft_wrap=True)


def _way(one: Place, other: Place) -> float:
    return Distances().one_way_ms(one, other)


def _place(name: str) -> Place:
    try:
        return place_named(name)
    except UnknownPlaceError as error:
        raise UsageError(f"{name!r} {error}") from None
