"""The rules of the simulated calendar, asked directly and not over HTTP."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from einmal.simulator.calendar import (
    Attendee,
    BookingFilter,
    BookingStatus,
    Changed,
    Created,
    EventType,
    Existing,
    ListedStatus,
    Refusal,
    Refused,
    Scheduling,
    SimulatedBooking,
    SimulatedCalendar,
)
from einmal.simulator.catalogue import demo_calendar, demo_event_types, random_uid, recorded_event_types
from einmal.simulator.wire import SimulatedCalcom

NOW = datetime(2026, 11, 21, 2, 31, tzinfo=UTC)
SLOT = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
ANN = Attendee("Guest One", "ann@guest.example.test")
BOB = Attendee("Guest Two", "bob@guest.example.test")
PLAIN, CONFIRM, CONFIRM_BLOCK, RR2, RR1, RR2_CONFIRM = 1, 3, 5, 9, 10, 12
MINUTES = st.integers(0, 8 * 12).map(lambda fives: timedelta(minutes=5 * fives))


def calendar_of(event_types: tuple[EventType, ...], now: Callable[[], datetime] = lambda: NOW) -> SimulatedCalendar:
    numbers = count(1)
    return SimulatedCalendar(event_types, now=now, new_uid=lambda: f"uid-{next(numbers)}")


@pytest.fixture
def calendar() -> SimulatedCalendar:
    return calendar_of(recorded_event_types())


def made(outcome: Created | Existing | Refused) -> SimulatedBooking:
    assert isinstance(outcome, Created)
    return outcome.booking


def overlapping_pairs(calendar: SimulatedCalendar) -> list[tuple[str, str]]:
    accepted = [booking for booking in calendar.bookings if booking.status is BookingStatus.ACCEPTED]
    return [
        (one.uid, other.uid)
        for one, other in combinations(accepted, 2)
        if one.host == other.host and one.start < other.end and other.start < one.end
    ]


# Bookings of one host


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from([PLAIN, RR2, RR1]), MINUTES, st.sampled_from("abc")),
            st.integers(0, 20),  # cancel the booking with this number, if there is one
        ),
        max_size=40,
    )
)
def test_accepted_bookings_of_one_host_never_overlap(steps: list[tuple[int, timedelta, str] | int]) -> None:
    """Whatever is booked and cancelled in turn, nobody is double-booked."""
    calendar = calendar_of(recorded_event_types())
    for step in steps:
        if isinstance(step, int):
            for booking in calendar.bookings[step : step + 1]:
                calendar.cancel(booking.uid, "test")
        else:
            event_type_id, after, name = step
            calendar.create(event_type_id, SLOT + after, Attendee(name, f"{name}@guest.example.test"))
    assert not overlapping_pairs(calendar)


def test_the_overlap_check_sees_an_overlap(calendar: SimulatedCalendar) -> None:
    """The control of the property above: a planted double booking is noticed."""
    booking = made(calendar.create(PLAIN, SLOT, ANN))
    calendar.plant(replace(booking, uid="twin", start=SLOT + timedelta(minutes=15)))
    assert overlapping_pairs(calendar) == [(booking.uid, "twin")]


def test_one_host_is_busy_across_event_types() -> None:
    """A perm at ten leaves no haircut at eleven, with the same stylist."""
    calendar = calendar_of(demo_event_types())
    consultation, haircut, perm = (event_type.id for event_type in demo_event_types())
    made(calendar.create(perm, SLOT, ANN))
    assert calendar.create(haircut, SLOT + timedelta(hours=1), BOB) == Refused(Refusal.NO_FREE_HOST)
    made(calendar.create(consultation, SLOT + timedelta(minutes=135), BOB))


def test_round_robin_gives_the_second_guest_the_other_host(calendar: SimulatedCalendar) -> None:
    """Two hosts take two guests; the third is refused."""
    hosts = {made(calendar.create(RR2, SLOT, guest)).host.id for guest in (ANN, BOB)}
    assert hosts == {9, 10}
    assert calendar.create(RR2, SLOT, Attendee("C", "c@guest.example.test")) == Refused(Refusal.NO_FREE_HOST)


# The old booking handed back


@pytest.mark.parametrize("event_type_id", [RR2, CONFIRM])
@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (None, None, True),
        (None, "+4930901820", False),  # an e-mail-only booking has no phone to match
        ("+4930901820", None, True),
        ("+4930901820", "+4930901820", True),
        ("+4930901820", "+4930901821", False),
        ("+4930901820", "+49 30 901820", False),  # as typed
    ],
)
def test_a_phone_counts_only_when_it_is_sent(
    event_type_id: int, first: str | None, second: str | None, same: bool
) -> None:
    """The repeat gets the old booking back unless it names a phone that the old one has not."""
    calendar = calendar_of(recorded_event_types())
    booking = made(calendar.create(event_type_id, SLOT, replace(ANN, phone=first)))
    again = calendar.create(event_type_id, SLOT, replace(ANN, phone=second))
    assert again == Existing(booking) if same else isinstance(again, Created)


def test_other_words_for_the_same_person_are_dropped(calendar: SimulatedCalendar) -> None:
    """The old booking comes back unchanged, however different the repeat is."""
    booking = made(calendar.create(RR2, SLOT, ANN, metadata={"k": "1"}))
    assert calendar.create(RR2, SLOT, replace(ANN, name="Else"), metadata={"k": "2"}) == Existing(booking)
    assert calendar.bookings == (booking,)


def test_a_guest_is_taken_for_the_booker(calendar: SimulatedCalendar) -> None:
    """Whoever is only a guest of a booking gets that booking back when booking the same time."""
    booking = made(calendar.create(RR2, SLOT, ANN, guests=(BOB.email,)))
    assert calendar.create(RR2, SLOT, BOB) == Existing(booking)


def test_the_case_of_an_address_makes_another_person(calendar: SimulatedCalendar) -> None:
    """E-mail is compared as typed."""
    made(calendar.create(RR2, SLOT, ANN))
    made(calendar.create(RR2, SLOT, replace(ANN, email=ANN.email.title())))


def test_the_old_booking_is_found_even_in_the_past() -> None:
    """The shortcut comes before the clock: a repeat long afterwards still gets its booking."""
    clock = [NOW]
    calendar = calendar_of(recorded_event_types(), lambda: clock[0])
    booking = made(calendar.create(RR1, SLOT, ANN))
    clock[0] = SLOT + timedelta(days=1)
    assert calendar.create(RR1, SLOT, ANN) == Existing(booking)
    assert calendar.create(RR1, SLOT, BOB) == Refused(Refusal.IN_THE_PAST)


# The host's rulings


def test_both_pending_bookings_of_one_slot_can_be_accepted(calendar: SimulatedCalendar) -> None:
    """Confirming looks at nothing else, so the host can double-book himself."""
    for booking in [made(calendar.create(CONFIRM, SLOT, guest)) for guest in (ANN, BOB)]:
        assert isinstance(calendar.accept(booking.uid), Changed)
    assert overlapping_pairs(calendar)


def test_a_pending_booking_blocks_only_where_it_is_told_to(calendar: SimulatedCalendar) -> None:
    """requiresConfirmationWillBlockSlot is the difference."""
    assert made(calendar.create(CONFIRM_BLOCK, SLOT, ANN)).status is BookingStatus.PENDING
    assert calendar.create(CONFIRM_BLOCK, SLOT, BOB) == Refused(Refusal.NO_FREE_HOST)


def test_declined_and_cancelled_bookings_can_still_be_accepted(calendar: SimulatedCalendar) -> None:
    """Accepting revives; only an accepted booking cannot be ruled on again."""
    uid = made(calendar.create(CONFIRM, SLOT, ANN)).uid
    for call_off in (calendar.decline, calendar.decline, calendar.cancel):
        assert isinstance(call_off(uid), Changed)
    assert isinstance(calendar.accept(uid), Changed)
    assert calendar.accept(uid) == calendar.decline(uid) == Refused(Refusal.ALREADY_ACCEPTED)
    assert calendar.accept("nobody") == calendar.cancel("nobody") == Refused(Refusal.UNKNOWN_BOOKING)


def test_cancelling_twice_is_refused(calendar: SimulatedCalendar) -> None:
    """The second cancel changes nothing, the slot is free, and a repeat of the wish makes a new booking."""
    uid = made(calendar.create(RR2, SLOT, ANN)).uid
    assert isinstance(calendar.cancel(uid, "ill"), Changed)
    assert calendar.cancel(uid, "again") == Refused(Refusal.ALREADY_CANCELLED)
    cancelled = calendar.get(uid)
    assert cancelled is not None
    assert cancelled.cancellation_reason == "ill"
    assert made(calendar.create(RR2, SLOT, ANN)).uid != uid


# Slots


@given(
    bookings=st.lists(st.tuples(st.sampled_from([0, 1, 2]), MINUTES), max_size=8),
    day=st.dates(date(2026, 11, 22), date(2027, 11, 30)),
    offer=st.sampled_from(demo_event_types()),
)
def test_every_listed_slot_can_be_booked(bookings: list[tuple[int, timedelta]], day: date, offer: EventType) -> None:
    """No slot is busy, closed or past: each listed one can be booked, on summer and winter time alike."""
    calendar = calendar_of(demo_event_types())
    morning = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
    for number, after in bookings:
        calendar.create(demo_event_types()[number].id, morning + after, ANN)
    for slot in calendar.slots(offer, morning - timedelta(hours=6), morning + timedelta(hours=18)):
        fresh = calendar_of(demo_event_types())
        for booking in calendar.bookings:
            fresh.plant(replace(booking, uid=f"old-{booking.uid}"))
        assert isinstance(fresh.create(offer.id, slot, BOB), Created)


def test_open_hours_are_local() -> None:
    """08 to 18 in Berlin is an hour earlier in UTC in winter and two in summer."""
    calendar = calendar_of(demo_event_types())
    consultation = demo_event_types()[0]
    for day, first, last in (("2026-12-01", 7, 16), ("2027-07-01", 6, 15)):
        midnight = datetime.fromisoformat(f"{day}T00:00:00+00:00")
        slots = calendar.slots(consultation, midnight, midnight + timedelta(days=1))
        assert [(slot.hour, slot.minute) for slot in (slots[0], slots[-1])] == [(first, 0), (last, 30)]
        assert len(slots) == 20
    closed = datetime(2026, 12, 1, 6, 30, tzinfo=UTC)
    assert calendar.create(consultation.id, closed, ANN) == Refused(Refusal.NO_FREE_HOST)


def test_slots_keep_out_of_the_notice() -> None:
    """Nothing is listed that would be too soon."""
    calendar = calendar_of(recorded_event_types())
    notice = calendar.event_type(8)
    assert notice is not None
    assert calendar.slots(notice, NOW - timedelta(days=1), NOW + timedelta(hours=3)) == (
        datetime(2026, 11, 21, 5, 0, tzinfo=UTC),
        datetime(2026, 11, 21, 5, 30, tzinfo=UTC),
    )


def test_an_all_day_event_type_has_no_border_at_midnight(calendar: SimulatedCalendar) -> None:
    """A booking may run from one day into the next, and is found busy on both."""
    late = datetime(2026, 11, 28, 23, 45, tzinfo=UTC)
    made(calendar.create(PLAIN, late, ANN))
    assert calendar.create(PLAIN, late + timedelta(minutes=15), BOB) == Refused(Refusal.NO_FREE_HOST)


# Lists


@pytest.mark.parametrize("asked", ["Zed+tag@guest.example.test", "ZED+TAG@GUEST.EXAMPLE.TEST", "Zed", ""])
def test_the_list_filter_is_exact_and_case_sensitive(calendar: SimulatedCalendar, asked: str) -> None:
    """Only the very same spelling is found, whether the person booked or came along as a guest."""
    zed = "Zed+tag@guest.example.test"
    made(calendar.create(PLAIN, SLOT, Attendee("Zed", zed)))
    made(calendar.create(RR2, SLOT, ANN, guests=(zed,)))
    page = calendar.list(BookingFilter(attendee_email=asked))
    assert len(page.bookings) == page.counted == (2 if asked == zed else 0)


def test_list_bounds_are_inclusive(calendar: SimulatedCalendar) -> None:
    """A booking that starts and ends on the bounds is in; a second more and it is out."""
    made(calendar.create(PLAIN, SLOT, ANN))
    end, second = SLOT + timedelta(minutes=30), timedelta(seconds=1)
    assert calendar.list(BookingFilter(after_start=SLOT, before_end=end)).bookings
    assert not calendar.list(BookingFilter(after_start=SLOT + second)).bookings
    assert not calendar.list(BookingFilter(before_end=end - second)).bookings


def test_the_counters_ignore_when_a_booking_was_made(calendar: SimulatedCalendar) -> None:
    """An empty page may count one booking: the counters do not know the created and updated bounds."""
    booking = made(calendar.create(PLAIN, SLOT, ANN))
    assert calendar.list(BookingFilter(after_created=booking.created_at)).bookings == (booking,)
    page = calendar.list(BookingFilter(after_created=booking.created_at + timedelta(milliseconds=1)))
    assert (page.bookings, page.counted) == ((), 1)


def test_upcoming_includes_pending_and_no_status_means_all(calendar: SimulatedCalendar) -> None:
    """The list's states are not the booking's own."""
    pending = made(calendar.create(CONFIRM, SLOT, ANN))
    gone = made(calendar.create(PLAIN, SLOT, ANN))
    calendar.cancel(gone.uid, "test")

    def listed(*statuses: ListedStatus) -> set[str]:
        return {b.uid for b in calendar.list(BookingFilter(statuses=frozenset(statuses))).bookings}

    assert listed() == {pending.uid, gone.uid}
    assert listed(ListedStatus.UPCOMING) == listed(ListedStatus.UNCONFIRMED) == {pending.uid}
    assert listed(ListedStatus.CANCELLED) == {gone.uid}
    assert not listed(ListedStatus.PAST, ListedStatus.RECURRING)


@pytest.mark.parametrize(
    ("query", "ids", "counters"),
    [
        ("take=2", [1, 2], (2, 5, 2, 3, 1, 3, True, False)),
        ("take=2&skip=2", [3, 4], (2, 5, 2, 1, 2, 3, True, True)),
        ("take=2&skip=1000", [], (0, 5, 2, 0, 3, 3, False, True)),
        ("sortCreated=desc&take=1&foo=bar", [5], (1, 5, 1, 4, 1, 5, True, False)),
        ("attendeeEmail=", [1, 2, 3, 4, 5], (5, 5, 100, 0, 1, 1, False, False)),
    ],
)
def test_pages_are_counted_as_recorded(query: str, ids: list[int], counters: tuple[object, ...]) -> None:
    """The counters of a page follow take, skip and the total."""
    clock = count(1)
    calendar = calendar_of(recorded_event_types(), lambda: NOW + timedelta(seconds=next(clock)))
    for number in range(5):
        made(calendar.create(PLAIN, SLOT + timedelta(hours=number), ANN))
    calcom = SimulatedCalcom(calendar, api_keys=None, now=lambda: NOW)
    headers = {"cal-api-version": "2026-02-25", "authorization": "Bearer any"}
    body = json.loads(calcom.handle("GET", f"/v2/bookings?{query}", headers, b"").body)
    assert [booking["id"] for booking in body["data"]] == ids
    assert tuple(body["pagination"].values()) == counters


# The rest of the surface


def test_uids_do_not_repeat_and_look_like_cal_coms() -> None:
    """22 characters, none of them easily confused."""
    uids = {random_uid() for _ in range(50)}
    assert len(uids) == 50
    assert all(len(uid) == 22 and uid.isalnum() and not set(uid) & set("0OIl") for uid in uids)


def test_the_demo_calendar_runs_on_the_real_clock() -> None:
    """A slot of tomorrow can be booked, and the row is stamped now, in whole milliseconds."""
    calendar = demo_calendar()
    offer = calendar.event_types[0]
    now = datetime.now(UTC)
    slot = calendar.slots(offer, now, now + timedelta(days=2))[-1]
    booking = made(calendar.create(offer.id, slot, ANN))
    assert abs(booking.created_at - now) < timedelta(seconds=30)
    assert booking.created_at.microsecond % 1000 == 0


def test_a_planted_uid_cannot_be_planted_twice(calendar: SimulatedCalendar) -> None:
    """A test that seeds the same booking twice has a bug, and hears of it."""
    booking = made(calendar.create(PLAIN, SLOT, ANN))
    with pytest.raises(ValueError, match="already"):
        calendar.plant(booking)


def test_what_is_deleted_leaves_no_trace(calendar: SimulatedCalendar) -> None:
    """No reader finds it, nobody hears of it, and its slot is free for the same host."""
    calendar.webhooks.subscribe("http://gateway.test", None, everywhere=True)
    booking = made(calendar.create(PLAIN, SLOT, ANN))
    calendar.cancel(booking.uid)
    again = made(calendar.create(PLAIN, SLOT, ANN))
    calendar.webhooks.take()
    for uid in (booking.uid, again.uid):
        calendar.forget(uid)
        assert (calendar.get(uid), calendar.read(uid), calendar.born(uid)) == (None, None, None)
    assert (calendar.bookings, calendar.list(BookingFilter()).bookings) == ((), ())
    assert calendar.webhooks.take() == ()
    assert made(calendar.create(PLAIN, SLOT, BOB)).host == again.host


def test_how_a_booking_was_born_is_kept(calendar: SimulatedCalendar) -> None:
    booking = made(calendar.create(CONFIRM, SLOT, ANN))
    calendar.accept(booking.uid)
    assert calendar.born(booking.uid) == booking


def test_round_robin_may_need_confirmation_too() -> None:
    """Then a repeat finds the pending booking, until it is accepted: after that it makes a new one."""
    calendar = calendar_of(recorded_event_types())
    booking = made(calendar.create(RR2_CONFIRM, SLOT, ANN))
    assert calendar.create(RR2_CONFIRM, SLOT, ANN) == Existing(booking)
    calendar.accept(booking.uid)
    assert made(calendar.create(RR2_CONFIRM, SLOT, ANN)).host != booking.host
    assert calendar.event_type(RR2_CONFIRM).scheduling is Scheduling.ROUND_ROBIN  # type: ignore[union-attr]
