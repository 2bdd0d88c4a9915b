"""What Cal.com's answers mean, and what we ask: by recorded bodies, by the table, and by arbitrary rubbish."""

import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from einmal.adapters.calcom.answers import BY_STATUS, TEXTS, Reading, read_answer
from einmal.adapters.calcom.transport import WireAnswer
from einmal.adapters.calcom.wire import UID_MAX, Unreadable, booking_body, booking_of, http_date, json_object
from einmal.domain.answer import Answer, AnswerKind, Landed
from einmal.domain.intent import Intent, State
from einmal.domain.keys import intent_key
from einmal.domain.model import Booking, BookingStatus, Person, Service, Wish

FIXTURES = Path(__file__).parents[1] / "simulator" / "fixtures"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
START = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
END = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)


def answer(status: int, body: Any = b"") -> WireAnswer:
    return WireAnswer(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode(), 0.2)


def read(status: int, body: Any = b"") -> Reading:
    return read_answer(answer(status, body))


def kind(status: int, body: Any = b"") -> AnswerKind:
    found, booking, _ = read(status, body)
    assert (booking is not None) == (found is AnswerKind.BOOKING)
    return found


def nest(message: str, code: str = "BadRequestException", status: int = 400) -> dict[str, Any]:
    """Body kind A: Nest's HttpException in Cal.com's envelope."""
    details = {"message": message, "error": "Bad Request", "statusCode": status}
    error = {"code": code, "message": message, "details": details}
    return {"status": "error", "timestamp": "2026-11-23T09:00:00.000Z", "path": "/v2/bookings", "error": error}


def bare(message: str, status: int) -> dict[str, Any]:
    """Body kind B: HttpError, without envelope."""
    return {"statusCode": status, "message": message}


def data(**change: Any) -> dict[str, Any]:
    """A booking's `data` as recorded, with what matters filled in."""
    recorded = json.loads((FIXTURES / "01_plain_same_email_twice.json").read_text("utf-8"))
    filled: dict[str, Any] = recorded["steps"][0]["expect"]["body"]["data"] | {
        "id": 4711,
        "uid": "5yJx2mQbVbS8nXEaXuBtTp",
        "start": "2026-12-01T09:00:00.000Z",
        "end": "2026-12-01T09:30:00.000Z",
        "createdAt": "2026-11-23T09:00:00.123Z",
        "metadata": {"call_id": "call_7d4d0c", "einmal_op": "o" * 32},
    }
    return {key: value for key, value in (filled | change).items() if value is not ...}


def booked(**change: Any) -> dict[str, Any]:
    return {"status": "success", "data": data(**change)}


# Recorded answers

DATES = {"<number>": 4711, "<moment>": "2026-11-23T09:00:00.000Z", "<text>": "text"}


def recorded() -> list[Any]:
    """Every answer to a POST that was recorded under our API version."""
    cases = []
    for path in sorted(FIXTURES.glob("*.json")):
        for number, step in enumerate(json.loads(path.read_text("utf-8"))["steps"]):
            ours = step.get("method") == "POST" and step.get("target") == "/v2/bookings"
            if ours and step.get("version") == "2024-08-13" and "body" in step["expect"]:
                expect = step["expect"]
                cases.append(pytest.param(expect["status"], expect["body"], id=f"{path.stem}-{number}"))
    return cases


RECORDED = recorded()
MEANINGS = (
    ("already has booking at this time or is not available", AnswerKind.CONFLICT),
    ("Attempting to book a meeting in the past.", AnswerKind.REFUSED),
    ("The event type can't be booked at the", AnswerKind.REFUSED),
    ("property is wrong", AnswerKind.REFUSED),
    ("email_validation_error", AnswerKind.REFUSED),
    ("error_required_field", AnswerKind.REFUSED),
    ("Expected string, received", AnswerKind.REFUSED),
    ("is not valid JSON", AnswerKind.REFUSED),
    ("Event type with id 999999 not found.", AnswerKind.REFUSED),
    ("Invalid API Key", AnswerKind.UNAUTHORISED),
    ("Can't specify 'lengthInMinutes'", AnswerKind.LOST),
    ("Booking location with type address not valid", AnswerKind.LOST),
    ("unsupported Unicode escape sequence", AnswerKind.LOST),
)
"""What each recorded refusal means, decided by hand and apart from the table under test."""


