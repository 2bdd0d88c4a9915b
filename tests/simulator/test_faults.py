"""Every fault does what it says, measured by what is really in the calendar; plans are read and repeatable."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any

import pytest

from einmal.simulator.calendar import Attendee, BookingStatus, SimulatedCalendar
from einmal.simulator.catalogue import recorded_event_types
from einmal.simulator.faults import Fault, FaultPlan, FaultRule, Faults, Operation
from einmal.simulator.faulty import Delivered, FaultyCalcom, LostAnswer, LostRequest, NotConnected, Outcome
from einmal.simulator.wire import SimulatedCalcom

NOW = datetime(2026, 11, 21, 2, 31, tzinfo=UTC)
SLOT = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
PLAIN, CONFIRM, RR2, RR1 = 1, 3, 9, 10
CREATE, LIST = frozenset({Operation.CREATE}), frozenset({Operation.LIST})


class World:
    """A Cal.com with faults, and the requests the tests send to it."""

    def __init__(self, *rules: FaultRule, seed: int = 0) -> None:
        self.time, numbers = NOW, count(1)
        self.calendar = SimulatedCalendar(
            recorded_event_types(), now=lambda: self.time, new_uid=lambda: f"uid-{next(numbers)}"
        )
        calcom = SimulatedCalcom(self.calendar, api_keys=None, now=lambda: self.time)
        self.calcom = FaultyCalcom(calcom, FaultPlan(rules, seed))

    def ask(self, method: str, target: str, body: dict[str, Any] | None = None) -> Outcome:
        headers = {"cal-api-version": "2024-08-13", "authorization": "Bearer k"}
        return self.calcom.handle(method, target, headers, b"" if body is None else json.dumps(body).encode())

    def book(self, event_type_id: int = PLAIN, who: str = "ann", start: datetime = SLOT) -> Outcome:
        attendee = {"name": who, "email": f"{who}@guest.example.test", "timeZone": "UTC"}
        body = {"start": start.isoformat(), "eventTypeId": event_type_id, "attendee": attendee}
        return self.ask("POST", "/v2/bookings", body | {"metadata": {"op": who}})

    def change(self, uid: str, change: str, **body: Any) -> Outcome:
        return self.ask("POST", f"/v2/bookings/{uid}/{change}", body)

    def listed(self) -> list[str]:
        return [booking["uid"] for booking in payload(self.ask("GET", "/v2/bookings"))["data"]]

    @property
    def rows(self) -> list[tuple[str, str]]:
        return [(booking.uid, booking.attendee.name) for booking in self.calendar.bookings]


def rule(fault: Fault, **parameters: float) -> FaultRule:
    return FaultRule(fault, parameters=parameters)


def once(fault: Fault, **parameters: float) -> FaultRule:
    return FaultRule(fault, nth=frozenset({1}), parameters=parameters)


def delivered(outcome: Outcome) -> Delivered:
    assert isinstance(outcome, Delivered)
    return outcome


def status(outcome: Outcome) -> int:
    return delivered(outcome).answer.status


def payload(outcome: Outcome) -> Any:
    answer = delivered(outcome).answer
    assert answer.headers["Content-Length"] == str(len(answer.body))
    return json.loads(answer.body)


# The connection


def test_a_lost_request_does_nothing() -> None:
    """The client cannot tell it from a lost answer, but no row is there."""
    world = World(once(Fault.LOST_REQUEST, delay_seconds=3))
    assert world.book() == LostRequest(3.0, (Fault.LOST_REQUEST,))
    assert world.rows == []
    assert status(world.book()) == 201


def test_a_lost_answer_was_booked_all_the_same() -> None:
    """The row is there, and the repeat hears that the slot is taken: the incident in one test."""
    world = World(once(Fault.LOST_ANSWER))
    lost = world.book()
    assert isinstance(lost, LostAnswer)
    assert json.loads(lost.answer.body)["data"]["uid"] == "uid-1"
    assert world.rows == [("uid-1", "ann")]
    assert status(world.book()) == 400


@pytest.mark.parametrize("operation", [one for one in Operation if one is not Operation.WEBHOOK])
def test_a_refused_connection_does_nothing_and_the_client_knows(operation: Operation) -> None:
    """Whatever was asked for, it has not left; that is its own outcome, not a lost request."""
    plan = FaultPlan((FaultRule(Fault.REFUSED_CONNECTION, frozenset({operation}), nth=frozenset({1})),))
    assert Faults(plan).next(operation) == plan.rules
    world = World(once(Fault.REFUSED_CONNECTION, delay_seconds=2))
    assert world.book() == NotConnected(2.0, (Fault.REFUSED_CONNECTION,))
    assert (world.rows, status(world.book())) == ([], 201)


@pytest.mark.parametrize(("fault", "rows"), [(Fault.ERROR_BEFORE_COMMIT, 0), (Fault.ERROR_AFTER_COMMIT, 1)])
def test_a_5xx_says_nothing_about_the_row(fault: Fault, rows: int) -> None:
    """The same status stands for a booking and for none."""
    world = World(rule(fault, status=503))
    assert status(world.book()) == 503
    assert len(world.rows) == rows


def test_an_unnamed_status_is_acted_out_too() -> None:
    """520 and its like are in no standard, but proxies send them."""
    assert status(World(rule(Fault.ERROR_BEFORE_COMMIT, status=520)).book()) == 520


def test_a_late_commit_comes_when_the_client_has_given_up() -> None:
    """Nothing is there until it is due; then the row is, stamped with the moment it was due."""
    world = World(once(Fault.LATE_COMMIT, commit_after_seconds=20))
    assert isinstance(world.book(), LostRequest)
    world.time += timedelta(seconds=19)
    assert (world.calcom.tick(), world.listed(), world.calcom.next_commit_in_seconds) == (0, [], 1.0)
    world.time += timedelta(minutes=35)
    assert world.listed() == ["uid-1"]
    assert world.calendar.bookings[0].created_at == NOW + timedelta(seconds=20)
    assert world.calcom.next_commit_in_seconds is None


def test_late_commits_happen_in_the_order_they_are_due() -> None:
    """Of two requests for one slot the one that is due first gets it, not the one sent first."""
    slow = FaultRule(Fault.LATE_COMMIT, nth=frozenset({1}), parameters={"commit_after_seconds": 30})
    fast = FaultRule(Fault.LATE_COMMIT, nth=frozenset({2}), parameters={"commit_after_seconds": 10, "status": 504})
    world = World(slow, fast)
    world.book(who="ann")
    assert status(world.book(who="bob")) == 504
    world.time += timedelta(minutes=1)
    assert world.calcom.tick() == 2
    assert world.rows == [("uid-1", "bob")]


# The database


def test_a_lagging_replica_hides_new_rows_from_readers() -> None:
    """Neither list nor look-up shows the row until the lag is over; the calendar has it from the start."""
    world = World(FaultRule(Fault.REPLICA_LAG, LIST | {Operation.GET}, parameters={"lag_seconds": 5}))
    assert status(world.book()) == 201
    world.time += timedelta(seconds=4.9)
    assert world.listed() == []
    assert status(world.ask("GET", "/v2/bookings/uid-1")) == 404
    assert len(world.rows) == 1
    world.time += timedelta(seconds=0.1)
    assert world.listed() == ["uid-1"]
    assert status(world.ask("GET", "/v2/bookings/uid-1")) == 200


def test_a_lagging_replica_shows_changes_late() -> None:
    """What was cancelled a moment ago is still accepted to a reader."""
    world = World(FaultRule(Fault.REPLICA_LAG, frozenset({Operation.GET}), parameters={"lag_seconds": 5}))
    world.book()
    world.time += timedelta(seconds=6)
    world.calendar.cancel("uid-1")
    assert payload(world.ask("GET", "/v2/bookings/uid-1"))["data"]["status"] == "accepted"
    assert world.calendar.bookings[0].status is BookingStatus.CANCELLED
    world.time += timedelta(seconds=6)
    assert payload(world.ask("GET", "/v2/bookings/uid-1"))["data"]["status"] == "cancelled"


def test_a_create_that_cannot_read_its_own_row_answers_500() -> None:
    """Cal.com reads again before it answers; the row stays."""
    world = World(FaultRule(Fault.REPLICA_LAG, CREATE))
    outcome = world.book()
    assert (status(outcome), payload(outcome)) == (500, {"statusCode": 500, "message": "Internal server error"})
    assert len(world.rows) == 1


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        (Fault.CONFLICT_409, {"statusCode": 409, "message": "booking_conflict_error"}),
        (Fault.CONFLICT_400, {"statusCode": 400, "message": "An error occurred while querying the database."}),
    ],
)
def test_both_forms_of_a_conflict_write_nothing(fault: Fault, body: dict[str, Any]) -> None:
    """As recorded from a development and a production build."""
    world = World(once(fault))
    outcome = world.book()
    assert (status(outcome), payload(outcome), world.rows) == (body["statusCode"], body, [])
    assert status(world.book()) == 201


@pytest.mark.parametrize("event_type_id", [CONFIRM, RR2])
def test_concurrent_duplicates_make_two_bookings(event_type_id: int) -> None:
    """As recorded: two identical requests that do not see each other get two uids. In turn they get one."""
    racing, in_turn = World(rule(Fault.CONCURRENT_DUPLICATE)), World()
    for world in (racing, in_turn):
        assert [status(world.book(event_type_id)), status(world.book(event_type_id))] == [201, 201]
    assert racing.rows == [("uid-1", "ann"), ("uid-2", "ann")]
    assert in_turn.rows == [("uid-1", "ann")]


@pytest.mark.parametrize("event_type_id", [PLAIN, RR1])
def test_where_the_unique_key_stands_the_loser_gets_a_conflict(event_type_id: int) -> None:
    """One host, accepted at once: always one row, as in every recorded race of that kind."""
    world = World(rule(Fault.CONCURRENT_DUPLICATE))
    assert [status(world.book(event_type_id)), status(world.book(event_type_id))] == [201, 409]
    assert len(world.rows) == 1


def test_the_unique_key_misses_an_overlap() -> None:
    """Half past and a quarter to, at once: two accepted bookings of one host that overlap (recording 90)."""
    world = World(rule(Fault.CONCURRENT_DUPLICATE))
    assert status(world.book()) == 201
    assert status(world.book(who="bob", start=SLOT + timedelta(minutes=15))) == 201


def test_concurrency_ends_with_its_window() -> None:
    """What is older than the window is seen again."""
    world = World(rule(Fault.CONCURRENT_DUPLICATE, window_seconds=0.8))
    world.book(CONFIRM)
    world.time += timedelta(seconds=0.8)
    world.book(CONFIRM)
    assert len(world.rows) == 1


@pytest.mark.parametrize(
    ("changes", "racing", "in_turn"),
    [
        (("cancel", "cancel"), [200, 200], [200, 400]),
        (("confirm", "confirm"), [200, 200], [200, 400]),
        (("confirm", "decline"), [200, 200], [200, 400]),
        (("cancel", "confirm"), [200, 200], [200, 200]),
    ],
)
def test_a_change_does_not_see_another_at_once(changes: tuple[str, str], racing: list[int], in_turn: list[int]) -> None:
    """Both succeed, and the one that wrote last stands; in turn the second finds what the first did."""
    for rules, statuses in (((rule(Fault.CONCURRENT_CHANGE),), racing), ((), in_turn)):
        world = World(*rules)
        world.book(CONFIRM)
        bodies: dict[str, dict[str, Any]] = {"cancel": {"cancellationReason": "x"}}
        assert [status(world.change("uid-1", change, **bodies.get(change, {}))) for change in changes] == statuses
        if rules:
            ends = {"cancel": "cancelled", "confirm": "accepted", "decline": "rejected"}
            assert world.calendar.bookings[0].status.value == ends[changes[-1]]


def test_two_reschedulings_at_once_make_two_bookings() -> None:
    """To two times, both accepted (recording 41g); the old one is cancelled once and names one successor."""
    world = World(rule(Fault.CONCURRENT_CHANGE))
    world.book()
    new = [(SLOT + timedelta(hours=hours)).isoformat() for hours in (1, 2, 1)]
    assert [status(world.change("uid-1", "reschedule", start=start)) for start in new] == [201, 201, 409]
    old, *made = world.calendar.bookings
    assert (old.status, old.rescheduled_to) == (BookingStatus.CANCELLED, "uid-2")
    assert [(b.status, b.rescheduled_from, b.rescheduled_to) for b in made] == [
        (BookingStatus.ACCEPTED, "uid-1", None)
    ] * 2


def test_changes_at_once_end_with_their_window() -> None:
    """Then the second cancel hears of the first."""
    world = World(rule(Fault.CONCURRENT_CHANGE, window_seconds=0.5))
    world.book()
    assert status(world.change("uid-1", "cancel", cancellationReason="x")) == 200
    world.time += timedelta(seconds=0.6)
    assert status(world.change("uid-1", "cancel", cancellationReason="x")) == 400


def test_reservations_at_once_do_not_see_each_other() -> None:
    """So a slot is reserved twice (recording 31f); a lost answer has reserved it too."""
    second = frozenset({2})
    lost = FaultRule(Fault.LOST_ANSWER, frozenset({Operation.RESERVE}), nth=frozenset({4}))
    world = World(FaultRule(Fault.CONCURRENT_DUPLICATE, nth=second), lost)

    def reserve(start: datetime) -> Outcome:
        headers, body = {"cal-api-version": "2024-09-04"}, {"eventTypeId": PLAIN, "slotStart": start.isoformat()}
        return world.calcom.handle("POST", "/v2/slots/reservations", headers, json.dumps(body).encode())

    assert [status(reserve(SLOT)) for _ in range(3)] == [201, 201, 422]
    assert isinstance(reserve(SLOT + timedelta(hours=1)), LostAnswer)
    assert status(reserve(SLOT + timedelta(hours=1))) == 422


def test_a_foreign_booking_comes_back_and_nothing_is_written() -> None:
    """201, accepted, the right slot: only whose it is tells. Without such a booking the request goes through."""
    world = World(rule(Fault.FOREIGN_BOOKING))
    assert payload(world.book())["data"]["uid"] == "uid-1"
    world.book(start=SLOT + timedelta(hours=1), who="cem")
    shown = payload(world.book(who="bob"))["data"]
    assert (shown["uid"], shown["metadata"], shown["attendees"][0]["name"]) == ("uid-1", {"op": "ann"}, "ann")
    assert all(name != "bob" for _, name in world.rows)


# The answer


def test_missing_metadata_is_missing_from_the_answer_only() -> None:
    """The row has it."""
    world = World(rule(Fault.MISSING_METADATA))
    assert "metadata" not in payload(world.book())["data"]
    assert world.calendar.bookings[0].metadata == {"op": "ann"}


def test_throttled_is_the_recorded_429() -> None:
    """No Retry-After; nothing is done."""
    world = World(once(Fault.THROTTLED, reset_seconds=30))
    outcome = world.book()
    message = "CustomThrottlerGuard - Too many requests. Please try again later."
    assert payload(outcome)["error"] == {"code": "ThrottlerException", "message": message, "details": message}
    headers = delivered(outcome).answer.headers
    assert (headers["X-RateLimit-Remaining-Default"], headers["X-RateLimit-Reset-Default"]) == ("0", "30")
    assert "Retry-After" not in headers
    assert (status(outcome), world.rows) == (429, [])


def test_slowness_is_told_and_does_not_change_the_answer() -> None:
    """Head and body have a delay each."""
    world = World(rule(Fault.SLOW_ANSWER, delay_seconds=2), rule(Fault.SLOW_BODY, body_delay_seconds=7))
    outcome = delivered(world.book())
    assert (outcome.delay_seconds, outcome.body_delay_seconds) == (2.0, 7.0)
    assert outcome.answer == delivered(World().book()).answer


def test_the_date_can_be_wrong_or_missing() -> None:
    """Whoever measures a clock by it must survive both."""
    ahead = delivered(World(rule(Fault.SKEWED_DATE, skew_seconds=3600)).book()).answer.headers["Date"]
    assert parsedate_to_datetime(ahead) == NOW + timedelta(hours=1)
    assert "Date" not in delivered(World(rule(Fault.MISSING_DATE)).book()).answer.headers


def test_faults_add_up() -> None:
    """A skewed clock and a lost answer can hit one request; the outcome names both."""
    lost = World(rule(Fault.SKEWED_DATE), rule(Fault.LOST_ANSWER)).book()
    assert isinstance(lost, LostAnswer)
    assert lost.faults == (Fault.SKEWED_DATE, Fault.LOST_ANSWER)


# The plan


def test_without_a_plan_nothing_goes_wrong() -> None:
    """The wrapper adds nothing of its own."""
    assert delivered(World().book()) == Delivered(delivered(World().book()).answer)


def test_a_plan_can_be_changed_and_everything_reset() -> None:
    """Another plan acts at once; reset takes back bookings, late commits and the first plan's count."""
    world = World(once(Fault.LATE_COMMIT))
    world.book()
    world.calcom.follow(FaultPlan())
    assert status(world.book()) == 201
    world.calcom.reset()
    assert (world.rows, world.calcom.next_commit_in_seconds) == ([], None)
    assert isinstance(world.book(), LostRequest)


