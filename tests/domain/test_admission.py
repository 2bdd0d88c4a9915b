"""Admission: who starts, who joins, who is told what stands already."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.admission import (
    Admission,
    AdmissionPolicy,
    AlreadyBooked,
    Busy,
    Join,
    KeyReused,
    Namesake,
    Replay,
    Start,
    admit,
)
from einmal.domain.intent import BOOKED, LIVE, UNRESOLVED, Intent, State
from einmal.domain.keys import IntentKey, intent_key
from einmal.domain.model import Service, Wish
from support.evidence import NOW, OTHER_CALL, SECRET, intent, wish

POLICY = AdmissionPolicy()
PHONE = "+4930901820"


def asked(the_wish: Wish, same_key: Intent | None = None, *neighbours: Intent, after: float = 1) -> Admission:
    now = NOW + timedelta(seconds=after)
    return admit(the_wish, intent_key(the_wish, SECRET), same_key, neighbours, now, POLICY)


def other(state: State, **of: Any) -> Intent:
    return intent(state, of=wish(**of))


def test_a_new_wish_starts() -> None:
    assert asked(wish()) == Start(1)


@pytest.mark.parametrize(
    ("state", "after", "expected"),
    [
        (State.INTENT, 1, Join),
        (State.SENT, 1, Join),
        (State.SENT, 16, Replay),
        (State.DOUBT, 1, Replay),
        (State.ESCALATED, 90_000, Replay),
        (State.CONFIRMED, 1, Replay),
        (State.CONFIRMED, 8_640_000, Replay),
        (State.PENDING, 8_640_000, Replay),
        (State.REJECTED, 60, Replay),
        (State.REJECTED, 60.001, Start),
        (State.DECLINED, 60, Replay),
        (State.DECLINED, 61, Start),
        (State.COMPENSATING, 61, Start),
        (State.COMPENSATED, 61, Start),
        (State.CANCELLED, 1, Start),
        (State.MOVED, 1, Start),
        (State.LOST, 1, Start),
    ],
)
def test_the_same_wish_again(state: State, after: float, expected: type) -> None:
    """A "no" is replayed for 60 s, a "booked" as long as the booking lives; then a new generation starts."""
    answer = asked(wish(), intent(state, generation=3), after=after)
    assert isinstance(answer, expected)
    if isinstance(answer, Start):
        assert answer.generation == 4


def test_a_given_key_that_names_another_wish_is_refused() -> None:
    stored = intent(State.CONFIRMED, key=IntentKey("given", "another fingerprint", intent().key.person))
    assert isinstance(asked(wish(), stored), KeyReused)


def test_only_a_name_and_no_call_is_not_told_booked_for_long() -> None:
    """Nobody can tell a retry from a stranger of the same name an hour later."""
    nameless = wish(conversation_id=None)
    stored = intent(State.CONFIRMED, of=nameless)
    assert isinstance(asked(nameless, stored, after=600), Replay)
    assert isinstance(asked(nameless, stored, after=601), Namesake)


@pytest.mark.parametrize(
    ("state", "expected"),
    [(State.CONFIRMED, AlreadyBooked), (State.PENDING, AlreadyBooked), (State.SENT, Busy), (State.DOUBT, Busy)],
)
@pytest.mark.parametrize("by", [{"phone": PHONE}, {"email": "anna@gast.test"}], ids=["phone", "e-mail"])
def test_the_same_person_from_another_call(state: State, expected: type, by: dict[str, str]) -> None:
    earlier = other(state, conversation_id=OTHER_CALL, **by)
    assert isinstance(asked(wish(**by), None, earlier), expected)


@pytest.mark.parametrize("state", sorted(set(State) - LIVE))
def test_what_no_longer_lives_stands_in_nobodys_way(state: State) -> None:
    earlier = other(state, conversation_id=OTHER_CALL, phone=PHONE)
    assert asked(wish(phone=PHONE), None, earlier) == Start(1)


def test_another_person_may_try_for_the_same_slot() -> None:
    """Whether a round-robin team has a second host is the calendar's to say."""
    assert asked(
        wish(phone=PHONE), None, other(State.CONFIRMED, conversation_id=OTHER_CALL, phone="+4930555")
    ) == Start(1)


