"""The checker itself, word by word: what exactly breaks which invariant of which intent, and what only looks so.

A checker that misses something makes every simulation green, so each of its conditions is shown from both sides.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from einmal.domain.intent import BOOKED, REFUSED, UNRESOLVED, Event, Intent, State
from einmal.domain.invariants import (
    CANCELS_MAX,
    HOUR,
    LOOKS_MAX,
    By,
    Evidence,
    Life,
    Moved,
    Request,
    RequestKind,
    Row,
    Spoken,
    Violation,
    violations,
)
from einmal.domain.reply import Outcome
from support.evidence import NOW, OURS, THEIRS, intent, wish

START = wish().start
LATER = NOW + timedelta(seconds=2)
US = "01intent"
OTHER = "x" * 32


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def life(**changes: Any) -> Life:
    return replace(Life("uid-1", OURS, START, 101, NOW, None, By.US, None, NOW), **changes)


def row(state: State = State.CONFIRMED, **changes: Any) -> Row:
    made = Row(intent(state, booking_uid="uid-1" if state in BOOKED else None))
    booked = {"ref": "ref-1", "uid": "uid-1", "start": START} if state in BOOKED else {}
    return replace(made, **(booked | changes))


def said(outcome: Outcome = Outcome.BOOKED, **changes: Any) -> Spoken:
    booked = outcome in {Outcome.BOOKED, Outcome.REQUESTED, Outcome.ALREADY_BOOKED}
    base = Spoken(LATER, "key", "call", outcome, "ref-1" if booked else None, START if booked else None, US)
    return replace(base, **changes)


POST = Request(0.0, RequestKind.POST, OURS)
HONEST = Evidence([life()], [row()], [said()], [POST])
NOTHING = Evidence([], [])


def found(evidence: Evidence = HONEST, **changes: Any) -> list[Violation]:
    return violations(replace(evidence, **changes))


# What nothing is said of, is nothing


def test_what_evidence_says_by_itself() -> None:
    """Settled, owned, without a limit; a request was processed and stored, a row has no appointment."""
    assert Evidence([], []) == Evidence([], [], (), (), (), ownership=True, settled=True, requests_per_minute=0)
    assert Request(1.0, RequestKind.LOOK, None) == Request(1.0, RequestKind.LOOK, None, processed=True, stored=True)
    made = intent()
    assert Row(made) == Row(made, None, None, None)
    assert Spoken(NOW, "k", None, Outcome.ERROR) == Spoken(NOW, "k", None, Outcome.ERROR, None, None, None)
    assert life().tenant_id == "default"
    assert Violation("I1", "text").intent_id is None
    assert (LOOKS_MAX, CANCELS_MAX, timedelta(hours=1)) == (12, 3, HOUR)


@pytest.mark.parametrize(
    ("moment", "until", "stood"),
    [(-1, None, False), (0, None, True), (9, None, True), (0, 5, True), (4, 5, True), (5, 5, False), (-1, 5, False)],
)
def test_when_a_booking_stood(moment: float, until: float | None, stood: bool) -> None:
    """From its first moment on, and at its end no longer."""
    one = life(until=None if until is None else at(until))
    assert one.stood(at(moment)) is stood
    assert one.stands is (until is None)


# I1


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ((0, None), (1, None), True),
        ((1, None), (0, None), True),
        ((0, 5), (4, None), True),
        ((4, None), (0, 5), True),
        ((0, 5), (5, None), False),
        ((5, None), (0, 5), False),
        ((0, 9), (3, 4), True),
    ],
)
def test_two_under_one_id_at_one_time(
    one: tuple[int, int | None], other: tuple[int, int | None], overlap: bool
) -> None:
    """One after the other is none too many."""
    lives = [
        life(uid=uid, since=at(since), until=None if until is None else at(until), ended_by=By.OTHERS)
        for uid, (since, until) in (("uid-1", one), ("uid-2", other))
    ]
    expected = [Violation("I1", "two live bookings under one id: uid-1, uid-2", US)] if overlap else []
    assert found(lives=lives, spoken=()) == expected


def test_of_three_under_one_id_every_pair_is_named() -> None:
    """And what others made with our id copied onto it is not ours."""
    lives = [life(uid=f"uid-{number}") for number in (1, 2, 3)]
    assert [one.text[-12:] for one in found(lives=lives)] == ["uid-1, uid-2", "uid-1, uid-3", "uid-2, uid-3"]
    copied = life(uid="uid-2", made_by=By.OTHERS)
    assert found(lives=[life(), copied]) == []


@pytest.mark.parametrize(
    ("requests", "text"),
    [
        ([POST, replace(POST, processed=False)], None),
        ([POST, replace(POST, kind=RequestKind.LOOK)], None),
        ([POST, replace(POST, about=THEIRS)], None),
        ([POST, POST], "2 processed POSTs"),
        ([POST, POST, POST], "3 processed POSTs"),
    ],
)
def test_one_post_each_is_processed(requests: list[Request], text: str | None) -> None:
    """A second one that surely never was, may be sent."""
    expected = [] if text is None else [Violation("I1", text, US)]
    assert found(requests=requests) == expected


# I2 and I3


@pytest.mark.parametrize("state", State)
def test_only_what_is_booked_needs_its_booking(state: State) -> None:
    """A ghost: the ledger says that it stands, and nothing does."""
    missing = found(NOTHING, rows=[row(state)], settled=False)
    text = f"{state} without a booking"
    assert missing == ([Violation("I2", text, US)] if state in BOOKED else [])
    assert found(NOTHING, rows=[row(state, uid=None)], settled=False) == missing


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"until": LATER, "ended_by": By.OTHERS}, None),
        ({"until": LATER, "ended_by": By.US}, "confirmed, and we cancelled it ourselves"),
        ({"start": START + timedelta(hours=1)}, "the ledger holds another start than the calendar"),
        (
            {"start": START + timedelta(hours=1), "until": LATER, "ended_by": By.US},
            "confirmed, and we cancelled it ourselves",
        ),
    ],
)
def test_a_booked_row_and_its_booking(changes: dict[str, Any], text: str | None) -> None:
    """What others end is theirs; what we end ourselves, or move in the ledger alone, is a ghost."""
    expected = [] if text is None else [Violation("I2", text, US)]
    assert found(lives=[life(**changes)], spoken=()) == expected


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("settled", [True, False])
def test_what_stands_has_a_row_that_says_so(state: State, settled: bool) -> None:
    """Or a person who must rule; before all has settled, a row is enough. A refused one is a false no, too."""
    expected = []
    if settled and state not in BOOKED | {State.ESCALATED}:
        expected.append(Violation("I3", f"booking uid-1 stands, and its row says {state}", US))
        if state in REFUSED - {State.COMPENSATING}:
            expected.append(Violation("I6", f"{state}, and uid-1 stands", US))
        if state in {State.INTENT, State.SENT, State.DOUBT, State.COMPENSATING}:
            expected.append(Violation("I12", f"still {state}", US))
    assert found(rows=[row(state)], spoken=(), settled=settled) == expected


@pytest.mark.parametrize(
    ("changes", "orphan"),
    [
        ({}, True),
        ({"operation_id": None}, True),
        ({"made_by": By.OTHERS}, False),
        ({"until": LATER, "ended_by": By.OTHERS}, False),
    ],
)
def test_what_we_made_and_nobody_knows(changes: dict[str, Any], orphan: bool) -> None:
    """An orphan, whether it carries an id or none; others' bookings are no business of ours."""
    lives = [life(**{"operation_id": OTHER, **changes})]
    assert found(NOTHING, lives=lives) == ([Violation("I3", "booking uid-1 has no row")] if orphan else [])