def test_occurrences_count_only_what_the_rule_is_for() -> None:
    """The second create is lost, however many lists there are between."""
    world = World(FaultRule(Fault.LOST_REQUEST, CREATE, nth=frozenset({2})))
    world.listed()
    world.book()
    world.listed()
    assert isinstance(world.book(start=SLOT + timedelta(hours=1)), LostRequest)
    assert status(world.book(start=SLOT + timedelta(hours=2))) == 201


@pytest.mark.parametrize(
    ("method", "target", "operation"),
    [
        ("POST", "/v2/bookings", Operation.CREATE),
        ("GET", "/v2/bookings?take=1", Operation.LIST),
        ("GET", "/v2/bookings/u", Operation.GET),
        ("POST", "/v2/bookings/u/cancel", Operation.CANCEL),
        ("POST", "/v2/bookings/u/reschedule", Operation.RESCHEDULE),
        ("POST", "/v2/bookings/u/confirm", Operation.CONFIRM),
        ("POST", "/v2/bookings/u/decline", Operation.DECLINE),
        ("GET", "/v2/slots?start=x", Operation.SLOTS),
        ("POST", "/v2/slots/reservations", Operation.RESERVE),
    ],
)
def test_every_operation_can_be_lost(method: str, target: str, operation: Operation) -> None:
    """Each is recognised by its method and path."""
    world = World(FaultRule(Fault.LOST_REQUEST, frozenset({operation})))
    assert isinstance(world.ask(method, target), LostRequest)


def test_other_requests_are_not_disturbed() -> None:
    """A plan for "any" means any of the operations."""
    assert status(World(rule(Fault.LOST_REQUEST)).ask("GET", "/v2/event-types")) == 200


def test_planted_rows_are_seen_by_readers_from_their_own_time() -> None:
    """A world that begins in the middle has a past for the replica too."""
    world = World(FaultRule(Fault.REPLICA_LAG, LIST))
    world.calendar.create(PLAIN, SLOT, Attendee("Old", "old@guest.example.test"))
    world.time += timedelta(seconds=5)
    assert world.listed() == ["uid-1"]
