"""The reply: "booked" is reachable only from a booking that stands."""

import pytest

from einmal.domain.intent import BOOKED, UNRESOLVED, State
from einmal.domain.reply import CONFIRMATION_STATUS, SUCCESS, BookedSlot, Outcome, Reply, reply_to_state
from support.evidence import NOW, intent

SLOT = BookedSlot("ref", NOW, NOW, "Beratung")


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("slot", [None, SLOT], ids=["no record", "record"])
def test_success_is_said_only_of_a_booking_on_record(state: State, slot: BookedSlot | None) -> None:
    reply = reply_to_state(intent(state), state, slot)
    assert reply.success == (state in BOOKED and slot is not None)
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
    ],
)
def test_the_table_of_the_contract(outcome: str, success: bool, confirmation: str) -> None:
    assert Reply(Outcome(outcome)).success is success
    assert CONFIRMATION_STATUS[Outcome(outcome)] == confirmation
    assert Reply(Outcome(outcome)).do_not_rebook == (outcome == "in_doubt")
    assert set(CONFIRMATION_STATUS) == set(Outcome) >= SUCCESS