@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize(
    ("kind", "stored"), [(RequestKind.POST, False), (RequestKind.POST, True), (RequestKind.LOOK, False)]
)
def test_no_post_leaves_before_its_row_is_there(settled: bool, kind: RequestKind, stored: bool) -> None:
    """Whatever came of it."""
    text = f"a POST whose id the ledger did not hold as sent: {OTHER}"
    expected = [Violation("I3", text)] if kind is RequestKind.POST and not stored else []
    assert found(NOTHING, requests=[Request(0.0, kind, OTHER, stored=stored)], settled=settled) == expected


# I4


@pytest.mark.parametrize("ownership", [True, False])
def test_a_row_that_holds_a_strangers_booking(ownership: bool) -> None:
    """In seed mode that can happen, and is what ownership is there for."""
    lives = [life(operation_id=THEIRS, made_by=By.OTHERS)]
    expected = [Violation("I4", "took uid-1 for its own", US)] if ownership else []
    assert found(lives=lives, ownership=ownership) == expected


@pytest.mark.parametrize(
    ("changes", "foreign"),
    [
        ({"operation_id": OURS, "made_by": By.US}, False),
        ({"operation_id": OURS, "made_by": By.OTHERS}, True),
        ({"operation_id": OTHER, "made_by": By.US}, True),
        ({"operation_id": None, "made_by": By.OTHERS}, True),
        ({"operation_id": None, "made_by": By.OTHERS, "ended_by": By.OTHERS}, False),
    ],
)
def test_what_we_cancel_was_ours(changes: dict[str, Any], foreign: bool) -> None:
    """Made by us, with an id that the ledger holds."""
    ended = life(**{"uid": "uid-9", "until": LATER, "ended_by": By.US, **changes})
    rows = [row(State.COMPENSATED)]
    expected = [Violation("I4", "cancelled uid-9, which is not ours")] if foreign else []
    assert found(NOTHING, lives=[ended], rows=rows) == expected


