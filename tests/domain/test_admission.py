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
    Undone,
    admit,
)
from einmal.domain.intent import BOOKED, ENDED, LIVE, REFUSED, UNRESOLVED, Intent, State
from einmal.domain.keys import IntentKey, intent_key, named_key
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


@pytest.mark.parametrize(
    ("answer", "the_wish", "stored"),
    [
        (Join, wish(), intent(State.SENT)),
        (Replay, wish(), intent(State.DOUBT)),
        (Replay, wish(), intent(State.CONFIRMED)),
        (Replay, wish(), intent(State.REJECTED)),
        (Namesake, wish(conversation_id=None), other(State.CONFIRMED, conversation_id=None)),
        (KeyReused, wish(), intent(State.SENT, key=IntentKey("given", "another", intent().key.person))),
    ],
)
def test_the_answer_names_the_stored_intent(answer: type, the_wish: Wish, stored: Intent) -> None:
    """Whoever joins or hears it again, hears of that very row."""
    given = asked(the_wish, stored, after=601 if answer is Namesake else 1)
    assert given == answer(stored)


@pytest.mark.parametrize(
    ("answer", "the_wish", "neighbour"),
    [
        (Join, wish(phone=PHONE), other(State.SENT)),
        (Replay, wish(phone=PHONE), other(State.CONFIRMED)),
        (AlreadyBooked, wish(name="Ole"), other(State.CONFIRMED)),
        (AlreadyBooked, wish(phone=PHONE), other(State.PENDING, phone=PHONE, conversation_id=OTHER_CALL)),
        (Busy, wish(phone=PHONE), other(State.SENT, phone=PHONE, conversation_id=OTHER_CALL)),
        (Busy, wish(), other(State.DOUBT, start=wish().start + timedelta(hours=1))),
        (Namesake, wish(), other(State.CONFIRMED, conversation_id=OTHER_CALL)),
        (Busy, wish(), other(State.DOUBT, conversation_id=OTHER_CALL)),
    ],
)
def test_the_answer_names_the_neighbour_in_the_way(answer: type, the_wish: Wish, neighbour: Intent) -> None:
    """And not one that stands beside it and is in nobody's way."""
    beside = other(State.CONFIRMED, conversation_id="call_of_a_stranger", name="Ida", phone="+493099999")
    assert asked(the_wish, None, beside, neighbour, beside) == answer(neighbour)


ORDER = [
    (Replay, other(State.DOUBT, name="Anna Vogel", conversation_id="call_now")),
    (Join, other(State.SENT, conversation_id="call_now")),
    (AlreadyBooked, other(State.CONFIRMED, phone=PHONE, conversation_id=OTHER_CALL)),
    (Busy, other(State.SENT, phone=PHONE, conversation_id=OTHER_CALL)),
]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_in_which_order_neighbours_answer(first: int) -> None:
    """Its own answer, its own attempt, what the person has, what nobody can tell yet; however they are listed."""
    the_wish = wish(phone=PHONE, conversation_id="call_now")
    kind, neighbour = ORDER[first]
    later = [each for _, each in ORDER[first:]]
    assert asked(the_wish, None, *later) == kind(neighbour)
    assert asked(the_wish, None, *reversed(later)) == kind(neighbour)


def test_a_busy_one_is_told_before_a_namesake() -> None:
    """ "Taken" may be a lie while another is under way."""
    booked = other(State.CONFIRMED, conversation_id=OTHER_CALL)
    doubt = other(State.DOUBT, conversation_id="call_three")
    assert asked(wish(), None, booked, doubt) == Busy(doubt)
    assert asked(wish(), None, doubt, booked) == Busy(doubt)


@pytest.mark.parametrize("generation", [1, 2, 41])
def test_a_wish_that_is_wished_anew_is_the_next_generation(generation: int) -> None:
    """Its row must not collide with the ones before."""
    assert asked(wish(), intent(State.CANCELLED, generation=generation)) == Start(generation + 1)


