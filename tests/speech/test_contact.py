"""E-mail addresses and phone numbers as people say them: written down for sure, or asked for again."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.speech.contact import OddAddress, email_address, phone_number
from einmal.speech.spelled import written_address, written_number
from einmal.speech.words import TEXT_MAX

E_MAILS = [
    ("max punkt mustermann ät gmx punkt de", "max.mustermann@gmx.de"),
    ("max.mustermann@gmx.de", "max.mustermann@gmx.de"),
    ("Max.Mustermann@GMX.de", "max.mustermann@gmx.de"),
    (" max.mustermann@gmx.de ", "max.mustermann@gmx.de"),
    ("max. mustermann @ gmx .de", "max.mustermann@gmx.de"),
    ("max, punkt, mustermann, at, gmx, punkt, de", "max.mustermann@gmx.de"),
    ("max punkt mustermann at gmx punkt de.", "max.mustermann@gmx.de"),
    ("MAX PUNKT MUSTERMANN AT GMX PUNKT DE", "max.mustermann@gmx.de"),
    ("max punkt mustermann at gmx punkt de bitte", "max.mustermann@gmx.de"),
    ("äh max punkt äh mustermann at gmx punkt de", "max.mustermann@gmx.de"),
    ("meine e-mail adresse ist max punkt mustermann at gmx punkt de", "max.mustermann@gmx.de"),
    ("ja, das ist max punkt mustermann at gmx punkt de", "max.mustermann@gmx.de"),
    ("it's jay dot smith at atlas dot org", "jay.smith@atlas.org"),
    ("jay dot smith at example dot org", "jay.smith@example.org"),
    ("my email is jay underscore smith at atlas dot co dot uk", "jay_smith@atlas.co.uk"),
    ("anna unterstrich berg minus 2 at web punkt de", "anna_berg-2@web.de"),
    ("anna bindestrich berg klammeraffe web punkt de", "anna-berg@web.de"),
    ("anna dash berg at web dot de", "anna-berg@web.de"),
    ("anna at t minus online punkt de", "anna@t-online.de"),
    ("anna at t online punkt de", "anna@t-online.de"),
    ("b e r g at web punkt de", "berg@web.de"),
    ("b wie berta e r g at web punkt de", "berg@web.de"),
    ("b wie berta e wie emil r wie richard g wie gustav at web punkt de", "berg@web.de"),
    ("b for bravo e r g at web dot de", "berg@web.de"),
    ("b as in boy e r g at web dot de", "berg@web.de"),
    ("berg b e r g at web punkt de", "berg@web.de"),
    ("k l o doppel s at web punkt de", "kloss@web.de"),
    ("k l o doppel-s at web punkt de", "kloss@web.de"),
    ("k l o zweimal s at web punkt de", "kloss@web.de"),
    ("w e double b at web dot de", "webb@web.de"),
    ("großes m a x at web punkt de", "max@web.de"),
    ("max alles klein at web punkt de", "max@web.de"),
    ("max kleingeschrieben at web punkt de", "max@web.de"),
    ("max mustermann alles zusammen at web punkt de", "maxmustermann@web.de"),
    ("max mustermann zusammengeschrieben at web punkt de", "maxmustermann@web.de"),
    ("max mustermann alles klein und zusammengeschrieben at web punkt de", "maxmustermann@web.de"),
    ("max mustermann ohne punkt at web punkt de", "maxmustermann@web.de"),
    ("jay smith all one word at atlas dot org", "jaysmith@atlas.org"),
    ("müller mit ue at web punkt de", "mueller@web.de"),
    ("müller mit u e at web punkt de", "mueller@web.de"),
    ("schmidt mit dt at web punkt de", "schmidt@web.de"),
    ("anna 2 at web punkt de", "anna2@web.de"),
    ("anna zwei at web punkt de", "anna2@web.de"),
    ("anna zweiundzwanzig at web punkt de", "anna22@web.de"),
    ("anna eins neun acht acht at web punkt de", "anna1988@web.de"),
    ("anna neunzehnhundertachtundachtzig at web punkt de", "anna1988@web.de"),
    ("anna neunzehnhundertfünf at web punkt de", "anna1905@web.de"),
    ("anna zweitausendeins at web punkt de", "anna2001@web.de"),
    ("anna forty two at atlas dot org", "anna42@atlas.org"),
    ("anna punkt berg at g m x punkt net", "anna.berg@gmx.net"),
    ("anna at hot mail punkt com", "anna@hotmail.com"),
    ("anna at g mail dot com", "anna@gmail.com"),
    ("anna at eins und eins punkt de", "anna@1und1.de"),
    ("anna at praxis minus berg punkt de", "anna@praxis-berg.de"),
    ("anna at mail punkt praxis punkt de", "anna@mail.praxis.de"),
    ("ypsilon punkt berg at web punkt de", "y.berg@web.de"),
    ("klein punkt anna at web punkt de", "klein.anna@web.de"),
    ("punkt@atlas.test", "punkt@atlas.test"),
]


@pytest.mark.parametrize(("said", "address"), E_MAILS, ids=[said for said, _ in E_MAILS])
def test_a_spoken_address_is_written_down(said: str, address: str) -> None:
    """By signs, letters, numbers and remarks on how it is written."""
    assert email_address(said) == address
    assert email_address(address) == address


ODD_E_MAILS = [
    *("max mustermann at gmx punkt de", "max m at gmx punkt de", "m mustermann at gmx punkt de"),
    *("max strich mustermann at gmx punkt de", "max strich mustermann alles zusammen at gmx punkt de"),
    *("max at gmx de", "max at gmx", "at gmx punkt de", "max at at gmx punkt de", "max ät gmx at punkt de"),
    *("max punkt at gmx punkt de", "punkt max at gmx punkt de", "max punkt punkt m at gmx punkt de"),
    *("max at gmx punkt de oder max at web punkt de", "max at gmx punkt de nein web punkt de", "weiß ich nicht"),
    *("b wie paula e r g at web punkt de", "max mit ue at web punkt de", "müller mit oe at web punkt de"),
    *("jürgen at web punkt de", "groß at web punkt de", "b ö s e at web punkt de", "ä wie ärger b at web punkt de"),
    *(
        "eins at web punkt de",
        "acht neun at web punkt de",
        "anna at studio eins punkt de",
        "anna zwei und drei at web.de",
    ),
    *("anna at hot stuff punkt com", "anna at gmail punkt komm", "hans max@web.de", "max plus tag at web punkt de"),
    *("max klammer auf at web punkt de", "max komma m at web punkt de", "max leerzeichen m at web punkt de"),
    *("w e double u at web dot de", "berg b e r k at web punkt de", "max. at web punkt de", "max@web.de eve@web.de"),
    *("max@", "@web.de", "max", "", " ", "max at", "max " * 60 + "at web punkt de"),
]


@pytest.mark.parametrize("said", ODD_E_MAILS)
def test_what_may_be_written_in_two_ways_is_asked_for_again(said: str) -> None:
    """A dot that nobody said, an umlaut, a word or its digit, a correction: mail must not go to somebody else."""
    with pytest.raises(OddAddress):
        email_address(said)


MOBILE = "+491725546899"
PHONES = [
    ("null eins sieben zwei drei mal die fünf vier sechs acht neun", "+491725554689"),
    ("null eins sieben zwei zweimal die fünf vier sechs acht doppel neun", "+491725546899"),
    ("null eins sieben zwei fünf fünf vier sechs acht neun neun", MOBILE),
    ("null eins sieben zwo fünf fünf vier sechs acht neun neun", MOBILE),
    ("Null, eins, sieben, zwei, fünf, fünf, vier, sechs, acht, neun, neun.", MOBILE),
    ("null einhundert", None),
    ("null eins siebzig fünf fünf vier sechs acht neun neun", "+491705546899"),
    ("null eins zweiundsiebzig fünfundfünfzig sechsundvierzig neunundachtzig neun", "+491725546899"),
    ("null eins zwei und siebzig fünf fünf vier sechs acht neun neun", MOBILE),
    ("plus neunundvierzig eins sieben zwei fünf fünf vier sechs acht neun neun", MOBILE),
    ("plus vier neun eins sieben zwei fünf fünf vier sechs acht neun neun", MOBILE),
    ("plus neun und vierzig eins sieben zwei fünf fünf vier sechs acht neun neun", MOBILE),
    ("plus neunundvierzig null eins sieben zwei fünf fünf vier sechs acht neun neun", MOBILE),
    ("doppel null vier neun eins sieben zwei fünf fünf vier sechs acht neun neun", MOBILE),
    ("null null neunundvierzig eins sieben zwei fünf fünf vier sechs acht neun neun", MOBILE),
    ("zweimal die null vier neun eins sieben zwei fünf fünf vier sechs acht neun neun", MOBILE),
    ("0172 doppel fünf vier sechs acht neun neun", MOBILE),
    ("0172 5 5 4 6 8 zweimal die 9", MOBILE),
    ("0172 2 mal die 5 4 6 8 9 9", MOBILE),
    ("0172 zwei mal die fünf 46899", MOBILE),
    ("meine nummer ist 0172 5546899", MOBILE),
    ("Tel. 0172 5546899", MOBILE),
    ("Handy: 0172/5546899", MOBILE),
    ("tel:+491725546899", MOBILE),
    ("ja, das ist die null eins sieben zwei", None),
    ("die null eins sieben zwei, dann fünf fünf vier, sechs acht neun neun", MOBILE),
    ("null eins sieben zwei strich fünf fünf vier sechs acht neun neun", MOBILE),
    ("Vorwahl null drei null dann eins zwei drei vier fünf sechs sieben neun", "+493012345679"),
    ("null drei null neun null eins acht zwei null", "+4930901820"),
    ("äh null drei null neun null eins acht zwei null bitte", "+4930901820"),
    ("oh one seven two five five four six eight nine nine", MOBILE),
    ("zero one seven two double five four six eight double nine", MOBILE),
    ("oh one seven two double five four six eight nine nine please", MOBILE),
    ("my number is zero one seven two five five four six eight nine nine", MOBILE),
    ("zero one seventy two fifty five forty six eighty nine nine", MOBILE),
    ("plus forty nine one seven two five five four six eight nine nine", MOBILE),
    ("double oh four nine one seven two five five four six eight nine nine", MOBILE),
    ("plus one six five oh two five three oh oh oh oh", "+16502530000"),
    ("triple five", None),
    ("null eins sieben zwei fünf fünf vier sechs acht neun nein sieben", None),
    ("null eins sieben zwei fünf fünf vier sechs acht neun oder so", None),
    ("030 1234 Anna", None),
    ("0800 FLOWERS", None),
    ("0172 5546899 Durchwahl 5", None),
    ("0172 5546899 ext 5", None),
    ("null eins sieben two fünf fünf vier sechs acht neun neun", None),
    ("oh null eins sieben zwei fünf fünf vier sechs acht neun neun", None),
    ("oh 172 5546899", None),
    ("0172 55 mal 4", None),
    ("null eins sieben zwei drei mal", None),
    ("null eins sieben zwei mal die fünf vier sechs acht neun neun", "+49175546899"),
    ("null eins sieben zwei drei mal die dreiundzwanzig", None),
    ("null eins sieben zwei hundertdreiundzwanzig", None),
    ("null eins sieben zwei zweitausendeins", None),
    ("keine", None),
    ("weiß ich nicht", None),
    ("plus", None),
    ("eins zwei drei vier fünf sechs sieben acht neun null", None),
    ("die gleiche wie immer", None),
    ("null " * 60, None),
]


@pytest.mark.parametrize(("said", "number"), PHONES, ids=[said for said, _ in PHONES])
def test_a_spoken_number_is_dialled_or_none(said: str, number: str | None) -> None:
    """Digit by digit, in pairs, repeated; a word that is no part of a number makes it none."""
    assert phone_number(said, "DE") == number


WORDS = st.sampled_from(
    [
        *(
            "max",
            "m",
            "punkt",
            "at",
            "ät",
            "web",
            "de",
            "gmx",
            "minus",
            "unterstrich",
            "doppel",
            "s",
            "wie",
            "berta",
            "mit",
        ),
        *(
            "ue",
            "alles",
            "zusammen",
            "klein",
            "müller",
            "ß",
            "eins",
            "zwei",
            "und",
            "mal",
            "die",
            "null",
            "plus",
            "x",
            "oh",
        ),
        *(
            "double",
            "five",
            "@",
            ".",
            "-",
            "zwanzig",
            "neunzehnhundert",
            "2",
            "0172",
            "+49",
            "nein",
            "²",
            "٣",
            "\u200b",
            "İ",
        ),
    ]
)
TEXTS = st.lists(WORDS, max_size=14).map(" ".join) | st.text(max_size=60)


@given(TEXTS)
def test_no_text_makes_an_address_raise_anything_else(said: str) -> None:
    """What comes out is one address in its one form; it is heard as itself."""
    try:
        address = email_address(said)
    except OddAddress:
        return
    assert re.fullmatch(r"[^\s@]+@[^\s@]+\.[a-z]{2,63}", address)
    assert email_address(address) == address


@given(TEXTS, st.sampled_from(["DE", "AT", "CH", "US"]))
def test_no_text_makes_a_number_raise(said: str, region: str) -> None:
    """What comes out is E.164, and is the same number again."""
    number = phone_number(said, region)
    assert number is None or (re.fullmatch(r"\+[1-9]\d{5,14}", number) and phone_number(number, region) == number)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=13))
def test_every_digit_said_is_a_digit_written(digits: list[int]) -> None:
    """In either language, one by one."""
    german = "null eins zwei drei vier fünf sechs sieben acht neun"
    english = "zero one two three four five six seven eight nine"
    for names in (german, english):
        assert written_number(" ".join(names.split()[digit] for digit in digits)) == "".join(map(str, digits))


@given(st.from_regex(r"[a-z]{1,12}", fullmatch=True), st.sampled_from(["gmx.de", "web.de", "t-online.de"]))
def test_every_letter_spelled_is_a_letter_written(local: str, domain: str) -> None:
    """Letter by letter, and letter by word."""
    spelled = domain.replace(".", " punkt ").replace("-", " minus ")
    assert email_address(f"{' '.join(local)} at {spelled}") == f"{local}@{domain}"
    if len(local) < 9:
        by_word = " ".join(f"{letter} wie {letter}berta" for letter in local)
        assert email_address(f"{by_word} at {spelled}") == f"{local}@{domain}"


def test_a_text_that_may_have_been_cut_is_not_read() -> None:
    """Its end could be the rest of the address, or of the number."""
    spelled = "m " * 87
    assert written_address((spelled + "at web punkt de")[:TEXT_MAX]) is not None
    assert written_address(spelled + "m at web punkt de") is None
    assert written_number("null " * 40) is None
