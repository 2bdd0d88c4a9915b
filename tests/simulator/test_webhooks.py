"""Who hears of what: subscriptions, their API as recorded, and what a plan of faults makes of deliveries."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from einmal.simulator.calendar import Attendee, Changed, Created, SimulatedCalendar
from einmal.simulator.catalogue import recorded_event_types
from einmal.simulator.conditions import Conditions
from einmal.simulator.faults import FaultPlan
from einmal.simulator.faulty import FaultyCalcom
from einmal.simulator.webhooks import Delivery, Trigger
from einmal.simulator.wire import SimulatedCalcom

NOW = datetime(2026, 11, 21, 3, 4, tzinfo=UTC)
START = NOW + timedelta(days=7)
URL = "http://127.0.0.1:58080/hook"
SECRET = "whsec-local-0123456789"
ALL = ["BOOKING_CREATED", "BOOKING_REQUESTED", "BOOKING_CANCELLED", "BOOKING_RESCHEDULED", "BOOKING_REJECTED"]
KEYS = {"one": "u-plain", "nine": "rr2-h0", "three": "u-confirm"}
PLAIN, CONFIRM, SEATS, TEAM, COLLECTIVE, PHONE = 1, 3, 6, 9, 13, 14
JUERGEN = Attendee("Jürgen Groß", "juergen@guest.example.test")


def a_calcom(plan: str = "") -> FaultyCalcom:
    uids = iter(f"uid-{number}" for number in range(1000))
    calendar = SimulatedCalendar(recorded_event_types(), now=lambda: NOW, new_uid=lambda: next(uids))
    return FaultyCalcom(SimulatedCalcom(calendar, api_keys=KEYS, now=lambda: NOW), FaultPlan.from_toml(plan))


def booked(calcom: FaultyCalcom, event_type_id: int = PLAIN, who: Attendee = JUERGEN, **more: Any) -> str:
    outcome = calcom.calendar.create(event_type_id, START, who, **more)
    assert isinstance(outcome, Created)
    return outcome.booking.uid


def told(calcom: FaultyCalcom) -> list[str]:
    return [delivery.trigger.name for delivery in calcom.take_deliveries()]


def payload(delivery: Delivery) -> Any:
    return json.loads(delivery.body)["payload"]


# In process


def test_whoever_changes_a_booking_it_is_told() -> None:
    """A person's hand in the calendar's pages is heard of like a request."""
    calcom = a_calcom()
    calcom.subscribe(URL, SECRET)
    uid = booked(calcom, CONFIRM)
    calcom.calendar.accept(uid)
    moved = calcom.calendar.reschedule(uid, START + timedelta(hours=2), by_owner=True)
    assert isinstance(moved, Created)
    calcom.calendar.cancel(moved.booking.uid, "Krank")
    calcom.calendar.decline(booked(calcom, CONFIRM))
    assert told(calcom) == ["REQUESTED", "CREATED", "RESCHEDULED", "CANCELLED", "REQUESTED", "REJECTED"]


def test_deliveries_are_taken_once() -> None:
    """Whoever takes them has them; nothing waits without a subscription."""
    calcom = a_calcom()
    booked(calcom)
    assert calcom.take_deliveries() == ()
    calcom.subscribe(URL, SECRET)
    booked(calcom, CONFIRM)
    assert told(calcom) == ["REQUESTED"]
    assert calcom.take_deliveries() == ()


def test_only_the_wanted_triggers_are_told() -> None:
    """Of the event type that was named, and nothing of another."""
    calcom = a_calcom()
    calcom.subscribe(URL, SECRET, ["BOOKING_CANCELLED"], event_type_id=PLAIN)
    calcom.calendar.cancel(booked(calcom))
    calcom.calendar.cancel(booked(calcom, CONFIRM))
    assert [(one.trigger, one.uid) for one in calcom.take_deliveries()] == [(Trigger.CANCELLED, "uid-0")]


def test_everything_is_heard_by_a_subscription_made_in_process() -> None:
    """As if made by hand for user and team: also the event types for which a user's own would stay silent."""
    calcom = a_calcom()
    calcom.subscribe(URL, SECRET)
    calcom.calendar.webhooks.subscribe(URL, SECRET, account="rr2-h0")
    booked(calcom, TEAM)
    assert told(calcom) == ["CREATED"]


