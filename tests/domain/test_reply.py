"""The reply: "booked" is reachable only from a booking that stands."""

import pytest

from einmal.domain.intent import BOOKED, UNRESOLVED, State
from einmal.domain.reply import CONFIRMATION_STATUS, SUCCESS, BookedSlot, Missing, Outcome, Reply, Why, reply_to_state
from support.evidence import NOW, intent

SLOT = BookedSlot("ref", NOW, NOW, "Beratung")


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("slot", [None, SLOT], ids=["no record", "record"])
def test_success_is_said_only_of_a_booking_on_record(state: State, slot: BookedSlot | None) -> None:
    reply = reply_to_state(intent(state), state, slot)
    assert reply.success == (state in {*BOOKED, State.CANCELLED} and slot is not None)
    assert (reply.outcome is Outcome.CANCELLED) == (state is State.CANCELLED and slot is not None)
    assert (reply.outcome is Outcome.BOOKED) == (state is State.CONFIRMED and slot is not None)
    assert (reply.outcome is Outcome.REQUESTED) == (state is State.PENDING and slot is not None)
    assert (reply.outcome is Outcome.IN_DOUBT) == (state in UNRESOLVED or (state in BOOKED and slot is None))


@pytest.mark.parametrize(
    ("outcome", "success", "confirmation"),
    [
        ("booked", True, "confirmed"),
        ("requested", True, "pending"),
        ("already_booked", True, "confirmed"),
        ("available", True, "awaiting_confirmation"),
        ("unavailable", False, "error"),
        ("slot_taken", False, "error"),
        ("needs_input", False, "error"),
        ("in_doubt", False, "in_doubt"),
        ("rejected", False, "error"),
        ("error", False, "error"),
        ("cancelled", True, "cancelled"),
        ("rescheduled", True, "confirmed"),
        ("reserved", True, "awaiting_confirmation"),
        ("released", True, "none"),
        ("noted", True, "none"),
    ],
)
def test_the_table_of_the_contract(outcome: str, success: bool, confirmation: str) -> None:
    assert Reply(Outcome(outcome)).success is success
    assert CONFIRMATION_STATUS[Outcome(outcome)] == confirmation
    assert Reply(Outcome(outcome)).do_not_rebook == (outcome == "in_doubt")
    assert set(CONFIRMATION_STATUS) == set(Outcome) >= SUCCESS


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("slot", [None, SLOT], ids=["no record", "record"])
def test_what_is_said_of_a_state_is_about_what_was_asked(state: State, slot: BookedSlot | None) -> None:
    """The start that was asked for in any case; the appointment only where one is said to stand; nothing else."""
    asked = intent(state)
    told = state in {*BOOKED, State.CANCELLED} and slot is not None
    stands = told and state is not State.CANCELLED
    outcome = Outcome.SLOT_TAKEN
    if stands:
        outcome = Outcome.BOOKED if state is State.CONFIRMED else Outcome.REQUESTED
    elif told:
        outcome = Outcome.CANCELLED
    elif state in UNRESOLVED | BOOKED:
        outcome = Outcome.IN_DOUBT
    expected = Reply(outcome, Why.PLAIN, slot if told else None, asked.wish.start, (), (), (), (), None)
    assert reply_to_state(asked, state, slot) == expected


@pytest.mark.parametrize(
    ("missing", "field"),
    [
        (Missing.NAME, "name"),
        (Missing.SERVICE, "service"),
        (Missing.SERVICE_UNKNOWN, "service"),
        (Missing.DATE, "date"),
        (Missing.DATE_PAST, "date"),
        (Missing.DATE_ODD, "date"),
        (Missing.TIME, "time"),
        (Missing.TIME_ODD, "time"),
        (Missing.TIME_UNCLEAR, "time"),
        (Missing.TIME_WIDE, "time"),
        (Missing.DATE_UNCLEAR, "date"),
        (Missing.DATE_WIDE, "date"),
        (Missing.TIME_SKIPPED, "time"),
        (Missing.EMAIL_ODD, "email"),
        (Missing.CONFIRMATION_ODD, "confirmation"),
        (Missing.DECISION, "decision"),
        (Missing.APPOINTMENT, "appointment"),
        (Missing.STAFF_UNKNOWN, "staff"),
        (Missing.STAFF_OPEN, "staff"),
        (Missing.PHONE, "phone"),
    ],
)
def test_every_question_is_about_a_field(missing: Missing, field: str) -> None:
    """The agent is told the field, the caller hears the question."""
    assert missing.field == field


def test_a_reply_claims_nothing_by_itself() -> None:
    """Whoever makes one says what it holds."""
    assert Reply(Outcome.ERROR) == Reply(Outcome.ERROR, Why.PLAIN, None, None, (), (), (), (), None)
    assert SLOT.staff is None
    assert set(SUCCESS) == {
        *(Outcome.BOOKED, Outcome.REQUESTED, Outcome.ALREADY_BOOKED, Outcome.AVAILABLE),
        *(Outcome.CANCELLED, Outcome.RESCHEDULED, Outcome.RESERVED, Outcome.RELEASED, Outcome.NOTED),
    }