def filled(value: Any) -> Any:
    """A recorded body with its placeholders filled in."""
    if isinstance(value, dict):
        return {key: filled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item) for item in value]
    return DATES.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize(("status", "body"), [case for case in RECORDED if case.values[0] != 201])
def test_every_recorded_refusal_means_what_it_meant(status: int, body: dict[str, Any]) -> None:
    """Each refusal that Cal.com's own server gave is read as a person reads it."""
    message = body.get("error", body)["message"]
    (meant,) = {meaning for text, meaning in MEANINGS if text in message}
    assert kind(status, body) is meant


@pytest.mark.parametrize(("status", "body"), [case for case in RECORDED if case.values[0] == 201])
def test_every_recorded_booking_is_read(status: int, body: dict[str, Any]) -> None:
    """Each 201 that was written out in full is read to its booking; abbreviated ones are no bookings."""
    body = filled(body)
    found, booking, _ = read(status, body)
    whole = isinstance(body.get("data"), dict) and {"uid", "status", "start", "eventTypeId"} <= set(body["data"])
    assert found is (AnswerKind.BOOKING if whole else AnswerKind.LOST)
    if whole:
        assert isinstance(booking, Booking)
        assert (booking.uid, booking.status) == (body["data"]["uid"], body["data"]["status"])


def test_the_recordings_are_there() -> None:
    """Control for the two tests above: they saw many answers, and bookings written out in full among them."""
    whole = [case for case in RECORDED if case.values[0] == 201 and "start" in case.values[1].get("data", {})]
    assert len(RECORDED) > 60
    assert len(whole) > 10


# The table of refusals

CONFLICT, REFUSED, UNAUTHORISED = AnswerKind.CONFLICT, AnswerKind.REFUSED, AnswerKind.UNAUTHORISED
THROTTLED, LOST = AnswerKind.THROTTLED, AnswerKind.LOST
TOO_MANY = "CustomThrottlerGuard - Too many requests. Please try again later."


@pytest.mark.parametrize(
    ("status", "body", "meant"),
    [
        pytest.param(400, nest("no_available_users_found_error"), CONFLICT, id="no-available-users"),
        pytest.param(400, nest("booking_time_out_of_bounds_error"), REFUSED, id="out-of-bounds"),
        pytest.param(400, nest("Attempting to book a meeting in the past."), REFUSED, id="past"),
        pytest.param(400, nest("booker_limit_exceeded_error"), REFUSED, id="booker-limit"),
        pytest.param(400, nest("booker_limit_exceeded_error_reschedule"), REFUSED, id="booker-limit-reschedule"),
        pytest.param(409, bare("booking_conflict_error", 409), CONFLICT, id="race-lost-in-development"),
        pytest.param(
            400,
            nest("An error occurred while querying the database."),
            CONFLICT,
            id="race-lost-in-production",
        ),
        pytest.param(400, bare("booking_conflict_error", 400), CONFLICT, id="race-lost-as-400"),
        pytest.param(409, bare("already_signed_up_for_this_booking_error", 409), CONFLICT, id="seat-already-ours"),
        pytest.param(
            409,
            nest("No more seats left at this seated booking.", "ConflictException", 409),
            CONFLICT,
            id="seats-full",
        ),
        pytest.param(400, bare("email_verification_required", 400), LOST, id="email-verification"),
        pytest.param(400, bare("invalid_verification_code", 400), LOST, id="verification-code"),
        pytest.param(403, bare("Cannot use this email to create the booking", 403), UNAUTHORISED, id="blocked-email"),
        pytest.param(401, nest("Invalid API Key", "UnauthorizedException", 401), UNAUTHORISED, id="bad-key"),
        pytest.param(
            404, nest("Event type with id 9 not found.", "NotFoundException", 404), REFUSED, id="no-event-type"
        ),
        pytest.param(422, nest("no hosts", "UnprocessableEntityException", 422), REFUSED, id="no-hosts"),
        pytest.param(500, bare("fixed_hosts_unavailable_for_booking", 500), LOST, id="hosts-unavailable"),
        pytest.param(400, bare("Missing payment credentials", 400), LOST, id="payment-after-the-row-was-created"),
        pytest.param(400, nest("Missing payment credentials"), LOST, id="payment-in-the-envelope"),
        pytest.param(500, bare("Internal server error", 500), LOST, id="anything-else-thrown"),
        pytest.param(429, nest(TOO_MANY, "ThrottlerException", 429), THROTTLED, id="throttled"),
        pytest.param(429, nest(TOO_MANY, "HttpException", 429), LOST, id="429-of-another-code"),
        pytest.param(429, bare(TOO_MANY, 429), LOST, id="429-without-a-code"),
        pytest.param(429, b"<html>Too many requests</html>", LOST, id="429-of-a-proxy"),
        pytest.param(429, b"", LOST, id="429-without-a-body"),
        pytest.param(
            503, nest(TOO_MANY, "ThrottlerException", 429), LOST, id="the-throttles-body-under-another-status"
        ),
    ],
)
def test_the_table_of_refusals(status: int, body: Any, meant: AnswerKind) -> None:
    """Every cause of the fact sheet, in the body it comes in; what may have left a booking is never a no."""
    assert kind(status, body) is meant