def test_two_cancels_at_once_are_told_twice() -> None:
    """Neither has seen the other."""
    calcom = a_calcom()
    uid = booked(calcom)
    calcom.subscribe(URL, SECRET)
    assert isinstance(calcom.calendar.cancel(uid), Changed)
    with calcom.calendar.under(Conditions(unseen=timedelta(seconds=1))):
        assert isinstance(calcom.calendar.cancel(uid), Changed)
    assert told(calcom) == ["CANCELLED", "CANCELLED"]


def test_a_cancel_is_told_before_it_is_written() -> None:
    """Whoever reads on hearing of it finds the booking as it was; the same goes for a list."""
    calcom = a_calcom()
    calcom.subscribe(URL, SECRET)
    uid = booked(calcom)
    made = calcom.take_deliveries()
    calcom.calendar.cancel(uid)

    def status() -> str:
        booking = calcom.calendar.read(uid)
        assert booking is not None
        return booking.status.value

    with calcom.calendar.before_written(made):
        assert status() == "cancelled"
    deliveries = calcom.take_deliveries()
    with calcom.calendar.before_written(deliveries), calcom.calendar.before_written(deliveries):
        assert status() == "accepted"
    assert status() == "cancelled"


def test_a_reset_forgets_the_subscriptions() -> None:
    """And what was under way to them."""
    calcom = a_calcom()
    calcom.subscribe(URL, SECRET)
    booked(calcom)
    calcom.reset()
    booked(calcom)
    assert calcom.take_deliveries() == ()


# What was not recorded, and must hold together all the same


def test_a_shared_booking_tells_of_each_guest() -> None:
    """Who takes a seat is told as a booking, and who gives it up as a cancel."""
    calcom = a_calcom()
    calcom.subscribe(URL, SECRET)
    uid = booked(calcom, SEATS)
    booked(calcom, SEATS, Attendee("Anna Weiß", "anna@guest.example.test"))
    booking = calcom.calendar.get(uid)
    assert booking is not None
    calcom.calendar.leave(uid, booking.seats[0].uid)
    first, second, left = calcom.take_deliveries()
    assert [one.trigger.name for one in (first, second, left)] == ["CREATED", "CREATED", "CANCELLED"]
    assert [one["name"] for one in payload(second)["attendees"]] == ["Jürgen Groß", "Anna Weiß"]
    assert payload(first)["seatsPerTimeSlot"] == 5


def test_all_that_was_said_is_told() -> None:
    """Phone, guests and the house's own questions."""
    calcom = a_calcom()
    calcom.subscribe(URL, SECRET)
    who = Attendee("Anna Weiß", "4930901820@sms.cal.com", "+4930901820", "Europe/Berlin", "de")
    uid = booked(calcom, PHONE, who, guests=("gast@guest.example.test",), responses={"wish": "kurz"})
    calcom.calendar.cancel(uid)
    made, ended = (payload(one) for one in calcom.take_deliveries())
    assert made["responses"]["attendeePhoneNumber"] == {
        "label": "phone_number",
        "value": "+4930901820",
        "isHidden": False,
    }
    assert made["userFieldsResponses"] == {"wish": {"label": "wish", "value": "kurz"}}
    assert [one["utcOffset"] for one in made["attendees"]] == [60, 60]
    assert made["attendees"][0]["language"] == {"locale": "de"}
    assert ended["attendees"][0]["phoneNumber"] == "+4930901820"
    assert ended["responses"]["guests"]["value"] == ["gast@guest.example.test"]


def test_a_team_that_comes_together_is_told_as_one() -> None:
    """The other hosts are members and no guests."""
    calcom = a_calcom()
    calcom.subscribe(URL, SECRET)
    booked(calcom, COLLECTIVE)
    (made,) = (payload(one) for one in calcom.take_deliveries())
    assert [one["name"] for one in made["team"]["members"]] == ["coll2-h1"]
    assert [one["name"] for one in made["attendees"]] == ["Jürgen Groß"]


