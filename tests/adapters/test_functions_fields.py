"""From an agent's arguments to a wish: every synonym, every way to say nothing, and never a guess."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.adapters.functions.call import FunctionCall
from einmal.adapters.functions.fields import NAMES, TEXT_MAX, Fields, clean, collect, is_no_name
from einmal.adapters.functions.wish import Understood, understand
from einmal.domain.model import Offer, Service
from einmal.domain.reply import Missing, Outcome, Reply
from einmal.domain.search import Search
from einmal.domain.slot import offer_of, slot_name
from einmal.ports import CallContact, Tenant
from einmal.speech.contact import OddAddress, email_address, phone_number, region_of_zone

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
START = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
ADVICE = Service("beratung", "Beratung", 1, 30, ("Gespräch",))
CUT = Service("haarschnitt", "Haarschnitt", 2, 45, ("Herrenhaarschnitt",))
SALON = Tenant(
    tenant_id="salon",
    name="Salon",
    time_zone="Europe/Berlin",
    language="de",
    house_email="termin@salon.test",
    services=(ADVICE, CUT),
    hash_key=b"salon-key",
)
WISH: dict[str, Any] = {
    "datum": "2026-12-01",
    "uhrzeit": "10:00",
    "name": "Jürgen Groß",
    "dienstleistung": "Beratung",
}
TEMPLATES = ["{{new_datum}}", "{{ name }}", "am {{datum}}", "${datum}", "{{}}"]
NOTHINGS = ["", " ", "None", "null", "undefined", "n/a", "N/A", "-", "--", "nan", "\u200b", "\n", None, [], {}, ["x"]]


def hear(args: dict[str, Any], tenant: Tenant = SALON, books: bool | None = None, **call: Any) -> Understood | Reply:
    return understand(FunctionCall(name=None, args=args, **call), tenant, NOW, books=books)


def understood(tenant: Tenant = SALON, books: bool | None = None, call: Any = None, **args: Any) -> Understood:
    heard = hear(WISH | args, tenant, books, **(call or {}))
    assert isinstance(heard, Understood)
    return heard


def asked(tenant: Tenant = SALON, books: bool | None = None, drop: tuple[str, ...] = (), **args: Any) -> Reply:
    heard = hear({k: v for k, v in (WISH | args).items() if k not in drop}, tenant, books)
    assert isinstance(heard, Reply)
    assert heard.outcome is Outcome.NEEDS_INPUT
    return heard


# Fields


SYNONYMS = [
    *(("date", name) for name in ("datum", "date", "appointment_date", "preferred_date")),
    *(("time", name) for name in ("uhrzeit", "time", "appointment_time", "preferred_time")),
    *(("date", name) for name in ("datetime",)),
    *(("name", name) for name in ("name", "customer_name")),
    *(("service", name) for name in ("dienstleistung", "service", "service_name", "service_type")),
    *(("email", name) for name in ("email", "customer_email")),
    *(("phone", name) for name in ("telefon", "customer_phone", "phone_number")),
    *(("staff", name) for name in ("mitarbeiter", "staff", "preferred_staff_id")),
    *(("confirm", name) for name in ("bestaetigung", "confirm_booking")),
    ("slot", "slot"),
]


@pytest.mark.parametrize(("field", "name"), SYNONYMS, ids=[f"{name}-is-{field}" for field, name in SYNONYMS])
def test_every_synonym_of_the_field_is_heard(field: str, name: str) -> None:
    """Each name that was seen in the field lands in its field, and in no other."""
    assert collect({name: "Anna Weiß"}) == replace(Fields(), **{field: "Anna Weiß"})


def test_junk_beside_the_fields_is_ignored() -> None:
    """What nobody knows, such as `execution_message`, is nothing."""
    assert collect({"execution_message": "Einen Moment", "duration": 30, "notes": "x"}) == Fields()


@pytest.mark.parametrize("field", sorted(set(NAMES) - {"both"}))
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_nobody_filled_in_counts_as_missing(field: str, template: str) -> None:
    """`{{new_datum}}` in any field is nothing said, and the next synonym is heard instead."""
    first, second = NAMES[field][:2]
    assert collect({first: template}) == Fields()
    assert getattr(collect({first: template, second: "Anna Weiß"}), field) == "Anna Weiß"


@pytest.mark.parametrize("nothing", NOTHINGS, ids=repr)
def test_whatever_says_nothing_counts_as_missing(nothing: Any) -> None:
    """Empty values, words for nothing and values that are no text are not said."""
    wishes = [names[0] for field, names in NAMES.items() if field != "confirm"]
    assert collect(dict.fromkeys(wishes, nothing)) == Fields()


@pytest.mark.parametrize(
    ("said", "text"),
    [
        pytest.param(True, "true", id="boolean-true"),
        pytest.param(False, "false", id="boolean-false"),
        pytest.param(10, "10", id="number"),
        pytest.param(" Jürgen   Groß ", "Jürgen Groß", id="blanks"),
        pytest.param("Ju\u0308rgen", "Jürgen", id="decomposed-umlaut"),
    ],
)
def test_a_field_is_one_clean_line(said: Any, text: str) -> None:
    """Numbers and truth values become text; blanks are single; umlauts have one form."""
    assert clean(said) == text


def test_date_and_time_in_one_field_are_heard() -> None:
    """`datetime` serves as the date; beside another one both are read, and must agree."""
    assert collect({"datetime": "11.11.2026 09:45"}).date == "11.11.2026 09:45"
    assert collect({"datetime": "11.11.2026 09:45", "datum": "12.11.2026"}).date == "12.11.2026 11.11.2026 09:45"


# Names


@pytest.mark.parametrize(
    "name",
    [
        *("anonymous", "Anonym", "unbekannt", "Unknown", "Anrufer", "Gast", "guest", "Kunde", "customer", "n/a", "-"),
        *("X", "X.", "7", "Acht Uhr", "10:00", "10 Uhr", "10 Uhr 30", "acht Uhr dreißig", "bei Anna", "mit Anna"),
        *("", " ", "{{name}}", "None", "12345", "?!", "\u202e", "Herr", "Frau", "  ANONYMOUS  ", "kein Name"),
    ],
)
def test_what_is_no_name_is_asked_for(name: str) -> None:
    """Placeholders, single letters, times and wishes for staff are no names: the agent asks."""
    assert asked(name=name).missing == (Missing.NAME,)


@pytest.mark.parametrize(
    "name",
    [
        *("Jürgen Groß", "Li", "Özil", "Peter Gast", "Anna Kunde", "Fr. Weiß", "O'Neill", "Uhrmacher"),
        *("Bo Åkesson", "Владимир", "王芳", "Jean-Luc", "Mitra Zumwalt", "Beinlich", "Anna bei der Wieden"),
    ],
)
def test_a_name_is_taken_as_it_was_said(name: str) -> None:
    """Real names pass, letters and all, also those that hold a word from the list of no-names."""
    assert not is_no_name(name)
    assert understood(name=name).wish.person.name == name


@pytest.mark.parametrize(
    ("hostile", "name"),
    [
        pytest.param("Anna\u202eWeiß", "Anna Weiß", id="bidi-override"),
        pytest.param("\u2066Anna Weiß\u2069", "Anna Weiß", id="bidi-isolate"),
        pytest.param("Anna\x00Weiß", "Anna Weiß", id="nul"),
        pytest.param("Anna\nWeiß", "Anna Weiß", id="newline"),
        pytest.param("Anna\r\nBcc: x@y.test", "Anna Bcc: x@y.test", id="header-injection"),
        pytest.param("Anna\u2028Weiß", "Anna Weiß", id="line-separator"),
        pytest.param("Anna\u2029Weiß", "Anna Weiß", id="paragraph-separator"),
        pytest.param("Anna\x85Weiß", "Anna Weiß", id="next-line"),
        pytest.param("Anna\ud800 Weiß", "Anna Weiß", id="lone-surrogate"),
        pytest.param("\udfffAnna Weiß\x1b[31m", "Anna Weiß [31m", id="escape-sequence"),
        pytest.param("\ufeffAnna Weiß\u200b", "Anna Weiß", id="byte-order-mark"),
        pytest.param("Anna \ue000Weiß", "Anna Weiß", id="private-use"),
    ],
)
def test_a_hostile_name_is_cleaned(hostile: str, name: str) -> None:
    """NUL, lone surrogates, bidi controls and line breaks never reach the calendar."""
    assert understood(name=hostile).wish.person.name == name


def test_an_endless_name_is_cut() -> None:
    """No field is longer than its limit."""
    assert len(understood(name="An" * TEXT_MAX).wish.person.name) == TEXT_MAX


@given(said=st.text(st.characters(exclude_categories=()), max_size=80) | st.integers() | st.floats())
def test_cleaned_text_can_be_written_everywhere(said: Any) -> None:
    """Whatever was said, what remains encodes as UTF-8, is one line, is bounded, and is clean already."""
    text = clean(said)
    if text is not None:
        assert text.encode()
        assert text.splitlines() == [text]
        assert 0 < len(text) <= TEXT_MAX
        assert "\x00" not in text
        assert clean(text) == text


# E-mail


@pytest.mark.parametrize(
    ("said", "address"),
    [
        pytest.param("Max@Mustermann.test", "max@mustermann.test", id="case"),
        pytest.param("max at mustermann punkt test", "max@mustermann.test", id="spoken-german"),
        pytest.param("max dot m at mustermann dot test", "max.m@mustermann.test", id="spoken-english"),
        pytest.param("max ät mustermann punkt test", "max@mustermann.test", id="spoken-ät"),
        pytest.param("max klammeraffe mustermann.test", "max@mustermann.test", id="klammeraffe"),
        pytest.param("max unterstrich m at web minus de punkt test", "max_m@web-de.test", id="signs"),
        pytest.param("m a x @ mustermann . test", "max@mustermann.test", id="blanks-inside"),
        pytest.param("MAX AT MUSTERMANN PUNKT TEST", "max@mustermann.test", id="shouted"),
        pytest.param("punkt@atlas.test", "punkt@atlas.test", id="signs-words-inside-words-stay"),
        pytest.param("max+tag@mail.mustermann.test", "max+tag@mail.mustermann.test", id="plus-and-subdomain"),
    ],
)
def test_a_spoken_address_is_written_down(said: str, address: str) -> None:
    """Addresses as people spell them become one address in one form."""
    assert email_address(said) == address
    assert understood(email=said).wish.person.email == address


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("max", id="no-at"),
        pytest.param("max@", id="no-domain"),
        pytest.param("@mustermann.test", id="no-local-part"),
        pytest.param("max@mustermann", id="no-top-level"),
        pytest.param("max@@mustermann.test", id="two-ats"),
        pytest.param("max..m@mustermann.test", id="two-dots"),
        pytest.param("max@-mustermann.test", id="hyphen-first"),
        pytest.param("max@mustermann.test, eve@mustermann.test", id="two-addresses"),
        pytest.param("<max@mustermann.test>", id="brackets"),
        pytest.param("jürgen@mustermann.test", id="umlaut"),
        pytest.param("m" * 65 + "@mustermann.test", id="local-part-too-long"),
        pytest.param("weiß ich nicht", id="a-sentence"),
    ],
)
def test_an_address_that_cannot_be_one_is_asked_for_again(said: str) -> None:
    """An odd address is a question; it is neither sent on nor dropped silently."""
    with pytest.raises(OddAddress):
        email_address(said)
    assert asked(email=said).missing == (Missing.EMAIL_ODD,)


@given(st.text(max_size=60))
def test_an_address_is_in_its_one_form_or_odd(said: str) -> None:
    """What is taken for an address stays the same address when it is said again."""
    try:
        address = email_address(said)
    except OddAddress:
        return
    assert email_address(address) == address


@pytest.mark.parametrize(
    "said",
    [
        "termin@salon.test",
        "TERMIN@Salon.Test",
        "termin at salon punkt test",
        "termin+abc@salon.test",
        "termin+@salon.test",
    ],
)
def test_the_houses_own_address_identifies_nobody(said: str) -> None:
    """The house's address, with a tag or without, is no caller's: taking it for one made two people one."""
    assert understood(email=said).wish.person.email is None


@pytest.mark.parametrize(
    "said", ["termine@salon.test", "termin@other.test", "termin@sub.salon.test", "ter+min@salon.test"]
)
def test_an_address_like_the_houses_is_the_callers(said: str) -> None:
    """Control: only the house's own mailbox is nobody's."""
    assert understood(email=said).wish.person.email == said


def test_the_tag_of_a_house_address_does_not_matter() -> None:
    """Where the house's own address carries a tag, the mailbox behind it still is the house's."""
    tenant = replace(SALON, house_email="Termin+web@Salon.test")
    assert understood(tenant, email="termin@salon.test").wish.person.email is None


@pytest.mark.parametrize("nothing", ["", "None", "{{email}}", None])
def test_no_address_is_none(nothing: str | None) -> None:
    """An address that was not given is None, never an empty one, and books all the same."""
    assert understood(email=nothing).wish.person.email is None


# Phone


@pytest.mark.parametrize(
    ("said", "number"),
    [
        pytest.param("+493012345678", "+493012345678", id="e164"),
        pytest.param("493012345678", "+493012345678", id="country-code-without-plus"),
        pytest.param("00493012345678", "+493012345678", id="double-zero"),
        pytest.param("030 12345678", "+493012345678", id="national"),
        pytest.param("+49 30 12345678", "+493012345678", id="blanks"),
        pytest.param("+49 (0)30 / 123-456 78", "+493012345678", id="punctuation"),
        pytest.param("  030/12345678  ", "+493012345678", id="blanks-around"),
        pytest.param("0151 23456789", "+4915123456789", id="mobile"),
        pytest.param("+43 1 9042678", "+4319042678", id="abroad"),
        pytest.param("anonymous", None, id="anonymous"),
        pytest.param("Anonymous ", None, id="anonymous-in-other-letters"),
        pytest.param("unknown", None, id="unknown"),
        pytest.param("restricted", None, id="restricted"),
        pytest.param("keine Ahnung", None, id="garbage"),
        pytest.param("+", None, id="plus-alone"),
        pytest.param("", None, id="empty"),
        pytest.param("1", None, id="one-digit"),
        pytest.param("+49" + "1" * 20, None, id="too-many-digits"),
        pytest.param("49" + "1" * 20, None, id="too-many-digits-without-plus"),
        pytest.param("+999123456789", None, id="no-such-country"),
        pytest.param("49", None, id="country-code-alone"),
        pytest.param("+1 234", None, id="too-few-digits-for-that-country"),
        pytest.param("+49 30 1234567890123", None, id="too-many-digits-for-that-country"),
    ],
)
def test_a_number_has_one_form_or_is_none(said: str, number: str | None) -> None:
    """All spellings of a German number are one E.164 number; withheld numbers and garbage are none."""
    assert phone_number(said, "DE") == number


@given(st.text(max_size=30) | st.from_regex(r"\+?[0-9 /().-]{1,24}", fullmatch=True))
def test_no_number_makes_it_raise(said: str) -> None:
    """Whatever is said, a number comes back in E.164, and said again it is the same; or none does."""
    number = phone_number(said, "DE")
    assert number is None or (number[0] == "+" and number[1:].isdecimal() and phone_number(number, "DE") == number)


@pytest.mark.parametrize(
    ("zone", "region"),
    [("Europe/Berlin", "DE"), ("Europe/Vienna", "AT"), ("Europe/Zurich", "CH"), ("UTC", "DE"), ("No/Where", "DE")],
)
def test_a_number_without_country_code_belongs_to_the_tenants_country(zone: str, region: str) -> None:
    """The tenant's time zone tells the country; where it tells none, it is Germany."""
    assert region_of_zone(zone) == region


