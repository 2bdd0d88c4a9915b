"""What an answer to a POST says of its landing, and when the POST was sent by the calendar's clock."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.domain.answer import Answer, AnswerKind, Landed
from support.evidence import NOW

LANDED = {
    AnswerKind.BOOKING: Landed.YES,
    AnswerKind.CONFLICT: Landed.MAYBE,
    AnswerKind.LOST: Landed.MAYBE,
    AnswerKind.REFUSED: Landed.NO,
    AnswerKind.UNAUTHORISED: Landed.NO,
    AnswerKind.THROTTLED: Landed.NO,
    AnswerKind.NOT_SENT: Landed.NO,
}


@pytest.mark.parametrize("kind", AnswerKind)
def test_what_may_have_landed(kind: AnswerKind) -> None:
    """A NO may be asked again, so it is one only where nothing can have been booked; a conflict may be ourselves."""
    assert Answer(kind).landed is LANDED[kind]


def test_an_answer_holds_nothing_that_nobody_told() -> None:
    """No status, no booking, no date, no time taken."""
    answer = Answer(AnswerKind.LOST)
    assert (answer.booking, answer.http_status, answer.detail, answer.calendar_date) == (None, None, "", None)
    assert answer.elapsed == timedelta(0)


@given(st.timedeltas(timedelta(0), timedelta(minutes=5)), st.timedeltas(timedelta(days=-1), timedelta(days=1)))
def test_the_send_is_dated_by_the_calendars_clock(elapsed: timedelta, skew: timedelta) -> None:
    """Whatever our own clock says: its Date, less the time that the answer took."""
    date: datetime = NOW + skew
    assert Answer(AnswerKind.BOOKING, elapsed=elapsed, calendar_date=date).asked_at(NOW) == date - elapsed


def test_without_a_date_the_send_is_dated_by_our_own_clock() -> None:
    """How long the answer took changes nothing."""
    assert Answer(AnswerKind.BOOKING, elapsed=timedelta(seconds=9)).asked_at(NOW) == NOW