@pytest.mark.parametrize(("text", "meant", "word"), TEXTS, ids=[text for text, _, _ in TEXTS])
@pytest.mark.parametrize("shape", [nest, lambda message: bare(message, 400)], ids=["envelope", "bare"])
def test_every_text_is_found_in_both_shapes_of_body(text: str, meant: AnswerKind, word: str, shape: Any) -> None:
    """Texts are looked for in the message of either body; what is found is told in a word of ours."""
    assert read(400, shape(f"{text} and more")) == (meant, None, word)


@pytest.mark.parametrize("text", [text for text, _, _ in TEXTS])
@pytest.mark.parametrize("status", [500, 502, 302, 418, 0])
def test_a_text_under_another_status_says_nothing(text: str, status: int) -> None:
    """English text is believed only where Cal.com leaves nothing else: in a 400."""
    assert kind(status, nest(text)) is LOST


def test_a_text_elsewhere_than_in_the_message_says_nothing() -> None:
    """What a caller could have written into a field is not taken for Cal.com's message."""
    echo = {"status": "error", "error": {"code": "X", "message": "odd", "details": {"name": TEXTS[0][0]}}}
    assert kind(400, echo) is LOST


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(nest("Something new in the next version"), id="unknown-message"),
        pytest.param({"status": "error"}, id="no-error"),
        pytest.param({"status": "error", "error": "text"}, id="error-is-text"),
        pytest.param({"status": "error", "error": {"message": ["already has booking"]}}, id="message-is-a-list"),
        pytest.param({"status": "error", "error": {}}, id="empty-error"),
        pytest.param([], id="array"),
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"error":{"message":"already has booki', id="cut-off"),
        pytest.param(b"<html>already has booking at this time or is not available</html>", id="html"),
    ],
)
def test_an_unknown_400_may_have_landed(body: Any) -> None:
    """Unknown means MAYBE: it is looked up, never told as a no."""
    assert read(400, body) == (LOST, None, "unknown_400")


@pytest.mark.parametrize("status", [402, 406, 408, 410, 418, 423, 425, 426, 428, 431, 451, 499])
@pytest.mark.parametrize("body", [b"", nest("no"), booked()], ids=["empty", "error", "booking"])
def test_an_unknown_4xx_may_have_landed(status: int, body: Any) -> None:
    """No status that Cal.com was never seen to give is taken for a no."""
    assert read(status, body) == (LOST, None, f"http_{status}")


@pytest.mark.parametrize(
    "status", [100, 101, 202, 204, 206, 300, 301, 302, 303, 304, 307, 308, 500, 502, 503, 504, 599]
)
@pytest.mark.parametrize("body", [b"", nest("no"), booked()], ids=["empty", "error", "booking"])
def test_redirects_server_errors_and_odd_successes_may_have_landed(status: int, body: Any) -> None:
    """Whatever they carry: nothing is believed, nothing is excluded."""
    assert read(status, body) == (LOST, None, f"http_{status}")


def test_what_is_sure_by_status_needs_no_body() -> None:
    """The statuses of the table mean the same under any body."""
    for status, (meant, word) in BY_STATUS.items():
        for body in (b"", b"<html>", nest("Missing payment credentials"), booked()):
            assert read(status, body) == (meant, None, word)