def test_the_tenants_country_is_used() -> None:
    """ "01 …" said to a house in Vienna is a number in Vienna."""
    vienna = replace(SALON, time_zone="Europe/Vienna")
    assert understood(vienna, telefon="01 9042678").wish.person.phone == "+4319042678"


@pytest.mark.parametrize(
    ("said", "line", "phone"),
    [
        pytest.param("030 12345678", "+491512345678", "+493012345678", id="said-beats-the-line"),
        pytest.param(None, "+491512345678", "+491512345678", id="the-line"),
        pytest.param("keine", "+491512345678", "+491512345678", id="garbage-said"),
        pytest.param(None, "anonymous", None, id="withheld"),
        pytest.param(None, None, None, id="web-call"),
        pytest.param(None, "+4930555000", None, id="the-houses-own-line"),
        pytest.param(None, "4930555000", None, id="the-houses-own-line-without-plus"),
        pytest.param("030 555000", None, None, id="the-houses-own-number-said"),
        pytest.param("030 555000", "+491512345678", "+491512345678", id="the-houses-number-said-the-line-counts"),
    ],
)
def test_the_phone_is_the_callers_and_never_the_houses(said: str | None, line: str | None, phone: str | None) -> None:
    """What was said, else the line, else none; the house's own number identifies nobody."""
    heard = understood(telefon=said, call={"caller_number": line, "house_number": "+49 30 555000"})
    assert heard.wish.person.phone == phone