# I5, I7 and I11


@pytest.mark.parametrize("outcome", Outcome)
def test_what_is_said_to_be_booked_needs_a_booking(outcome: Outcome) -> None:
    """Without a record it is a lie, and acknowledged and gone; everything else says nothing of one."""
    expected = []
    if outcome in {Outcome.BOOKED, Outcome.REQUESTED, Outcome.ALREADY_BOOKED, Outcome.RESCHEDULED}:
        expected = [
            Violation("I5", f"{outcome} without a booking", US),
            Violation("I11", "an acknowledged booking has left the ledger", US),
        ]
    for ref in (None, "ref-of-nobody"):
        assert found(lives=[], rows=[], spoken=[said(outcome, ref=ref)], requests=()) == expected


def test_a_record_whose_booking_never_was() -> None:
    """The ledger has it, the calendar never had: a ghost and a lie, and not lost."""
    assert [one.invariant for one in found(lives=[])] == ["I2", "I5"]
    assert found(lives=[])[1] == Violation("I5", "booked without a booking", US)


@pytest.mark.parametrize(
    ("moment", "ended_by", "lie"),
    [
        (-0.5, By.OTHERS, True),
        (-0.5, By.US, True),
        (0, By.US, False),
        (4.9, By.US, False),
        (5, By.US, True),
        (5, By.OTHERS, False),
        (6, By.OTHERS, False),
    ],
)
def test_booked_was_true_when_it_was_said(moment: float, ended_by: By, lie: bool) -> None:
    """Or others had ended it, and nobody told us."""
    lives = [life(until=at(5), ended_by=ended_by)]
    rows = [row(State.COMPENSATED, ref="ref-1", uid="uid-1", start=START)]
    text = "booked of a booking that did not stand"
    expected = [Violation("I5", text, US)] if lie else []
    assert found(NOTHING, lives=lives, rows=rows, spoken=[said(at=at(moment))]) == expected


def test_a_booking_that_others_ended_as_it_began_was_no_lie() -> None:
    """It had been there, if for no time at all."""
    lives = [life(until=NOW, ended_by=By.OTHERS)]
    rows = [row(State.CANCELLED, ref="ref-1", uid="uid-1", start=START)]
    assert found(NOTHING, lives=lives, rows=rows, spoken=[said(at=NOW)]) == []


