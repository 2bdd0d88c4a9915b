"""Text as a grammar reads it: one case, no umlauts, numbers as digits ("dreiundzwanzigster" is "23.")."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

TEXT_MAX: Final = 190
"""Nobody says a date in more letters. A longer text is not read at all, and neither is what a field of 200 letters may
have cut: the end could be the "not"."""

_FOLDED: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "–": "-", "—": "-"})
_NO_SIGNS: Final = re.compile(r"[,;!?()\"'„“”‚‘’…*_]+|\.{2,}|(?<=[a-z])-(?=[a-z])")
_DOT: Final = re.compile(r"(?<=[a-z])\.(?= |$)")
_WORD: Final = re.compile(r"[a-z]+")


def folded(text: str) -> str:
    """Lower case, umlauts written out, accents off, one blank between words, no punctuation but . : - / +."""
    text = unicodedata.normalize("NFC", text).casefold().translate(_FOLDED)
    text = unicodedata.normalize("NFKD", text).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c))
    return " ".join(_DOT.sub("", _NO_SIGNS.sub(" ", text)).split())


def with_digits(text: str, numbers: Mapping[str, str]) -> str:
    """`text` with each word that is a number as digits."""
    return _WORD.sub(lambda word: numbers.get(word[0], word[0]), text)


_GERMAN_SMALL: Final = (
    "null eins zwei drei vier fuenf sechs sieben acht neun zehn elf zwoelf dreizehn vierzehn fuenfzehn sechzehn "
    "siebzehn achtzehn neunzehn"
)


def _german() -> dict[str, str]:
    """Cardinals from 0 to 99 and the years of this century; ordinals, which end in a dot, from 1. to 99."""
    tens = {20: "zwanzig", 30: "dreissig", 40: "vierzig", 50: "fuenfzig", 60: "sechzig", 70: "siebzig"}
    names = dict(enumerate(_GERMAN_SMALL.split())) | tens | {80: "achtzig", 90: "neunzig"}
    for ten in range(20, 100, 10):
        for unit in range(1, 10):
            names[ten + unit] = ("ein" if unit == 1 else names[unit]) + "und" + names[ten]
    numbers = {name: str(number) for number, name in names.items()} | {"zwo": "2"}
    numbers |= {"zweitausend" + name: str(2000 + number) for number, name in names.items() if number}
    numbers |= {"zweitausendund" + name: str(2000 + number) for number, name in names.items() if number}
    stems = {1: "erst", 3: "dritt", 7: "siebt", 8: "acht"}
    for number, name in names.items():
        stem = stems.get(number, name + ("t" if number < 20 else "st"))
        for ending in ("e", "en", "er", "es", "em") if number else ():
            numbers[stem + ending] = f"{number}."
    # "Um viere", as it is said in the south; "achte" is an ordinal already.
    numbers |= {names[number] + "e": str(number) for number in (3, 4, 5, 6, 9, 10, 11, 12)}
    numbers |= {"zwot" + ending: "2." for ending in ("e", "en", "er")}
    return numbers | {"siebent" + ending: "7." for ending in ("e", "en", "er")}


_ENGLISH_SMALL: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_ENGLISH_ORDINALS: Final = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"


def _english() -> dict[str, str]:
    small = _ENGLISH_SMALL.split()
    ordinals = _ENGLISH_ORDINALS.split() + [name + "th" for name in small[13:]]
    numbers = {name: str(number) for number, name in enumerate(small)} | {"oh": "0"}
    numbers |= {name: f"{number}." for number, name in enumerate(ordinals, 1)}
    tens = {
        20: "twenty",
        30: "thirty",
        40: "forty",
        50: "fifty",
        60: "sixty",
        70: "seventy",
        80: "eighty",
        90: "ninety",
    }
    for ten, name in tens.items():
        numbers |= {name: str(ten), name.removesuffix("y") + "ieth": f"{ten}."}
    return numbers


GERMAN_NUMBERS: Final = _german()
ENGLISH_NUMBERS: Final = _english()

_GERMAN_UNITS: Final = "eins?|zwei|zwo|drei|vier|fuenf|sechs|sieben|acht|neun"
_GERMAN_TENS: Final = "(?:zwanzig|dreissig|vierzig|fuenfzig|sechzig|siebzig|achtzig|neunzig)(?:ste[nrsm]?)?"
_SPACED: Final = re.compile(rf"\b({_GERMAN_UNITS}) und ({_GERMAN_TENS})\b")
_ARTICLE: Final = re.compile(r"\bein(?:e[nrsm]?)?(?= (?:uhr|wochen?|monate?n?|tage?n?|stunden?)\b)")
_ENGLISH_SPACED: Final = re.compile(
    r"\b(twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
    r" (one|two|three|four|five|six|seven|eight|nine|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)\b"
)
_THOUSANDS: Final = re.compile(r"\b2 thousand (?:and )?(\d{1,2})\b")


def german_digits(text: str) -> str:
    """Folded German text with digits for number words."""
    text = re.sub(r"\bzwo(?= ?und)", "zwei", text)
    if "zwischen" not in text:  # between nine and twenty is no twenty-nine
        text = _SPACED.sub(lambda said: said[1].removesuffix("s" * (said[1] == "eins")) + "und" + said[2], text)
    return with_digits(_ARTICLE.sub("1", text), GERMAN_NUMBERS)


def english_pairs(text: str) -> str:
    """ "forty two" and "twenty first" as digits."""

    def joined(said: re.Match[str]) -> str:
        tens, unit = int(ENGLISH_NUMBERS[said[1]]), ENGLISH_NUMBERS[said[2]]
        return f"{tens + int(unit.rstrip('.'))}{'.' if unit.endswith('.') else ''}"

    return _ENGLISH_SPACED.sub(joined, text)


def english_digits(text: str) -> str:
    """Folded English text with digits for number words."""
    text = english_pairs(text)
    text = with_digits(re.sub(r"\ban?(?= (?:week|month|day|fortnight)\b)", "1", text), ENGLISH_NUMBERS)
    return _THOUSANDS.sub(lambda said: str(2000 + int(said[1])), text)