# Service


@pytest.mark.parametrize(
    ("said", "service"),
    [
        pytest.param("Beratung", ADVICE, id="name"),
        pytest.param("BERATUNG ", ADVICE, id="other-letters"),
        pytest.param("beratung", ADVICE, id="id"),
        pytest.param("Gespraech", ADVICE, id="alias-without-umlaut"),
        pytest.param("herrenhaarschnitt", CUT, id="alias"),
        pytest.param("2", CUT, id="event-type-id"),
        pytest.param(2, CUT, id="event-type-id-as-number"),
    ],
)
def test_a_service_is_known_by_all_its_names(said: Any, service: Service) -> None:
    """Name, id, alias and event type name the service, whatever the case or the umlauts."""
    assert understood(dienstleistung=said).wish.service == service


@pytest.mark.parametrize("said", ["Dauerwelle", "Berat", "Beratung und Haarschnitt", "3", "?"])
def test_an_unknown_service_asks_with_the_choices(said: str) -> None:
    """A service we do not know is never replaced by a similar one; the question names those there are."""
    reply = asked(dienstleistung=said)
    assert (reply.missing, reply.choices) == ((Missing.SERVICE_UNKNOWN,), ("Beratung", "Haarschnitt"))


def test_a_service_not_said_is_asked_for() -> None:
    """With more than one service the caller must say which."""
    assert asked(drop=("dienstleistung",)).missing == (Missing.SERVICE,)