@pytest.mark.parametrize("resolved", [None, NOW])
def test_a_no_that_nobody_dated_is_not_replayed(resolved: Any) -> None:
    """Nobody could say for how long it has stood."""
    stored = intent(State.REJECTED, resolved_at=resolved)
    assert asked(wish(), stored) == (Start(2) if resolved is None else Replay(stored))


def test_what_ran_out_under_the_key_still_looks_at_the_neighbours() -> None:
    """The old "no" no longer answers, but the person has the slot from another call by now."""
    gone = intent(State.REJECTED, of=wish(phone=PHONE))
    booked = other(State.CONFIRMED, phone=PHONE, conversation_id=OTHER_CALL)
    assert asked(wish(phone=PHONE), gone, booked, after=61) == AlreadyBooked(booked)


@pytest.mark.parametrize(
    ("the_wish", "stored", "expected"),
    [
        (wish(conversation_id=None), other(State.CONFIRMED, conversation_id=None), Namesake),
        (wish(), intent(State.CONFIRMED), Replay),
        (wish(conversation_id=None, phone=PHONE), other(State.CONFIRMED, conversation_id=None, phone=PHONE), Replay),
        (wish(conversation_id=None, email="a@b"), other(State.PENDING, conversation_id=None, email="a@b"), Replay),
        (wish(conversation_id=None), other(State.DOUBT, conversation_id=None), Replay),
    ],
)
def test_who_hears_booked_an_hour_later(the_wish: Wish, stored: Intent, expected: type) -> None:
    """All but those whom nothing but a name tells apart; and a doubt is told as long as it is one."""
    assert isinstance(asked(the_wish, stored, after=3600), expected)


def test_a_nameless_booking_is_replayed_up_to_the_end_of_ten_minutes() -> None:
    """By when the row was made."""
    nameless = wish(conversation_id=None)
    stored = intent(State.CONFIRMED, of=nameless)
    assert asked(nameless, stored, after=600) == Replay(stored)
    assert asked(nameless, stored, after=600.000001) == Namesake(stored)


def test_without_calls_two_people_on_a_slot_are_not_in_one_call() -> None:
    """No call is not the same call."""
    assert asked(
        wish(conversation_id=None, phone=PHONE),
        None,
        other(State.DOUBT, conversation_id=None, phone="+4930555", start=wish().start),
    ) == Start(1)
    later = wish().start + timedelta(hours=1)
    earlier = other(State.DOUBT, conversation_id=None, phone=PHONE)
    assert asked(wish(conversation_id=None, phone=PHONE, start=later), None, earlier) == Start(1)


def test_in_one_call_another_person_may_begin_while_the_first_is_in_doubt() -> None:
    """With a phone of their own, and another name: told apart for sure."""
    first = other(State.DOUBT, phone="+4930555", name="Anna Vogel")
    assert asked(wish(phone=PHONE), None, first) == Start(1)
    assert asked(wish(phone=PHONE, start=wish().start + timedelta(hours=1)), None, first) == Start(1)


@pytest.mark.parametrize("ours", [{}, {"phone": PHONE}, {"email": "a@b.de"}])
@pytest.mark.parametrize("theirs", [{}, {"phone": "+4930555"}, {"email": "c@d.de"}])
def test_of_the_same_name_only_two_by_name_are_namesakes(ours: dict[str, str], theirs: dict[str, str]) -> None:
    """Where one has said more than a name, they are not taken for each other across calls."""
    earlier = other(State.CONFIRMED, conversation_id=OTHER_CALL, **theirs)
    expected = Namesake(earlier) if not ours and not theirs else Start(1)
    assert asked(wish(**ours), None, earlier) == expected


@pytest.mark.parametrize("state", sorted(LIVE))
def test_a_send_past_its_deadline_counts_as_the_doubt_that_it_is(state: State) -> None:
    """Nobody joins what nobody is doing any more."""
    stored = intent(state, send_deadline=NOW)
    expected = Join if state is State.INTENT else Replay
    assert isinstance(asked(wish(), stored), expected)
    assert isinstance(asked(wish(phone=PHONE), None, stored), expected)