@pytest.mark.parametrize("start", [None, START + timedelta(minutes=30)])
@pytest.mark.parametrize("outcome", [Outcome.BOOKED, Outcome.REQUESTED, Outcome.ALREADY_BOOKED])
def test_the_start_that_was_said_is_the_bookings(start: datetime | None, outcome: Outcome) -> None:
    """To the caller an appointment is its time."""
    assert found(spoken=[said(outcome, start=start)]) == [Violation("I5", f"{outcome} with another start", US)]


@pytest.mark.parametrize(
    ("outcome", "pending_until", "lie"),
    [
        (Outcome.BOOKED, None, True),
        (Outcome.BOOKED, 2.5, True),
        (Outcome.BOOKED, 2, False),
        (Outcome.BOOKED, 0, False),
        (Outcome.REQUESTED, None, False),
        (Outcome.ALREADY_BOOKED, None, False),
    ],
)
def test_what_its_host_has_not_accepted_is_not_booked(outcome: Outcome, pending_until: float | None, lie: bool) -> None:
    """From the moment of the acceptance on it is."""
    lives = [life(pending_until=None if pending_until is None else at(pending_until))]
    expected = [Violation("I5", "booked, while its host had not accepted it", US)] if lie else []
    assert found(lives=lives, spoken=[said(outcome)]) == expected


TAKEN = Outcome.SLOT_TAKEN


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ([said(), said(at=at(9))], None),
        ([said(), said(Outcome.ALREADY_BOOKED, at=at(9))], None),
        ([said(), said(Outcome.IN_DOUBT, at=at(9))], None),
        ([said(), said(Outcome.NEEDS_INPUT, at=at(9))], None),
        ([said(), said(TAKEN, at=at(9), intent_id="another")], None),
        ([said(), said(TAKEN, at=at(9), intent_id=None)], None),
        ([said(intent_id=None), said(TAKEN, at=at(9), intent_id=None)], None),
        ([said(TAKEN), said(Outcome.REJECTED, at=at(9))], None),
        ([said(TAKEN), said(Outcome.ERROR, at=at(9))], None),
        ([said(Outcome.IN_DOUBT), said(at=at(9))], None),
        ([said(), said(TAKEN, at=at(9))], "told booked and then slot_taken"),
        ([said(), said(TAKEN, at=at(9), ref="ref-1")], "told booked and then slot_taken"),
        ([said(), said(Outcome.REJECTED, at=at(9))], "told booked and then rejected"),
        ([said(), said(Outcome.ERROR, at=at(9))], "told booked and then error"),
        ([said(at=at(9)), said(TAKEN, at=at(3))], "told slot_taken and then booked"),
        ([said(at=at(9)), said(Outcome.REQUESTED, ref="ref-2", at=at(3))], "told requested and then booked"),
    ],
)
def test_one_final_answer_of_one_booking(told: list[Spoken], text: str | None) -> None:
    """In the order in which they were spoken; a doubt or a question may come before and after."""
    second = Row(intent(State.CONFIRMED, intent_id="02", operation_id=THEIRS), "ref-2", "uid-2", START)
    lives = [life(), life(uid="uid-2", operation_id=THEIRS)]
    expected = [] if text is None else [Violation("I7", text, US)]
    assert found(lives=lives, rows=[row(), second], spoken=told) == expected


# I6 with what has not settled, I8, I12, I14


@pytest.mark.parametrize("state", sorted(REFUSED))
def test_a_no_whose_booking_is_gone_by_then_is_a_true_no(state: State) -> None:
    """What stood and was ended, by us or by others, does not stand."""
    rows = [row(state)]
    gone = found(NOTHING, lives=[life(until=LATER, ended_by=By.US)], rows=rows)
    assert gone == ([Violation("I12", f"still {state}", US)] if state is State.COMPENSATING else [])


