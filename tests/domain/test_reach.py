"""Whom a channel reaches: what may be promised, and which messages go where."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.model import Person
from einmal.domain.promise import MessageKind
from einmal.domain.reach import Channel, confirming, directly, heard_on, reaches

BOTH = Person("Anna Weiß", "+4930901820", "anna@gast.test")
PHONE = Person("Anna Weiß", "+4930901820")
EMAIL = Person("Anna Weiß", None, "anna@gast.test")
NOBODY = Person("Anna Weiß")
LOG, WEBHOOK, SLACK, MAIL, SMS = Channel
RESOLVED, NEEDS_PERSON, TAKEN_BACK, CONFIRMED, CALLBACK = MessageKind
ALL = tuple(Channel)
PEOPLE = {"both": BOTH, "phone": PHONE, "email": EMAIL, "nobody": NOBODY}


@pytest.mark.parametrize(
    ("channels", "reached"),
    [
        ((LOG,), ()),
        ((LOG, WEBHOOK), ("both", "phone", "email")),
        ((LOG, SLACK), ("both", "phone", "email")),
        ((LOG, MAIL), ("both", "phone", "email")),
        ((LOG, SMS), ("both", "phone")),
        ((LOG, WEBHOOK, SLACK, MAIL, SMS), ("both", "phone", "email")),
    ],
)
def test_whom_can_somebody_tell(channels: tuple[str, ...], reached: tuple[str, ...]) -> None:
    """The house can call or write to whoever left something to do it by; an SMS needs a number; a log tells nobody."""
    assert tuple(name for name, person in PEOPLE.items() if reaches(channels, person)) == reached


@pytest.mark.parametrize(
    ("kind", "person", "where"),
    [
        (NEEDS_PERSON, BOTH, (LOG, WEBHOOK, SLACK, MAIL)),
        (TAKEN_BACK, NOBODY, (LOG, WEBHOOK, SLACK, MAIL)),
        (CALLBACK, PHONE, (LOG, WEBHOOK, SLACK, MAIL)),
        (RESOLVED, BOTH, (LOG, WEBHOOK, MAIL, SMS)),
        (RESOLVED, PHONE, (LOG, WEBHOOK, SMS)),
        (RESOLVED, EMAIL, (LOG, WEBHOOK, MAIL)),
        (RESOLVED, NOBODY, (LOG, WEBHOOK)),
        (CONFIRMED, BOTH, (LOG, WEBHOOK)),
        (CONFIRMED, PHONE, (LOG, WEBHOOK, SMS)),
        (CONFIRMED, NOBODY, (LOG, WEBHOOK)),
    ],
)
def test_where_a_message_goes(kind: MessageKind, person: Person, where: tuple[str, ...]) -> None:
    """What the house must do to the house, what the caller is to hear to the caller; a silent channel gets no row."""
    assert heard_on(ALL, kind, person) == where


@pytest.mark.parametrize(
    ("channels", "person", "where"),
    [
        ((LOG, SLACK), BOTH, (LOG, SLACK)),
        ((LOG, MAIL), PHONE, (LOG, MAIL)),
        ((LOG, SLACK, MAIL), EMAIL, (LOG, MAIL)),
        ((LOG, SLACK, SMS), PHONE, (LOG, SMS)),
        ((LOG, SLACK, SMS), EMAIL, (LOG, SLACK)),
        ((LOG, SLACK, WEBHOOK), PHONE, (LOG, WEBHOOK)),
        ((LOG, SLACK, MAIL, SMS), NOBODY, (LOG,)),
    ],
)
def test_a_person_of_the_house_is_asked_to_tell_only_where_nothing_else_does(
    channels: tuple[str, ...], person: Person, where: tuple[str, ...]
) -> None:
    """A promise with nothing but Slack is kept by whoever reads Slack; who gets an SMS needs no second messenger."""
    assert heard_on(channels, RESOLVED, person) == where


def test_nobody_is_asked_to_tell_of_a_confirmation() -> None:
    """It was promised to nobody."""
    assert heard_on((LOG, SLACK, MAIL), CONFIRMED, PHONE) == (LOG,)


@pytest.mark.parametrize(("person", "where"), [(BOTH, ()), (EMAIL, ()), (PHONE, (SMS,)), (NOBODY, ())])
def test_we_confirm_where_the_calendar_wrote_to_the_house(person: Person, where: tuple[str, ...]) -> None:
    """Who gave an e-mail has the calendar's own; who gave none hears by the number, if there is one."""
    assert confirming(ALL, person) == where
    assert confirming((LOG, WEBHOOK, SLACK, MAIL), person) == ()


@given(st.sets(st.sampled_from(ALL)), st.sampled_from(sorted(PEOPLE)))
def test_what_is_promised_can_be_kept(chosen: set[Channel], who: str) -> None:
    """Whoever is told that they will hear has a channel for it beside the log, and nobody else has one."""
    channels = tuple(one for one in Channel if one in chosen)
    kept = {channel for channel in heard_on(channels, RESOLVED, PEOPLE[who]) if channel not in {LOG, WEBHOOK}}
    if WEBHOOK in chosen:
        kept.add(WEBHOOK)
    assert reaches(channels, PEOPLE[who]) is (bool(kept) and PEOPLE[who] is not NOBODY)


@pytest.mark.parametrize(("kind", "who"), list(product(MessageKind, PEOPLE)))
def test_no_channel_beyond_those_there_are(kind: MessageKind, who: str) -> None:
    """In their order, once each; and one that we do not know has something to say to everything."""
    for channels in [(), (LOG,), (SMS, LOG), ("pager", LOG)]:
        where = heard_on(channels, kind, PEOPLE[who])
        assert list(where) == [one for one in channels if one in where]
        assert ("pager" in where) is ("pager" in channels)
        assert set(directly(channels, PEOPLE[who])) <= set(channels)
