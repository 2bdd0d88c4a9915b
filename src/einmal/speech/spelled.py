"""E-mail addresses and phone numbers from speech to writing: "max punkt m ät gmx punkt de", "drei mal die fünf".

Only what can be written in one way is written. Two words beside each other may have a dot between them that nobody
said, and a word that is not known may be a "no, wrong": both are None, so that they are asked for again.
"""

import re
from itertools import pairwise
from typing import Final

from einmal.speech.words import (
    ENGLISH_NUMBERS,
    GERMAN_NUMBERS,
    TEXT_MAX,
    english_digits,
    english_pairs,
    folded,
    german_digits,
)

# E-mail addresses

_SIGNS: Final = {
    **dict.fromkeys(("at", "ät", "klammeraffe", "affenschwanz"), "@"),
    **dict.fromkeys(("punkt", "dot"), "."),
    **dict.fromkeys(("minus", "bindestrich", "dash", "hyphen"), "-"),
    **dict.fromkeys(("unterstrich", "underscore"), "_"),
}
_LETTER_NAMES: Final = {"ypsilon": "y", "jot": "j", "vau": "v", "zett": "z"}
"""Those that are nothing else: "er" and "es" are words, and "de" is a country."""

_NOT_SURE: Final = frozenset(
    {"strich", "slash", "schrägstrich", "komma", "leerzeichen", "oder", "nein", "nicht", "falsch", "moment", "ohne"}
    | {"or", "no", "not", "sorry", "comma", "space", "plus", "mit", "with", "wie"}
)
_YEARS: Final = {
    "neunzehnhundert" + word: "19" + digits.zfill(2) for word, digits in GERMAN_NUMBERS.items() if len(digits) <= 2
}
_NUMBERS: Final = {
    word: digits for word, digits in (ENGLISH_NUMBERS | GERMAN_NUMBERS | _YEARS).items() if digits.isdigit()
}
_MISHEARD_ENDINGS: Final = (".komm", ".kom", ".dee", ".deh")

_PROVIDERS: Final = {
    **{
        name: name
        for name in ("gmail", "googlemail", "hotmail", "outlook", "icloud", "freenet", "protonmail", "mailbox")
    },
    "tonline": "t-online",
}
"""Recognisers write some in two words."""

_INTRODUCTION: Final = re.compile(
    r"(?:(?:ja|yes|also|okay|ok|um|uh),? )*"
    r"(?:(?:(?:meine|die|my|the) )?(?:e-?mail|e mail|mail)?(?:[- ]?adresse|[- ]?address)? ?(?:ist|lautet|is|:) "
    r"|(?:das ist|es ist|it is|it's|its|that's) )?"
)
_TOGETHER: Final = re.compile(
    r" (?:(?:alles|und|all|as) )*(?:zusammen ?geschrieben|alles zusammen|in einem wort|ohne leerzeichen|ohne punkt"
    r"|one word|together|no spaces)(?= |$)"
)
_IN_ANY_CASE: Final = re.compile(
    r" (?:(?:alles|und|all|in) )*(?:klein ?geschrieben|alles klein|kleinbuchstaben|lower ?case)(?= |$)"
    r"| (?:großes|kleines|capital|lowercase)(?= \w )| (?:bitte|danke|please)$| (?:äh|ähm)(?= )"
)
_LIKE: Final = re.compile(r"(?<![^ ])([a-z]) (?:wie|for|as in|like) ([a-zäöü]+)(?= |$)")
_TWICE: Final = re.compile(r"(?<![^ ])(?:doppel[- ]?|double (?!u )|zweimal |zwei mal |2 mal )([a-z0-9])(?= |$)")
_REMARK: Final = re.compile(r"(?<![^ ])([a-zäöüß]{2,}) mit ((?:[a-z] )*[a-z]{1,2})(?= |$)")
_WRITTEN_OUT: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def written_address(text: str) -> str | None:
    """The address as it would be written, in lower case, or None. It still may be none: that is for `contact`."""
    if len(text) > TEXT_MAX:
        return None
    text = " ".join(text.lower().replace(",", " ").split()).rstrip("!?.")
    text = " " + text.removeprefix(_introduction(text))
    text = _IN_ANY_CASE.sub("", text)
    together = _TOGETHER.search(text) is not None
    text = english_pairs(_TOGETHER.sub("", text)).replace(" eins und eins ", " 1und1 ")
    text = " ".join(_SIGNS.get(word, word) for word in text.split())
    text = _LIKE.sub(_like, text)
    text = _TWICE.sub(lambda said: " ".join(said[1] * 2), text)
    local, _, domain = _REMARK.sub(_remark, text).partition("@")
    before, after = _joined(local, together=together), _joined(domain, together=together, is_domain=True)
    if not before or not after or before[0] == "." or before[-1] == "." or after.endswith(_MISHEARD_ENDINGS):
        return None
    return f"{before}@{after}"


def _introduction(text: str) -> str:
    found = _INTRODUCTION.match(text)
    return found[0] if found else ""