def test_a_number_is_the_person_whatever_name_is_heard() -> None:
    """In one call and by one phone: their own booking answers, and their doubt at another time keeps them busy."""
    booked = other(State.CONFIRMED, phone=PHONE)
    assert asked(wish(name="Jürgen Gros", phone=PHONE), None, booked) == Replay(booked)
    doubt = other(State.DOUBT, phone=PHONE, start=wish().start + timedelta(hours=1))
    assert asked(wish(name="Jürgen Gros", phone=PHONE), None, doubt) == Busy(doubt)


def test_a_number_heard_differently_under_one_name_in_one_call_is_no_second_wish() -> None:
    """Digits are misheard more often than two people of one name share a phone."""
    booked = other(State.CONFIRMED, phone="+4930901821")
    assert asked(wish(phone=PHONE), None, booked) == Replay(booked)


@pytest.mark.parametrize("no", [State.REJECTED, State.DECLINED, State.COMPENSATING, State.COMPENSATED])
@pytest.mark.parametrize("state", sorted(BOOKED))
def test_a_no_that_this_person_has_undone_from_another_call_is_not_repeated(no: State, state: State) -> None:
    """Told "taken" here, booked from another call, asked again here: what is true now is that they have it."""
    here, there = wish(phone=PHONE), intent(state, of=wish(conversation_id=OTHER_CALL, phone=PHONE))
    refused = intent(no, of=here, resolved_at=NOW)
    assert asked(here, refused) == Replay(refused)
    assert asked(here, refused, there) == AlreadyBooked(there)


@pytest.mark.parametrize("state", [State.DOUBT, State.SENT, State.ESCALATED])
def test_a_no_stands_while_the_other_call_does_not_know_yet(state: State) -> None:
    here, there = wish(phone=PHONE), intent(state, of=wish(conversation_id=OTHER_CALL, phone=PHONE))
    refused = intent(State.REJECTED, of=here, resolved_at=NOW)
    assert asked(here, refused, there) == Replay(refused)


def test_what_stands_here_is_told_as_this_calls_own() -> None:
    here, there = wish(phone=PHONE), intent(State.CONFIRMED, of=wish(conversation_id=OTHER_CALL, phone=PHONE))
    booked = intent(State.CONFIRMED, of=here)
    assert asked(here, booked, there) == Replay(booked)


NAMED = AdmissionPolicy(replay_no_for=timedelta(0), once=True)


def named(state: State, the_wish: Wish) -> Intent:
    return intent(state, of=the_wish, key=named_key(the_wish, SECRET))


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("change", [{"name": "Anna Weiß"}, {"start": NOW + timedelta(days=9)}])
def test_a_name_that_a_client_gave_is_never_another_wishs(state: State, change: dict[str, Any]) -> None:
    """Whatever became of the first one, and whatever the second one is: also another start, so it is found at all."""
    first, second = named(state, wish()), wish(**change)
    key = named_key(second, SECRET)
    assert key.value == first.key.value
    assert admit(second, key, first, (), NOW + timedelta(days=1), NAMED) == KeyReused(first)


@pytest.mark.parametrize("state", sorted(ENDED | REFUSED))
def test_a_name_that_a_client_gave_books_once_for_all_time(state: State) -> None:
    """What was cancelled, moved or lost is not booked anew; what was refused never was booked. Also where the same
    person has that slot from elsewhere by now."""
    first, from_elsewhere = (
        named(state, wish(phone=PHONE)),
        other(State.CONFIRMED, phone=PHONE, conversation_id=OTHER_CALL),
    )
    key, later = named_key(first.wish, SECRET), NOW + timedelta(days=1)
    admitted = admit(first.wish, key, first, (), later, NAMED)
    assert admitted == (Undone() if state in ENDED else Start(2))
    if state in ENDED:
        assert admit(first.wish, key, first, (from_elsewhere,), later, NAMED) == Undone()


def test_without_a_name_a_key_is_as_any_other() -> None:
    nameless = wish(conversation_id=None)
    assert named_key(nameless, SECRET) == intent_key(nameless, SECRET)
