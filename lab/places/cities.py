"""The cities a node can stand in, with their coordinates; every city of both studies is one."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Place:
    """A city."""

    name: str
    country: str
    latitude_deg: float
    """North of the equator."""
    longitude_deg: float
    """East of Greenwich."""


_TABLE = """
Accra            | Ghana                |   5.56 |   -0.20
Amsterdam        | Netherlands          |  52.37 |    4.90
Ashburn          | United States        |  39.04 |  -77.49
Athens           | Greece               |  37.98 |   23.73
Atlanta          | United States        |  33.75 |  -84.39
Auckland         | New Zealand          | -36.85 |  174.76
Bangalore        | India                |  12.97 |   77.59
Bangkok          | Thailand             |  13.76 |  100.50
Berlin           | Germany              |  52.52 |   13.41
Bogota           | Colombia             |   4.71 |  -74.07
Brisbane         | Australia            | -27.47 |  153.03
Brussels         | Belgium              |  50.85 |    4.35
Bucharest        | Romania              |  44.43 |   26.10
Buenos Aires     | Argentina            | -34.60 |  -58.38
Cairo            | Egypt                |  30.04 |   31.24
Cape Town        | South Africa         | -33.92 |   18.42
Chicago          | United States        |  41.88 |  -87.63
Columbus         | United States        |  39.96 |  -83.00
Copenhagen       | Denmark              |  55.68 |   12.57
Dallas           | United States        |  32.78 |  -96.80
Delhi            | India                |  28.61 |   77.21
Denver           | United States        |  39.74 | -104.99
Dubai            | United Arab Emirates |  25.20 |   55.27
Dublin           | Ireland              |  53.35 |   -6.26
Frankfurt        | Germany              |  50.11 |    8.68
Fremont          | United States        |  37.55 | -121.99
Helsinki         | Finland              |  60.17 |   24.94
Hong Kong        | China                |  22.32 |  114.17
Istanbul         | Turkey               |  41.01 |   28.98
Jakarta          | Indonesia            |  -6.21 |  106.85
Johannesburg     | South Africa         | -26.20 |   28.05
Kuala Lumpur     | Malaysia             |   3.14 |  101.69
Kyiv             | Ukraine              |  50.45 |   30.52
Lagos            | Nigeria              |   6.52 |    3.38
Lima             | Peru                 | -12.05 |  -77.04
Lisbon           | Portugal             |  38.72 |   -9.14
London           | United Kingdom       |  51.51 |   -0.13
Los Angeles      | United States        |  34.05 | -118.24
Luxembourg       | Luxembourg           |  49.61 |    6.13
Madrid           | Spain                |  40.42 |   -3.70
Marseille        | France               |  43.30 |    5.37
Melbourne        | Australia            | -37.81 |  144.96
Mexico City      | Mexico               |  19.43 |  -99.13
Miami            | United States        |  25.76 |  -80.19
Milan            | Italy                |  45.46 |    9.19
Montreal         | Canada               |  45.50 |  -73.57
Moscow           | Russia               |  55.76 |   37.62
Mumbai           | India                |  19.08 |   72.88
Nairobi          | Kenya                |  -1.29 |   36.82
New York         | United States        |  40.71 |  -74.01
Osaka            | Japan                |  34.69 |  135.50
Oslo             | Norway               |  59.91 |   10.75
Paris            | France               |  48.86 |    2.35
Perth            | Australia            | -31.95 |  115.86
Portland         | United States        |  45.52 | -122.68
Prague           | Czechia              |  50.08 |   14.44
Reykjavik        | Iceland              |  64.15 |  -21.94
San Francisco    | United States        |  37.77 | -122.42
San Jose         | United States        |  37.34 | -121.89
Santiago         | Chile                | -33.45 |  -70.67
Sao Paulo        | Brazil               | -23.55 |  -46.63
Seattle          | United States        |  47.61 | -122.33
Seoul            | South Korea          |  37.57 |  126.98
Singapore        | Singapore            |   1.35 |  103.82
Sofia            | Bulgaria             |  42.70 |   23.32
Stockholm        | Sweden               |  59.33 |   18.07
Sydney           | Australia            | -33.87 |  151.21
Taipei           | Taiwan               |  25.03 |  121.57
Tel Aviv         | Israel               |  32.09 |   34.78
Tokyo            | Japan                |  35.68 |  139.65
Toronto          | Canada               |  43.65 |  -79.38
Vancouver        | Canada               |  49.28 | -123.12
Vienna           | Austria              |  48.21 |   16.37
Warsaw           | Poland               |  52.23 |   21.01
Zurich           | Switzerland          |  47.38 |    8.54
"""
"""Name, country, degrees north, degrees east; centres of the cities, to a hundredth of a degree."""


def _read(table: str) -> dict[str, Place]:
    rows = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    return {
        name: Place(name, country, float(north), float(east)) for name, country, north, east in rows
    }


PLACES: Mapping[str, Place] = _read(_TABLE)
"""Every place by its name."""


def _folded(name: str) -> str:
    """Without case and accents, so that São Paulo is Sao Paulo."""
    parts = unicodedata.normalize("NFKD", name.strip().lower())
    return "".join(part for part in parts if not unicodedata.combining(part))


_BY_FOLDED = {_folded(name): place for name, place in PLACES.items()}


class UnknownPlaceError(ValueError):
    """There is no such place; the message says which ones are meant perhaps."""


def place_named(name: str) -> Place:
    """The place called `name`, whatever its case; UnknownPlaceError where there is none."""
    folded = _folded(name)
    place = _BY_FOLDED.get(folded)
    if place is None:
        close = get_close_matches(folded, _BY_FOLDED, n=1, cutoff=0.75)
        meant = f", did you mean {_BY_FOLDED[close[0]].name}?" if close else ""
        raise UnknownPlaceError(f"is no place of the table{meant} (`lab places` shows it)")
    return place