def test_a_template_that_is_no_json_goes_as_a_form() -> None:
    """Its places are filled as far as there is something to fill them with."""
    calcom = a_calcom()
    ask(calcom, "POST", "/v2/webhooks", WANTED | {"payloadTemplate": "who={{attendees.0.name}}&no={{x.y}}"})
    booked(calcom)
    (sent,) = calcom.take_deliveries()
    assert sent.body.decode() == "who=Jürgen Groß&no="
    assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"


# The API

WANTED = {"active": True, "subscriberUrl": URL, "triggers": ALL, "secret": SECRET}


def ask(calcom: FaultyCalcom, method: str, path: str, body: object = None, key: str | None = "one") -> tuple[int, Any]:
    headers = {"cal-api-version": "2024-08-13", "content-type": "application/json"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    outcome = calcom.handle(method, path, headers, b"" if body is None else json.dumps(body).encode())
    answer = outcome.answer  # type: ignore[union-attr]  # no faults here
    return answer.status, json.loads(answer.body)


def shown(**changed: object) -> dict[str, object]:
    data = {"id": "00000000-0000-4000-8000-000000000001", "payloadTemplate": None, "triggers": ALL}
    return {**data, "subscriberUrl": URL, "active": True, "secret": SECRET, "userId": 1} | changed


def test_a_subscription_as_recorded() -> None:
    """It is shown with its secret, once for a URL, and listed."""
    calcom = a_calcom()
    assert ask(calcom, "POST", "/v2/webhooks", WANTED) == (201, {"status": "success", "data": shown()})
    status, again = ask(calcom, "POST", "/v2/webhooks", WANTED)
    assert (status, again["error"]["code"], again["error"]["message"]) == (
        409,
        "ConflictException",
        "Webhook with this subscriber url already exists for this user",
    )
    assert ask(calcom, "GET", "/v2/webhooks") == (200, {"status": "success", "data": [shown()]})
    assert ask(calcom, "GET", "/v2/webhooks", key="three")[1]["data"] == []
    status, unsigned = ask(calcom, "POST", "/v2/webhooks", {**WANTED, "subscriberUrl": f"{URL}2", "secret": None})
    assert (status, unsigned["data"]["secret"]) == (201, None)


def test_an_event_types_own_as_recorded() -> None:
    """By its owner; a team's is refused to its hosts."""
    calcom = a_calcom()
    status, made = ask(calcom, "POST", "/v2/event-types/1/webhooks", WANTED)
    expected = shown()
    del expected["userId"]
    assert (status, made["data"]) == (201, expected | {"eventTypeId": 1})
    assert ask(calcom, "GET", "/v2/event-types/1/webhooks")[1]["data"] == [made["data"]]
    assert ask(calcom, "GET", "/v2/webhooks")[1]["data"] == []
    status, refused = ask(calcom, "POST", "/v2/event-types/9/webhooks", WANTED, "nine")
    message = "IsUserEventTypeWebhookGuard - User (9) is not the owner of event type (9)"
    assert (status, refused["error"]["code"], refused["error"]["message"]) == (403, "ForbiddenException", message)
    assert ask(calcom, "POST", "/v2/event-types/77/webhooks", WANTED)[0] == 404
    assert ask(calcom, "POST", "/v2/event-types/x/webhooks", WANTED)[0] == 400


@pytest.mark.parametrize(
    ("changed", "field", "constraint"),
    [
        ({"triggers": ["NOPE"]}, "triggers", "each value in triggers must be one of the following values: BOOKING_CR"),
        ({"triggers": "BOOKING_CREATED"}, "triggers", "each value in triggers must be one of"),
        ({"active": "yes"}, "active", "active must be a boolean value"),
        ({"subscriberUrl": None}, "subscriberUrl", "subscriberUrl must be a string"),
        ({"secret": 7}, "secret", "secret must be a string"),
    ],
)
def test_what_is_wrong_with_a_subscription_is_said(changed: dict[str, object], field: str, constraint: str) -> None:
    """In Cal.com's details, which quote what was sent."""
    calcom = a_calcom()
    status, refused = ask(calcom, "POST", "/v2/webhooks", WANTED | changed)
    (error,) = refused["error"]["details"]["errors"]
    assert (status, refused["error"]["message"], error["property"]) == (400, "Bad Request Exception", field)
    assert error["constraints"][next(iter(error["constraints"]))].startswith(constraint)
    assert error["target"] == WANTED | changed
    assert calcom.calendar.webhooks.subscriptions == {}


def test_a_missing_field_is_named() -> None:
    """Each of those that are needed."""
    refused = ask(a_calcom(), "POST", "/v2/webhooks", {})[1]
    assert [one["property"] for one in refused["error"]["details"]["errors"]] == ["active", "subscriberUrl", "triggers"]


def test_one_is_read_changed_and_deleted() -> None:
    """By its owner; what is left out stays as it is, and null takes away."""
    calcom = a_calcom()
    one = ask(calcom, "POST", "/v2/webhooks", WANTED | {"payloadTemplate": "x"})[1]["data"]
    path = f"/v2/webhooks/{one['id']}"
    assert ask(calcom, "GET", path)[1]["data"] == one
    changed = ask(calcom, "PATCH", path, {"active": False, "payloadTemplate": None, "triggers": ALL[:1]})
    assert changed[1]["data"] == one | {"active": False, "payloadTemplate": None, "triggers": ALL[:1]}
    assert ask(calcom, "PATCH", path, {"triggers": ["NOPE"]})[0] == 400
    booked(calcom)
    assert calcom.take_deliveries() == ()
    assert ask(calcom, "DELETE", path, key="three")[0] == 403
    assert ask(calcom, "DELETE", path)[1]["data"]["id"] == one["id"]
    assert ask(calcom, "GET", path)[0] == 404


def test_webhooks_want_a_key() -> None:
    """None, and a wrong one."""
    assert ask(a_calcom(), "GET", "/v2/webhooks", key=None)[0] == 401
    assert ask(a_calcom(), "GET", "/v2/webhooks", key="wrong")[0] == 401


def test_an_event_type_says_whether_it_is_a_teams() -> None:
    """To those who may see it."""
    calcom = a_calcom()
    assert ask(calcom, "GET", "/v2/event-types/1")[1]["data"]["schedulingType"] is None
    team = ask(calcom, "GET", "/v2/event-types/9", key="nine")[1]["data"]
    assert (team["schedulingType"], type(team["teamId"])) == ("roundRobin", int)
    assert ask(calcom, "GET", "/v2/event-types/9")[0] == 404


# Faults


def faulted(fault: str) -> list[tuple[str, float]]:
    calcom = a_calcom(f'[[rule]]\nnth = 2\noperation = "webhook"\n{fault}')
    calcom.subscribe(URL, SECRET)
    uid = booked(calcom)
    calcom.calendar.cancel(uid)
    booked(calcom)
    return [(one.trigger.name, one.delay_seconds) for one in calcom.take_deliveries()]


def test_a_plan_loses_doubles_and_delays_webhooks() -> None:
    """It counts deliveries, whatever caused them; doubled are the very same bytes."""
    made, ended = ("CREATED", 0.0), ("CANCELLED", 0.0)
    assert faulted('fault = "lost_webhook"') == [made, made]
    assert faulted('fault = "doubled_webhook"') == [made, ended, ended, made]
    assert faulted('fault = "late_webhook"') == [made, ("CANCELLED", 30.0), made]
    late_twice = 'fault = "late_webhook"\ndelay_seconds = 2\n[[rule]]\nfault = "doubled_webhook"'
    assert faulted(late_twice) == [made, made, ("CANCELLED", 2.0), ("CANCELLED", 2.0), made, made]


def test_requests_are_not_disturbed_by_a_plan_for_webhooks() -> None:
    """And a plan for any request leaves webhooks alone."""
    calcom = a_calcom('[[rule]]\nfault = "lost_answer"')
    calcom.subscribe(URL, SECRET)
    booked(calcom)
    assert told(calcom) == ["CREATED"]