def test_only_what_is_sure_counts_as_not_landed() -> None:
    """A no is what Cal.com refused before it wrote; a conflict may be our own booking."""
    assert Answer(kind(409)).landed is Landed.MAYBE
    assert Answer(kind(500)).landed is Landed.MAYBE
    assert Answer(kind(404)).landed is Landed.NO
    assert Answer(kind(201, booked())).landed is Landed.YES


# Bookings


def test_a_booking_is_read_field_by_field() -> None:
    """The recorded shape, with the fields that judging needs."""
    assert booking_of(data()) == Booking(
        uid="5yJx2mQbVbS8nXEaXuBtTp",
        status=BookingStatus.ACCEPTED,
        start=START,
        end=END,
        event_type_id=1,
        created_at=datetime(2026, 11, 23, 9, 0, 0, 123000, tzinfo=UTC),
        metadata={"call_id": "call_7d4d0c", "einmal_op": "o" * 32},
        attendee_emails=("ann@guest.example.test",),
        attendee_name="Guest One",
        host_name="u-plain",
    )


@pytest.mark.parametrize("status", [200, 201])
def test_a_success_with_a_booking_is_a_booking(status: int) -> None:
    """201, and 200 as well."""
    assert kind(status, booked()) is AnswerKind.BOOKING


@pytest.mark.parametrize(
    ("body", "word"),
    [
        pytest.param(b"", "not_json", id="nothing"),
        pytest.param(b"<html>OK</html>", "not_json", id="html"),
        pytest.param(json.dumps(booked()).encode()[:-5], "not_json", id="cut-off"),
        pytest.param(json.dumps(booked()).encode() + b"}", "not_json", id="too-much"),
        pytest.param(b'{"data":"\xff"}', "not_json", id="no-utf-8"),
        pytest.param(b"[" * 100_000, "not_json", id="endless-depth"),
        pytest.param([booked()], "no_object", id="array"),
        pytest.param(b"null", "no_object", id="null"),
        pytest.param({}, "no_booking", id="empty"),
        pytest.param({"status": "success", "data": [data()]}, "no_booking", id="recurring-data-is-an-array"),
        pytest.param({"status": "success", "data": None}, "no_booking", id="data-is-null"),
        pytest.param(data(), "no_booking", id="booking-without-envelope"),
        *(
            pytest.param(booked(uid=uid), "uid", id=f"uid-{name}")
            for name, uid in (
                ("missing", ...),
                ("null", None),
                ("number", 7),
                ("empty", ""),
                ("long", "x" * (UID_MAX + 1)),
            )
        ),
        *(
            pytest.param(booked(eventTypeId=event_type, eventType=...), "event_type", id=f"event-type-{name}")
            for name, event_type in (("missing", ...), ("null", None), ("text", "1"), ("truth", True), ("half", 1.5))
        ),
        pytest.param(booked(eventTypeId=..., eventType={"id": "1"}), "event_type", id="event-type-object-odd"),
        *(
            pytest.param(booked(status=status), "status", id=f"status-{status}")
            for status in (..., None, "", "confirmed", "accepted ", 1, ["accepted"])
        ),
        *(
            pytest.param(booked(start=start), "start", id=f"start-{name}")
            for name, start in (
                *(("missing", ...), ("null", None), ("number", 1796115600), ("day", "2026-12-01"), ("word", "soon")),
                *(("no-such-day", "2026-02-30T09:00:00Z"), ("tail", "2026-12-01T09:00:00 or later")),
            )
        ),
    ],
)
def test_a_success_that_cannot_be_read_may_have_landed(body: Any, word: str) -> None:
    """A 201 without a booking that can be read is neither yes nor no; what was odd is said in a word."""
    assert read(201, body) == (LOST, None, f"unreadable_{word}")


@pytest.mark.parametrize("status", ["accepted", "ACCEPTED", "Pending", "cancelled", "rejected"])
def test_every_status_is_read(status: str) -> None:
    """Lower case as API v2 writes it, upper case as the database does."""
    assert booking_of(data(status=status)).status is BookingStatus(status.lower())


def test_the_longest_uid_is_still_one() -> None:
    """The border of the length is inside."""
    assert booking_of(data(uid="x" * UID_MAX)).uid == "x" * UID_MAX