def test_the_only_service_need_not_be_named() -> None:
    """Where there is one thing to book, nothing is substituted by booking it; another name is still unknown."""
    single = replace(SALON, services=(CUT,))
    assert understood(single, dienstleistung=None).wish.service == CUT
    assert asked(single, dienstleistung="Beratung").missing == (Missing.SERVICE_UNKNOWN,)


# Confirmation, and what is asked


@pytest.mark.parametrize(
    ("said", "confirmed"),
    [
        *(
            (yes, True)
            for yes in (True, "true", "True", "ja", "JA", "yes", 1, "1", 1.0, "ok", None, "", "{{bestaetigung}}")
        ),
        *((no, False) for no in (False, "false", "FALSE", "nein", "no", 0, "0", 0.0)),
    ],
    ids=repr,
)
def test_bestaetigung_says_whether_to_book(said: Any, confirmed: bool) -> None:
    """Absent or true books, false checks only."""
    assert understood(bestaetigung=said).confirmed is confirmed


@pytest.mark.parametrize("said", ["vielleicht", "später", "2", "-1", "nein danke, doch lieber"])
def test_an_odd_bestaetigung_is_asked_again(said: str) -> None:
    """What is neither yes nor no is not taken for one of them."""
    assert asked(bestaetigung=said).missing == (Missing.CONFIRMATION_ODD,)