def test_of_several_that_stand_after_a_no_the_first_is_named() -> None:
    """One name is enough to go and look."""
    lives = [life(), life(uid="uid-2")]
    told = [one.text for one in found(NOTHING, lives=lives, rows=[row(State.REJECTED)]) if one.invariant == "I6"]
    assert told == ["rejected, and uid-1 stands"]


def same_person(state: State, **changes: Any) -> Row:
    """Another row of the same phone and e-mail on the same slot."""
    made = {"phone": "+4930901820", "email": "a@b.de"} | changes
    of = wish(conversation_id="call_two", **made)
    return Row(replace(intent(state, of), intent_id="02", operation_id=THEIRS))


OURS_LIVE = Row(intent(State.DOUBT, wish(phone="+4930901820", email="a@b.de")))


@pytest.mark.parametrize("state", State)
def test_two_live_ones_of_one_person_on_a_slot(state: State) -> None:
    """By phone and by e-mail; what has ended stands beside it."""
    twice = found(NOTHING, rows=[OURS_LIVE, same_person(state)], settled=False)
    same = Violation("I8", "the same person has this slot as 01intent too", "02")
    ghost = [Violation("I2", f"{state} without a booking", "02")] if state in BOOKED else []
    assert twice == ghost + ([same, same] if state in BOOKED | UNRESOLVED else [])


@pytest.mark.parametrize(
    ("changes", "times"),
    [
        ({"phone": None}, 1),
        ({"email": None}, 1),
        ({"phone": "+4930901821"}, 1),
        ({"phone": None, "email": None}, 0),
        ({"phone": "+4930901821", "email": "c@b.de"}, 0),
        ({"start": START + timedelta(hours=1)}, 0),
        ({"service": replace(wish().service, service_id="102")}, 0),
        ({"tenant_id": "another"}, 0),
    ],
)
def test_who_is_the_same_person_on_the_same_slot(changes: dict[str, Any], times: int) -> None:
    """The same phone or the same e-mail, one tenant, one start, one service."""
    evidence = found(NOTHING, rows=[OURS_LIVE, same_person(State.DOUBT, **changes)], settled=False)
    assert [one.invariant for one in evidence] == ["I8"] * times


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("settled", [True, False])
def test_every_doubt_ends(state: State, settled: bool) -> None:
    """With a person, if with nobody else; not before the faults have stopped."""
    unfinished = state in {State.INTENT, State.SENT, State.DOUBT, State.COMPENSATING}
    expected = [Violation("I12", f"still {state}", US)] if settled and unfinished else []
    lives = [life()] if state in BOOKED else []
    assert found(NOTHING, lives=lives, rows=[row(state)], settled=settled) == expected


@pytest.mark.parametrize(("tenant", "apart"), [("default", True), ("another", False)])
def test_no_row_holds_another_tenants_booking(tenant: str, apart: bool) -> None:
    """Nobody's appointment is shown to somebody else's caller."""
    expected = [] if apart else [Violation("I14", "holds uid-1 of another tenant", US)]
    assert found(lives=[life(tenant_id=tenant)]) == expected


# I10

BORN = Moved(US, None, None, State.SENT)
LANDED = Moved(US, State.SENT, Event.LANDED_ACCEPTED, State.CONFIRMED)


@pytest.mark.parametrize(
    ("moves", "texts"),
    [
        ([BORN, LANDED], []),
        ([], []),
        ([LANDED], ["moved from sent where it was None"]),
        ([BORN], ["confirmed without a move"]),
        ([BORN, LANDED, replace(LANDED, intent_id="02")], ["moved from sent where it was None"]),
        ([BORN, LANDED, LANDED], ["moved from sent where it was confirmed"]),
        ([BORN, replace(LANDED, event=None)], ["sent -> confirmed by None"]),
        ([BORN, replace(LANDED, event=Event.FOUND_ACCEPTED)], ["sent -> confirmed by found_accepted"]),
        ([BORN, replace(LANDED, event=Event.LANDED_PENDING)], ["sent -> confirmed by landed_pending"]),
        ([BORN, LANDED, BORN, LANDED], ["moved from None where it was confirmed"]),
    ],
)
def test_every_move_is_of_the_table_and_begins_where_the_last_one_ended(moves: list[Moved], texts: list[str]) -> None:
    """And the row says where they led."""
    assert [(one.invariant, one.text) for one in found(moves=moves)] == [("I10", text) for text in texts]
    assert all(one.intent_id in {US, "02"} for one in found(moves=moves))
    assert not texts or found(moves=moves)[0].intent_id is not None