def test_the_event_type_is_found_in_the_newer_place_too() -> None:
    """`eventTypeId` is deprecated; where it is gone, `eventType.id` is read."""
    assert booking_of(data(eventTypeId=..., eventType={"id": 7, "slug": "x"})).event_type_id == 7


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-12-01T09:00:00.000Z", START),
        ("2026-12-01T09:00:00Z", START),
        ("2026-12-01T10:00:00+01:00", START),
        ("2026-12-01T09:00:00", START),
        ("2026-12-01T04:00:00.5-05:00", START + timedelta(milliseconds=500)),
    ],
)
def test_an_instant_is_read_with_its_offset(text: str, instant: datetime) -> None:
    """Instants are compared, never text; what names no zone is UTC, as Cal.com has it."""
    assert booking_of(data(start=text)).start == instant


@pytest.mark.parametrize("odd", [..., None, "", "yesterday", 1764000000, "2026-13-01T00:00:00Z", "2026-11-23", [], {}])
def test_an_odd_birth_is_no_evidence(odd: Any) -> None:
    """A `createdAt` that is missing or nonsense makes the booking ageless, not unreadable."""
    assert booking_of(data(createdAt=odd)) == replace(booking_of(data()), created_at=None)


@pytest.mark.parametrize("odd", [..., None, "", 7])
def test_an_odd_end_is_no_end(odd: Any) -> None:
    """Nothing hangs on the end: without one the booking is read all the same."""
    assert booking_of(data(end=odd)).end is None


def test_metadata_that_is_no_text_is_dropped() -> None:
    """Only text can be an id; a number that looks like ours is not ours."""
    odd = {"call_id": 7, "einmal_op": None, "a": ["x"], "b": {"c": "d"}, "e": True, "f": "text", "": "empty"}
    assert booking_of(data(metadata=odd)).metadata == {"f": "text", "": "empty"}


@pytest.mark.parametrize("odd", [..., None, [], "call_id=call_7d4d0c", [["call_id", "call_7d4d0c"]], 7])
def test_metadata_of_another_shape_is_none(odd: Any) -> None:
    """Whatever is no object holds no ids."""
    assert booking_of(data(metadata=odd)).metadata == {}


@pytest.mark.parametrize(
    ("attendees", "emails", "name"),
    [
        ([{"name": "A", "email": "a@x.test"}, {"name": "B", "email": "b@x.test"}], ("a@x.test", "b@x.test"), "A"),
        ([{"name": 7, "email": None}, {"email": "b@x.test"}], ("b@x.test",), None),
        ([None, "a@x.test", 7], (), None),
        ({}, (), None),
        (..., (), None),
    ],
    ids=["two", "odd-values", "odd-rows", "no-list", "missing"],
)
def test_attendees_are_read_as_far_as_they_are_attendees(attendees: Any, emails: tuple[str, ...], name: str) -> None:
    """Odd rows and values are passed over; they break nothing."""
    booking = booking_of(data(attendees=attendees))
    assert (booking.attendee_emails, booking.attendee_name) == (emails, name)


@pytest.mark.parametrize("hosts", [..., None, [], [None], [{"name": None}], "u-plain"])
def test_a_booking_without_a_host_has_none(hosts: Any) -> None:
    """Hosts of another shape are no hosts."""
    assert booking_of(data(hosts=hosts)).host_name is None


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("Mon, 23 Nov 2026 09:00:00 GMT", NOW),
        ("Mon, 23 Nov 2026 10:00:00 +0100", NOW),
        ("Mon, 23 Nov 2026 09:00:00 -0000", NOW),
        (None, None),
        ("", None),
        ("now", None),
        ("Mon, 99 Nov 2026 09:00:00 GMT", None),
        ("2026-11-23T09:00:00Z", None),
        ("\udcff", None),
    ],
)
def test_the_date_header_is_read_or_ignored(text: str | None, instant: datetime | None) -> None:
    """The calendar's own clock where it tells the time; nothing where it does not."""
    assert http_date(text) == instant