@pytest.mark.parametrize("said", [True, False, None, "vielleicht"], ids=repr)
@pytest.mark.parametrize("books", [True, False], ids=["book-function", "check-function"])
def test_the_functions_name_overrules_bestaetigung(books: bool, said: Any) -> None:
    """`book_*` always means it and `check_*` never books, whatever the field says."""
    assert understood(books=books, bestaetigung=said).confirmed is books


@pytest.mark.parametrize("said", [False, "nein"], ids=repr)
def test_a_check_needs_no_name(said: Any) -> None:
    """What is free may be asked before saying who one is."""
    assert understood(name=None, bestaetigung=said).wish.person.name == ""


def test_a_booking_needs_a_name() -> None:
    """Nothing is booked for nobody."""
    assert asked(drop=("name",), books=True).missing == (Missing.NAME,)


def test_everything_missing_is_told_at_once_in_the_order_people_are_asked() -> None:
    """All that is missing is listed: service, day, time, name."""
    reply = hear({})
    assert isinstance(reply, Reply)
    assert reply.missing == (Missing.SERVICE, Missing.DATE, Missing.TIME, Missing.NAME)


def test_every_missing_has_its_place_in_the_order() -> None:
    """Odd values of every kind at once are a question like any other."""
    reply = hear(WISH | {"datum": "Blubb", "uhrzeit": "spät", "name": "?", "email": "x", "bestaetigung": "hm"})
    assert isinstance(reply, Reply)
    assert reply.missing == (
        *(Missing.DATE_ODD, Missing.TIME_ODD, Missing.NAME),
        *(Missing.EMAIL_ODD, Missing.CONFIRMATION_ODD),
    )


