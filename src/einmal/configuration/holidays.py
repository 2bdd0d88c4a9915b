"""Public holidays of the German states, by the `holidays` library, with their German names.

Only days on which the law closes shops in the whole state. Where a holiday is communal the library does not count it:
the Assumption on 15 August holds in Catholic parishes of Bavaria, the peace festival in Augsburg. A house that closes
then says so in `special_days`.
"""

from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache
from typing import Final

from einmal.domain.opening import Holidays

STATES: Final = {
    "BB": "Brandenburg",
    "BE": "Berlin",
    "BW": "Baden-Württemberg",
    "BY": "Bayern",
    "HB": "Bremen",
    "HE": "Hessen",
    "HH": "Hamburg",
    "MV": "Mecklenburg-Vorpommern",
    "NI": "Niedersachsen",
    "NW": "Nordrhein-Westfalen",
    "RP": "Rheinland-Pfalz",
    "SH": "Schleswig-Holstein",
    "SL": "Saarland",
    "SN": "Sachsen",
    "ST": "Sachsen-Anhalt",
    "TH": "Thüringen",
}
"""ISO 3166-2:DE, without "DE-"."""

GERMAN_ZONES: Final = frozenset({"Europe/Berlin", "Europe/Busingen"})


@cache
def public_holidays(state: str) -> Holidays:
    """One function for each state, so that configurations which say the same are equal."""
    if state not in STATES:
        raise ValueError(f"{state} is no German state")
    # Now, while nobody waits: the import and the first year take a third of a second, every other one less than 1 ms.
    _of_year(state, 2026)

    def named(day: date) -> str | None:
        return _of_year(state, day.year).get(day)

    return named


@lru_cache(maxsize=256)
def _of_year(state: str, year: int) -> Mapping[date, str]:
    # Imported on first use: who names no state need not wait for it.
    from holidays import country_holidays  # noqa: PLC0415

    return dict(country_holidays("DE", subdiv=state, years=year, language="de").items())