# Rubbish

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
STATUSES = st.integers(100, 599) | st.sampled_from([200, 201, 400, 409, 429])
ODD_TIMES = st.sampled_from(
    ["2026-12-01T09:00:00.000Z", "2026-12-01T09:00:00+01:00", "2026-12-01T99:00:00Z"]
) | st.from_regex(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}.{0,6}", fullmatch=True)
DATA_KEYS = ("uid", "status", "start", "end", "createdAt", "eventTypeId", "eventType", "metadata", "attendees", "hosts")
MUTATIONS = st.dictionaries(st.sampled_from(DATA_KEYS), st.just(...) | JSON | ODD_TIMES, max_size=4)


@given(status=STATUSES, body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_arbitrary_answers_are_never_a_booking(status: int, body: bytes) -> None:
    """Whatever comes back, reading it neither raises nor makes a booking out of nothing."""
    found, booking, word = read(status, body)
    assert found is not AnswerKind.BOOKING
    assert booking is None
    assert word.isascii()
    assert len(word) < 40


@given(status=STATUSES, change=MUTATIONS)
def test_a_mutilated_booking_is_whole_or_lost(status: int, change: dict[str, Any]) -> None:
    """A booking with odd fields is read with an uid, a start and a status, or it may have landed."""
    found, booking, _ = read(status, booked(**change))
    if found is AnswerKind.BOOKING:
        assert status in {200, 201}
        assert isinstance(booking, Booking)
        assert booking.uid
        assert booking.start.utcoffset() == timedelta(0)
        assert all(isinstance(value, str) for value in booking.metadata.values())
    else:
        assert booking is None
        assert found is LOST or status not in {200, 201}


@given(body=st.binary(max_size=100))
def test_json_object_is_an_object_or_unreadable(body: bytes) -> None:
    """Arbitrary bytes are an object or Unreadable, nothing else."""
    with contextlib.suppress(Unreadable):
        assert isinstance(json_object(body), dict)


# What we ask

SERVICE = Service("beratung", "Beratung", 42, 30)


def intent(call_id: str | None = "call_7d4d0c", phone: str | None = None, **change: Any) -> Intent:
    wish = Wish("salon", call_id, SERVICE, START.astimezone(), Person("Jürgen Groß", phone))
    made = Intent(
        intent_id="int-1",
        operation_id="o" * 32,
        key=intent_key(wish, b"key"),
        generation=1,
        wish=wish,
        attendee_email="termin+oooo@salon.test",
        state=State.SENT,
        epoch=0,
        created_at=NOW,
        sent_at=NOW,
        send_deadline=NOW + timedelta(seconds=10),
    )
    return replace(made, **change)


def asked(made: Intent) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(booking_body(made, "Europe/Berlin", "de"))
    return body


def test_the_body_of_a_booking_is_what_cal_com_takes() -> None:
    """These fields and no others: an unknown one would be refused."""
    assert asked(intent()) == {
        "start": "2026-12-01T09:00:00Z",
        "eventTypeId": 42,
        "attendee": {
            "name": "Jürgen Groß",
            "email": "termin+oooo@salon.test",
            "timeZone": "Europe/Berlin",
            "language": "de",
        },
        "metadata": {"einmal_op": "o" * 32, "call_id": "call_7d4d0c"},
    }


def test_a_known_phone_is_sent_in_its_one_form() -> None:
    """With a phone the attendee carries it; without one there is no such field, not an empty one."""
    assert asked(intent(phone="+493012345678"))["attendee"]["phoneNumber"] == "+493012345678"
    assert "phoneNumber" not in asked(intent())["attendee"]


def test_a_wish_without_a_call_carries_no_call_id() -> None:
    """No conversation, no key: null would be refused."""
    assert asked(intent(call_id=None))["metadata"] == {"einmal_op": "o" * 32}


@example(call_id="c" * 501)
@given(call_id=st.none() | st.text(min_size=1, max_size=600))
def test_metadata_is_always_what_cal_com_takes(call_id: str | None) -> None:
    """All values are text of at most 500 letters, and our own id is always among them."""
    metadata = asked(intent(call_id=call_id))["metadata"]
    assert metadata["einmal_op"] == "o" * 32
    assert all(isinstance(value, str) and len(value) <= 500 for value in metadata.values())


def test_umlauts_go_out_as_they_are() -> None:
    """UTF-8, not escapes."""
    assert "Jürgen Groß".encode() in booking_body(intent(), "Europe/Berlin", "de")