@pytest.mark.parametrize(
    ("date", "time", "missing"),
    [
        pytest.param("2026-11-22", "10:00", Missing.DATE_PAST, id="yesterday"),
        pytest.param("2023-12-01", "10:00", Missing.DATE_PAST, id="an-invented-year"),
        pytest.param("2036-12-01", "10:00", Missing.DATE_ODD, id="ten-years-ahead"),
        pytest.param("2027-03-28", "02:30", Missing.TIME_SKIPPED, id="the-hour-that-is-skipped"),
        pytest.param("2027-01-15", "halb vier", Missing.TIME_UNCLEAR, id="twice-a-day"),
    ],
)
def test_what_was_said_of_the_time_is_never_bent(date: str, time: str, missing: Missing) -> None:
    """A start that cannot be meant is a question, not the nearest one that could."""
    assert asked(datum=date, uhrzeit=time).missing == (missing,)


# The wish


def test_the_wish_holds_what_was_said() -> None:
    """Service, instant, person, staff and conversation, as said and as the platform vouches."""
    call = {
        "call_id": "call_7d4d0c",
        "agent_id": "agent_1",
        "caller_number": "+491512345678",
        "house_number": "+4930555000",
    }
    heard = understood(call=call, mitarbeiter="Anna", email="max@mustermann.test")
    wish = heard.wish
    assert (wish.tenant_id, wish.conversation_id, wish.service, wish.staff) == ("salon", "call_7d4d0c", ADVICE, "Anna")
    assert (wish.start, wish.end) == (START, START + timedelta(minutes=30))
    assert (wish.person.name, wish.person.phone) == ("Jürgen Groß", "+491512345678")
    assert wish.person.email == "max@mustermann.test"
    assert heard.call == CallContact("retell", "call_7d4d0c", "agent_1")


