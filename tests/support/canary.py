"""The suite's canary: nobody whom a test invents may turn up in a log line, a metric, a span or a process's complaints.

Every record of every logger is read as it would be written, tracebacks too, and every scrape, whatever the test is
about. The test in which somebody was named fails. What is read cannot be told to be harmless: rename the person.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from einmal.adapters.telemetry import metrics
from einmal.adapters.telemetry.logs import JsonLines
from einmal.domain.canaries import forms
from einmal.domain.keys import normal_name

NAMES: Final = (
    *("Jürgen Groß", "Jürgen Gross", "Juergen Gross", "Jürgen Gros", "Jurgen Groß", "Jörgen Groß", "J. Groß"),
    *("Herr Groß", "Mia Groß", "Lena Groß", "Ben Groß", "Anna Groß", "Anna Weiß", "Mia Weiß", "Ben Weiß"),
    *("Katharina Weiß", "Frau Weiß", "Anna Berg", "Frau Berg", "Anna Vogel", "Carla Vogel", "Mia Lange", "Mia Müller"),
    *("Mia Geheim", "Anna Geheim", "Anna Kunde", "Mira König", "Greta Gast", "Peter Gast", "Paul Kurz", "Bruno Tal"),
    *("Ben Schulz", "Ben Cohn", "Ole Voss", "Olga Weber", "Adam Ries", "Jörg Bäcker", "Frau Dr. Müller-Lüdenscheidt"),
    *("George Grossman", "Lucy Grossman", "Anne Whitecomb", "Quirin Papageienfeder", "Kanaria Vogelsang"),
    "Gast Nummer",  # of crowds
    # Alone they are nobody's words either.
    *("Jürgen", "Juergen", "Grossman", "Whitecomb", "Kanarienvogel", "Müller-Lüdenscheidt"),
)
PHONES: Final = (
    *("+4930901820", "+4930901821", "+4930901822", "+4930901829", "+4930901830", "+4930987654", "+4930555012"),
    *("+491701234567", "+491709999999", "+491512345678", "+491512345679", "+4915112345678", "+4915199999999"),
    *("+4915799912345", "+491725546899", "+491705546899", "+491725554689", "+4915788854321", "+4915177700077"),
    *("+4915100000001", "+4915100000009", "+4915133333333", "+4915123456789"),
)
EMAILS: Final = (
    *("anna@gast.test", "a@gast.test", "juergen@gast.test", "else@gast.test", "greta@gast.test", "gast@gast.test"),
    *("max.mustermann@gmx.de", "maxmustermann@web.de", "max@mustermann.test", "max@web.de", "berg@web.de"),
    *("ann@guest.example.test", "bob@guest.example.test", "juergen@guest.example.test", "canary@person.test"),
    *("anna.weiss@altersalon.de", "j.gross@kunde.de", "j@kunde.de", "mueller@web.de", "kanari.enz@vogel.test"),
    *("gast@example.test", "kloss@web.de", "anna@t-online.de", "george.grossman@letterbox.co.uk"),
)
NOTES: Final = ("Bitte klingeln", "Der Kanarienvogel: «verschieben»")


def _forms(text: str) -> Iterator[str]:
    """As it may stand in a line, a URL, JSON, a repr or a label, in folded case."""
    plain = normal_name(text)
    # Without its "Herr" a name may be a word.
    yield from (form for form in forms(text) if form != plain or " " in plain or " " not in text)
    yield ascii(text)[1:-1].casefold()


def _needles() -> dict[str, str]:
    """What is looked for, by whom it gives away."""
    found = {form: text for text in (*NAMES, *EMAILS, *NOTES) for form in _forms(text)}
    for phone in PHONES:
        national = "0" + phone.removeprefix("+49")
        spaced = f"{phone[:3]} {phone[3:5]} {phone[5:]}"
        digits = phone.removeprefix("+")
        found |= dict.fromkeys((digits, f"00{digits}", f"%2b{digits}", national, spaced), phone)
    return found


NEEDLES: Final = _needles()


def named_in(text: str) -> list[str]:
    """Whoever is named there, whole words only."""
    folded = text.casefold()
    return [
        whose
        for needle, whose in NEEDLES.items()
        if needle in folded and re.search(rf"(?<![^\W_]){re.escape(needle)}(?![^\W_])", folded)
    ]


class Canary:
    """What was heard since it last sang."""

    def __init__(self) -> None:
        self._leaks: list[str] = []

    def hear(self, where: str, text: str) -> None:
        """Read what was told there to the outside."""
        if whose := named_in(text):
            self._leaks.append(f"{where} names {', '.join(sorted(set(whose)))}: {text[:400]}")

    def sing(self) -> list[str]:
        leaks, self._leaks = self._leaks, []
        return leaks


CANARY: Final = Canary()

_OURS: Final = JsonLines()
_THEIRS: Final = logging.Formatter()


def listen() -> None:
    """Hear every record and every scrape of this process, from now on."""
    handle, scrape = logging.Logger.callHandlers, metrics.generate_latest

    def handled(self: logging.Logger, record: logging.LogRecord) -> None:
        # Ours and the server's are written by our formatter, which leaves out what an exception says.
        ours = record.name.startswith(("einmal.", "uvicorn"))
        CANARY.hear(f"a line of {record.name}", (_OURS if ours else _THEIRS).format(record))
        handle(self, record)

    def scraped(*given: Any, **options: Any) -> bytes:
        text = scrape(*given, **options)
        CANARY.hear("a scrape", text.decode())
        return text

    logging.Logger.callHandlers = handled  # type: ignore[method-assign]
    metrics.generate_latest = scraped  # type: ignore[attr-defined]
    ours = logging.getLogger("einmal")
    ours.setLevel(logging.INFO)  # as where it runs
    # What nobody has configured a stream for is heard, and not printed.
    ours.addHandler(logging.NullHandler())


@contextmanager
def overheard() -> Iterator[list[str]]:
    """For tests that leak on purpose: what the canary would have said, and has not."""
    before, found = CANARY.sing(), list[str]()
    try:
        yield found
    finally:
        found += CANARY.sing()
        CANARY._leaks += before  # noqa: SLF001 - its own module


@pytest.fixture(autouse=True)
def nobody_is_named() -> Iterator[None]:
    """Set up first and taken down last, so that what a test's own fixtures say is heard too."""
    yield
    if leaks := CANARY.sing():
        pytest.fail("personal data was told:\n" + "\n".join(leaks[:10]), pytrace=False)