def _like(said: re.Match[str]) -> str:
    """ "b wie berta" is b; "b wie paula" is not understood."""
    return said[1] if said[2].startswith(said[1]) else "nicht"


def _remark(said: re.Match[str]) -> str:
    """ "müller mit ue", "schmidt mit dt": how a word is written, if it can be written so."""
    letters = said[2].replace(" ", "")
    word = said[1].translate(_WRITTEN_OUT) if letters in {"ae", "oe", "ue", "ss"} else said[1]
    return word if letters in word else "nicht"


def _joined(side: str, *, together: bool, is_domain: bool = False) -> str | None:
    """The words of one side of the @ as one; None where a sign may be missing between two of them."""
    parts = _without_repetition([_LETTER_NAMES.get(word, word) for word in side.split()])
    written = [_NUMBERS.get(part.translate(_WRITTEN_OUT), part) for part in parts]
    if any(part in _NOT_SURE for part in parts):
        return None
    words = [
        part for part, digits in zip(parts, written, strict=True) if part == digits and part not in _SIGNS.values()
    ]
    if written != parts and (is_domain or not words or "und" in words):
        return None  # studioeins.de or studio1.de, acht@ or 8@
    if is_domain:
        written = _provider(written)
    unsure = any(_unsure(left, right) for left, right in pairwise(written)) and not together
    return None if unsure else "".join(written)


def _without_repetition(parts: list[str]) -> list[str]:
    """ "berg b e r g" is berg: a word, and then how it is spelled."""
    kept: list[str] = []
    for part in parts:
        kept.append(part)
        for size in range(2, len(kept)):
            word, letters = kept[-size - 1], kept[-size:]
            if len(word) > 1 and all(len(letter) == 1 for letter in letters) and "".join(letters) == word:
                del kept[-size:]
                break
    return kept


def _provider(parts: list[str]) -> list[str]:
    """ "Hot mail . com" is one that everybody knows."""
    end = parts.index(".") if "." in parts else len(parts)
    known = _PROVIDERS.get("".join(parts[:end]))
    return parts if known is None else [known, *parts[end:]]


def _unsure(left: str, right: str) -> bool:
    """Whether a sign may be between the two that was not said. Spelled letters and numbers are meant as they come."""
    if not (left[-1].isalnum() and right[0].isalnum()) or left.isdigit() or right.isdigit():
        return False
    return len(left) > 1 or len(right) > 1


# Phone numbers

_TIMES: Final = {
    **dict.fromkeys(("doppel", "doppelt", "doppelte", "zweimal", "double", "twice"), 2),
    **dict.fromkeys(("dreimal", "dreifach", "triple", "treble"), 3),
    "viermal": 4,
}
_BETWEEN: Final = frozenset(
    {"die", "und", "dann", "danach", "ja", "also", "aeh", "aehm", "bitte", "meine", "nummer", "telefonnummer", "ist"}
    | {"handynummer", "handy", "mobil", "telefon", "tel", "festnetz", "vorwahl", "lautet", "strich", "bindestrich"}
    | {"schraegstrich", "minus", "dash", "slash", "my", "number", "is", "it", "s", "phone", "the", "and", "then"}
    | {"please", "uh", "um", "yes", "mobile", "hyphen", "okay", "ok"}
)


def written_number(text: str) -> str | None:
    """A spoken number as digits, with its plus; None where a word is no part of a number."""
    if len(text) > TEXT_MAX:
        return None
    plain = " ".join(re.split(r"[ ./:-]+", folded(text).replace("+", " plus "))).strip()
    words = plain.split()
    if any(
        len(numbers[word]) > 2 for numbers in (GERMAN_NUMBERS, ENGLISH_NUMBERS) for word in words if word in numbers
    ):
        return None
    if any(word in GERMAN_NUMBERS for word in words):
        return _dialled(german_digits(plain).split())
    if "oh" in words and not any(word in ENGLISH_NUMBERS for word in words if word != "oh"):
        return None  # beside another English number it is a zero; else somebody is surprised
    return _dialled(english_digits(plain).split())


def _dialled(words: list[str]) -> str | None:
    """Digits in their order; "drei mal die fünf" and "double five" repeat one."""
    digits, times = "", 1
    for place, word in enumerate(words):
        after = words[place + 1] if place + 1 < len(words) else ""
        if word == "plus" and not digits and times == 1:
            digits = "+"
        elif word.isdecimal() and word.isascii():
            if after in {"mal", "x"} and times == 1 and word in {"2", "3", "4", "5"}:
                times = int(word)
            elif times > 1 and len(word) > 1:
                return None
            else:
                digits, times = digits + word * times, 1
        elif word in {"mal", "x"}:
            if times == 1 or words[place - 1] not in {"2", "3", "4", "5"}:
                return None
        elif word in _TIMES and times == 1:
            times = _TIMES[word]
        elif word not in _BETWEEN or (times > 1 and word != "die"):
            return None
    return digits if times == 1 and digits.strip("+") else None