def test_what_the_model_says_of_the_call_makes_no_call() -> None:
    """An id from the arguments tells conversations apart, and no call row is made of it."""
    heard = understood(call={"said_call_id": "call_b2f1a09c77"})
    assert (heard.wish.conversation_id, heard.call) == ("call_b2f1a09c77", None)


# Slots


def test_an_offered_slot_beside_other_words_is_a_question() -> None:
    """Its name means exactly that start and service; words that say otherwise are not overruled silently."""
    name = slot_name(Offer(START, CUT.service_id), SALON.hash_key)
    reply = asked(slot=name, datum="2026-12-24", uhrzeit="18:00", dienstleistung="Beratung")
    assert set(reply.missing) == {Missing.SERVICE, Missing.DATE_ODD}


def test_an_offered_slot_needs_neither_date_nor_service() -> None:
    """The name of a slot says it all."""
    heard = hear({"slot": slot_name(Offer(START, CUT.service_id), SALON.hash_key), "name": "Anna Weiß"})
    assert isinstance(heard, Understood)
    assert (heard.wish.start, heard.wish.service) == (START, CUT)


@pytest.mark.parametrize(
    ("slot", "missing"),
    [
        pytest.param("2026-12-01T10:00", Missing.DATE_ODD, id="composed-by-the-model"),
        pytest.param("slot_1", Missing.DATE_ODD, id="a-counter"),
        pytest.param("ä", Missing.DATE_ODD, id="no-ascii"),
        pytest.param("A" * 60, Missing.DATE_ODD, id="well-formed-without-our-seal"),
        pytest.param(slot_name(Offer(START, "beratung"), b"other-key"), Missing.DATE_ODD, id="another-tenants"),
        pytest.param(slot_name(Offer(START, "gone"), SALON.hash_key), Missing.SERVICE_UNKNOWN, id="service-is-gone"),
        pytest.param(slot_name(Offer(NOW, "beratung"), SALON.hash_key), Missing.DATE_PAST, id="now-is-past"),
    ],
)
def test_a_slot_that_cannot_be_booked_is_a_question(slot: str, missing: Missing) -> None:
    """A slot not offered by us, or past, is asked about, though a good date stands beside it."""
    assert asked(slot=slot).missing == (missing,)


