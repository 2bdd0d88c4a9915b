"""I15: no name, phone or address in logs, metrics and errors. Canaries are sung in, and looked for in what came out.

A value seldom leaks as it was said: a URL encodes it, JSON escapes it, a log shows bytes, a person writes a phone
with spaces. So a canary is looked for in each of these forms, whatever the case; a phone also by its digits.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import quote, quote_plus

from einmal.domain.evidence import Violation
from einmal.domain.keys import normal_name

DIGITS_MIN: Final = 8
"""Of a phone its last ones tell it, with or without the country code; fewer would be met by chance."""

DIGITS_KEPT: Final = 9

_PHONE: Final = re.compile(r"\+?[\d\s()/.-]+")
_RUN: Final = re.compile(r"\d[\d\s()/.-]*\d")


def forms(canary: str) -> frozenset[str]:
    """Every way in which this value may stand in a text, in folded case. Empty for an empty one."""
    encoded = (
        canary,
        quote(canary, safe="@"),
        quote_plus(canary),
        json.dumps(canary)[1:-1],
        repr(canary.encode())[2:-1],
        normal_name(canary),
    )
    return frozenset(form.casefold() for form in encoded if form)


def canaries_in(texts: Iterable[tuple[str, str]], canaries: Sequence[str]) -> Iterator[Violation]:
    """A violation for each text, given as (where, text), and each canary in it.

    It is named by its place in `canaries`, for a report of a leak must not leak.
    """
    wanted = [(number, forms(canary), _digits(canary)) for number, canary in enumerate(canaries)]
    for where, text in texts:
        folded = text.casefold()
        runs = [re.sub(r"\D", "", run) for run in _RUN.findall(text)]
        for number, written, digits in wanted:
            plain = any(form in folded for form in written)
            if plain or (digits is not None and any(digits in run for run in runs)):
                yield Violation("I15", f"canary {number} in {where}")


def _digits(canary: str) -> str | None:
    """The digits by which a phone is known; None for what is no phone."""
    digits = re.sub(r"\D", "", canary)
    return digits[-DIGITS_KEPT:] if len(digits) >= DIGITS_MIN and _PHONE.fullmatch(canary) else None
