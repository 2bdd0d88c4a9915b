"""Public holidays of the German states, as the library has them: what is told apart, and what it leaves out."""

import subprocess
import sys
from datetime import date

import pytest

from einmal.configuration.holidays import STATES, public_holidays

EVERYWHERE = {
    date(2027, 1, 1): "Neujahr",
    date(2027, 3, 26): "Karfreitag",
    date(2027, 3, 29): "Ostermontag",
    date(2027, 5, 1): "Erster Mai",
    date(2027, 5, 6): "Christi Himmelfahrt",
    date(2027, 5, 17): "Pfingstmontag",
    date(2027, 10, 3): "Tag der Deutschen Einheit",
    date(2027, 12, 25): "Erster Weihnachtstag",
    date(2027, 12, 26): "Zweiter Weihnachtstag",
}


@pytest.mark.parametrize("state", sorted(STATES))
def test_nine_days_are_holidays_in_every_state(state: str) -> None:
    """By their German names; an ordinary day is none."""
    holidays = public_holidays(state)
    assert {day: holidays(day) for day in EVERYWHERE} == EVERYWHERE
    assert holidays(date(2027, 2, 2)) is None


@pytest.mark.parametrize(
    ("day", "name", "states"),
    [
        (date(2027, 1, 6), "Heilige Drei Könige", "BW BY ST"),
        (date(2027, 3, 8), "Frauentag", "BE MV"),
        (date(2027, 3, 28), "Ostersonntag", "BB"),
        (date(2027, 5, 27), "Fronleichnam", "BW BY HE NW RP SL"),
        (date(2027, 8, 15), "Mariä Himmelfahrt", "SL"),
        (date(2027, 9, 20), "Weltkindertag", "TH"),
        (date(2027, 10, 31), "Reformationstag", "BB HB HH MV NI SH SN ST TH"),
        (date(2027, 11, 1), "Allerheiligen", "BW BY NW RP SL"),
        (date(2027, 11, 17), "Buß- und Bettag", "SN"),
    ],
)
def test_the_others_are_those_of_some_states(day: date, name: str, states: str) -> None:
    """8 March is Berlin's, 6 January Bavaria's. 15 August is communal in Bavaria, and so it is the Saarland's only."""
    found = {state: public_holidays(state)(day) for state in STATES}
    assert {state: told for state, told in found.items() if told} == dict.fromkeys(states.split(), name)


def test_a_day_that_shops_merely_close_early_is_none() -> None:
    """Christmas Eve and New Year's Eve are for `special_days`."""
    assert public_holidays("BE")(date(2026, 12, 24)) is None
    assert public_holidays("BE")(date(2026, 12, 31)) is None


def test_a_state_has_one_calendar() -> None:
    """Configurations that say the same are equal."""
    assert public_holidays("BE") is public_holidays("BE")
    with pytest.raises(ValueError, match="XX is no German state"):
        public_holidays("XX")


def test_the_library_is_imported_when_somebody_asks() -> None:
    """Whoever needs no holidays does not wait for them."""
    code = "import sys, einmal.settings; sys.exit('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