INSTANTS = st.integers(1_577_836_800, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
OFFERS = st.builds(Offer, INSTANTS, st.text(min_size=1, max_size=20))


@given(offer=OFFERS, secret=st.binary(min_size=1, max_size=64))
def test_a_slots_name_is_read_back(offer: Offer, secret: bytes) -> None:
    """The name of any offer means that offer again, blanks around it or not."""
    name = slot_name(offer, secret)
    assert offer_of(name, secret) == offer
    assert offer_of(f" {name}\n", secret) == offer


@given(offer=OFFERS, where=st.integers(0, 10_000), letter=st.sampled_from("Az09-_~ä "))
def test_an_altered_slots_name_means_nothing_else(offer: Offer, where: int, letter: str) -> None:
    """One letter exchanged anywhere: refused, or (bits that base64 does not use) still the very same offer."""
    name = slot_name(offer, b"key")
    where %= len(name)
    assert offer_of(name[:where] + letter + name[where + 1 :], b"key") in {None, offer}


@given(offer=OFFERS, where=st.integers(0, 10_000))
def test_a_slots_name_cut_short_is_refused(offer: Offer, where: int) -> None:
    """Models cut ids: a shortened name is no slot."""
    name = slot_name(offer, b"key")
    assert offer_of(name[: where % len(name)], b"key") is None


@given(offer=OFFERS, keys=st.lists(st.binary(min_size=1, max_size=64), min_size=2, max_size=2, unique=True))
def test_another_tenants_slot_is_refused(offer: Offer, keys: list[bytes]) -> None:
    """A slot sealed with another key is nothing to this tenant."""
    assert offer_of(slot_name(offer, keys[0]), keys[1]) is None


@given(name=st.text(st.characters(exclude_categories=()), max_size=60))
def test_no_text_is_a_slot_by_chance(name: str) -> None:
    """Arbitrary text is refused, and never raises."""
    assert offer_of(name, b"key") is None


# Fuzz


KNOWN = sorted({name for names in NAMES.values() for name in names} | {"call_id", "execution_message"})
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)
PLAUSIBLE = st.sampled_from(
    [*WISH.values(), "24:00", "31.02.2027", "1.12.", "2026-12-01T10:00+99:99", "0000-00-00", "9999-12-31", "0001-01-01"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | PLAUSIBLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=4,
)


@given(
    args=st.dictionaries(st.sampled_from(KNOWN) | ANY_TEXT, VALUES, max_size=8),
    overlay=st.booleans(),
    books=st.sampled_from([True, False, None]),
    caller_number=st.none() | ANY_TEXT,
    house_number=st.none() | ANY_TEXT,
)
def test_no_arguments_make_it_raise(
    args: dict[str, Any], overlay: bool, books: bool | None, caller_number: str | None, house_number: str | None
) -> None:
    """Whatever a model sends becomes a wish in the future, or a question that says what is missing."""
    heard = hear((WISH if overlay else {}) | args, books=books, caller_number=caller_number, house_number=house_number)
    if isinstance(heard, Understood):
        assert heard.wish.start > NOW
        assert heard.wish.service in SALON.services
        assert heard.wish.person.name or not heard.confirmed
    elif isinstance(heard, Search):
        assert books is not True
        assert NOW <= heard.begin < heard.end
    else:
        assert heard.outcome is Outcome.NEEDS_INPUT
        assert heard.missing


@pytest.mark.parametrize(
    ("args", "missing"),
    [
        pytest.param({"date": "2026-12-02"}, Missing.DATE, id="two-dates"),
        pytest.param({"time": "11:00"}, Missing.TIME, id="two-times"),
        pytest.param({"datetime": "2026-12-02T10:00"}, Missing.DATE_UNCLEAR, id="a-date-in-both-that-differs"),
        pytest.param({"bestaetigung": True, "confirm_booking": False}, Missing.CONFIRMATION_ODD, id="yes-and-no"),
    ],
)
def test_two_names_for_one_thing_must_not_differ(args: dict[str, Any], missing: Missing) -> None:
    """Which of the two is meant, only the caller knows: nothing is taken silently."""
    heard = hear(WISH | args, books=None)
    assert isinstance(heard, Reply)
    assert missing in heard.missing


@pytest.mark.parametrize("name", ["Bestaetigung", "BESTAETIGUNG", "besta\u0308tigung"])
def test_a_no_counts_however_its_name_is_written(name: str) -> None:
    """Not read, it would book."""
    heard = hear(WISH | {name: False}, books=None)
    assert isinstance(heard, Understood)
    assert heard.confirmed is False


def test_a_time_in_datetime_beside_a_date_is_read() -> None:
    heard = hear({**WISH, "uhrzeit": None, "datetime": f"{WISH['datum']} 11:30"}, books=True)
    assert isinstance(heard, Understood)
    assert f"{heard.wish.start.astimezone(ZoneInfo('Europe/Berlin')):%H:%M}" == "11:30"


def test_of_two_services_of_one_name_neither_is_taken() -> None:
    """An account may have two event types of one title."""
    twins = tuple(Service(str(number), "Beratung", number, 30) for number in (101, 102))
    call = FunctionCall(None, WISH | {"dienstleistung": "Beratung"})
    heard = understand(call, replace(SALON, services=twins), NOW, books=True)
    assert isinstance(heard, Reply)
    assert heard.missing == (Missing.SERVICE,)