@pytest.mark.parametrize("state", sorted(LIVE))
def test_a_namesake_from_another_call_hears_taken_once_it_is(state: State) -> None:
    """While nobody knows how the other ends, "taken" may be a lie."""
    earlier = other(state, conversation_id=OTHER_CALL)
    assert isinstance(asked(wish(), None, earlier), Namesake if state in BOOKED else Busy)
    assert asked(wish(name="Anna Vogel"), None, earlier) == Start(1)


@pytest.mark.parametrize(
    ("state", "expected"),
    [(State.CONFIRMED, Replay), (State.SENT, Join), (State.DOUBT, Replay), (State.ESCALATED, Replay)],
)
def test_the_same_wish_with_more_particulars_is_the_same_wish(state: State, expected: type) -> None:
    """First without a phone, then with one: within a call the name tells it, and nothing is booked twice."""
    assert isinstance(asked(wish(phone=PHONE), None, other(state)), expected)
    assert isinstance(asked(wish(), None, other(state, phone=PHONE)), expected)


@pytest.mark.parametrize("state", sorted(UNRESOLVED))
def test_while_a_call_is_in_doubt_no_other_slot_is_begun_for_that_person(state: State) -> None:
    """R7: the model offers another time because the first did not answer."""
    later = wish().start + timedelta(hours=1)
    assert isinstance(asked(wish(start=later), None, other(state)), Busy)
    assert asked(wish(start=later, name="Anna Vogel"), None, other(state)) == Start(1)


@pytest.mark.parametrize(
    ("state", "expected"), [(State.SENT, Join), (State.DOUBT, Replay), (State.CONFIRMED, AlreadyBooked)]
)
def test_a_name_heard_differently_in_the_same_call_is_no_second_wish(state: State, expected: type) -> None:
    """Groß, then Gros: nothing tells them apart but the ear. Booked, "you have it" is true for both."""
    assert isinstance(asked(wish(name="Jürgen Gros"), None, other(state)), expected)
    assert isinstance(asked(wish(name="Jürgen Gros", phone=PHONE), None, other(state)), expected)


def test_two_people_with_phones_of_their_own_in_one_call_are_two() -> None:
    assert asked(wish(name="Anna", phone=PHONE), None, other(State.CONFIRMED, phone="+4930555012")) == Start(1)


@pytest.mark.parametrize("later", [{"email": "j@kunde.de"}, {"email": "j@kunde.de", "phone": "+4930555012"}])
def test_the_same_email_is_the_same_person_whatever_the_phone(later: dict[str, str]) -> None:
    earlier = other(State.CONFIRMED, conversation_id=OTHER_CALL, phone=PHONE, email="j@kunde.de")
    assert isinstance(asked(wish(**later), None, earlier), AlreadyBooked)


def test_a_second_booking_in_one_call_is_a_wish_of_its_own() -> None:
    """ "And one for my daughter at eleven"."""
    later = wish().start + timedelta(hours=1)
    assert asked(wish(phone=PHONE, start=later), None, other(State.CONFIRMED, phone=PHONE)) == Start(1)


def test_another_service_at_the_same_time_is_another_wish() -> None:
    haircut = Service("102", "Haarschnitt", 102, 45)
    assert asked(wish(service=haircut), None, other(State.CONFIRMED, conversation_id=OTHER_CALL)) == Start(1)


def test_of_several_in_the_way_the_one_about_this_wish_answers() -> None:
    doubt = other(State.DOUBT, phone=PHONE, start=wish().start + timedelta(hours=1))
    booked = other(State.CONFIRMED, phone=PHONE, conversation_id=OTHER_CALL)
    assert isinstance(asked(wish(phone=PHONE), None, doubt, booked), AlreadyBooked)


@given(
    state=st.sampled_from(State),
    phone=st.sampled_from([None, PHONE]),
    email=st.sampled_from([None, "anna@gast.test"]),
    same_call=st.booleans(),
    after=st.floats(0, 100_000),
)
def test_beside_a_live_intent_of_the_same_person_on_the_slot_nothing_starts(
    state: State, phone: str | None, email: str | None, same_call: bool, after: float
) -> None:
    """I8, whatever tells the person."""
    call = {} if same_call else {"conversation_id": OTHER_CALL}
    neighbour = other(state, phone=phone, email=email, **call)
    answer = asked(wish(phone=phone, email=email), None, neighbour, after=after)
    assert isinstance(answer, Start) == (state not in LIVE)