# I16


def looks(*times: float) -> list[Request]:
    return [Request(moment, RequestKind.LOOK, OURS) for moment in times]


@pytest.mark.parametrize(
    ("requests", "text"),
    [
        (looks(*range(12)), None),
        (looks(*range(13)), "13 look-ups in an hour"),
        (looks(*range(12), 3599.9), "13 look-ups in an hour"),
        (looks(*range(12), 3600), None),
        (looks(100, *range(101, 112), 3699.9), "13 look-ups in an hour"),
        ([*looks(*range(12)), Request(5.0, RequestKind.POST, OURS)], None),
        ([*looks(*range(12)), Request(5.0, RequestKind.LOOK, THEIRS)], None),
        ([Request(float(n), RequestKind.CANCEL, "uid-1") for n in range(3)], None),
        ([Request(float(n), RequestKind.CANCEL, "uid-1") for n in range(4)], "4 cancels"),
        ([Request(float(n), RequestKind.LOOK, "uid-1") for n in range(4)], None),
        ([Request(float(n), RequestKind.CANCEL, "uid-2") for n in range(4)], None),
        ([Request(float(n), RequestKind.CANCEL, None) for n in range(4)], None),
    ],
)
def test_looks_and_cancels_are_bounded(requests: list[Request], text: str | None) -> None:
    """Twelve looks in the first hour of a doubt, three cancels of a booking."""
    assert found(requests=requests) == ([] if text is None else [Violation("I16", text, US)])


def test_cancels_of_nobody_are_nobodys() -> None:
    """A row without a booking has cancelled none."""
    requests = [Request(float(n), RequestKind.CANCEL, "") for n in range(3)]
    assert found(NOTHING, rows=[row(State.REJECTED)], requests=requests) == []


@pytest.mark.parametrize(
    ("times", "limit", "exceeds"),
    [
        ([0, 1, 2], 3, False),
        ([0, 1, 2, 59.9], 3, True),
        ([0, 1, 2, 60], 3, False),
        ([60, 0, 2, 1], 3, False),
        ([59.9, 0, 2, 1], 3, True),
        ([0, 30, 70, 80, 89.9], 3, True),
        ([0, 30, 70, 80, 90], 3, False),
        ([0, 1, 2, 3, 4], 0, False),
        ([0, 59], 1, True),
    ],
)
def test_no_minute_holds_more_requests_than_the_limit(times: list[float], limit: int, exceeds: bool) -> None:
    """Wherever the minute begins, in whatever order they are told; said once."""
    requests = [Request(moment, RequestKind.OTHER, None) for moment in times]
    expected = [Violation("I16", f"more than {limit} requests in a minute")] if exceeds else []
    assert found(requests=requests, requests_per_minute=limit) == expected


def test_the_words_of_evidence() -> None:
    """Reports and replays are written in them."""
    assert [str(by) for by in By] == ["us", "others"]
    assert [str(kind) for kind in RequestKind] == ["post", "look", "cancel", "move", "page", "other"]


def test_an_intent_with_many_faults_is_told_all_of_them() -> None:
    """The checks do not stop at the first."""
    made: Intent = intent(State.REJECTED)
    evidence = Evidence([life()], [Row(made)], [said(ref=None)], [POST, POST])
    assert sorted({one.invariant for one in violations(evidence)}) == ["I1", "I11", "I3", "I5", "I6"]
