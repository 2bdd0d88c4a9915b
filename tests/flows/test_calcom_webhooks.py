"""Cal.com's webhooks: through the HTTP application, into the inbox, and what the worker makes of them.

On real SQLite, before a simulated Cal.com that tells of every change as the recorded one does.
"""

import hashlib
import hmac
import json
import random
from collections.abc import Iterable
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.domain.facts import Drifted, Noticed
from einmal.entrypoints.http.app import create_app
from einmal.simulator.asgi import HttpAnswer, request
from einmal.simulator.calendar import BookingStatus
from einmal.simulator.catalogue import recorded_event_types
from einmal.simulator.records import Attendee, EventType, Scheduling
from einmal.simulator.webhooks import Delivery
from support.world import World, world

PATH = "/api/webhooks/calcom"
SECRET = "whsec-of-the-salon"
HOSTS = recorded_event_types()[0].hosts
ON_REQUEST = (EventType(202, "request", "Beratung", 30, HOSTS, Scheduling.INDIVIDUAL, requires_confirmation=True),)
SOON = timedelta(seconds=2)
WISH = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Jürgen Groß", "dienstleistung": "Beratung"}
GUEST = Attendee("Greta Gast", "greta@gast.test")


@pytest.fixture
async def salon(tmp_path: Path) -> Any:
    async with world(tmp_path, EINMAL_CALCOM_WEBHOOK_SECRET=SECRET) as made:
        made.calcom.subscribe(f"http://gateway.test{PATH}", SECRET)
        yield made


@pytest.fixture
async def on_request(tmp_path: Path) -> Any:
    async with world(tmp_path, event_types=ON_REQUEST, EINMAL_CALCOM_WEBHOOK_SECRET=SECRET) as made:
        made.calcom.subscribe(f"http://gateway.test{PATH}", SECRET)
        yield made


def signed(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def post(salon: World, body: bytes, signature: str | None, path: str = PATH) -> HttpAnswer:
    headers = {} if signature is None else {"X-Cal-Signature-256": signature}
    return await request(create_app(salon.gateway), "POST", path, body, headers=headers)


async def carried(salon: World, deliveries: Iterable[Delivery] | None = None) -> list[dict[str, Any]]:
    """What Cal.com has told is brought to the gateway; the answers."""
    taken = salon.calcom.take_deliveries() if deliveries is None else deliveries
    answers = [await post(salon, one.body, one.headers["X-Cal-Signature-256"]) for one in taken]
    assert {answer.status for answer in answers} <= {200}
    return [answer.json for answer in answers]


async def worked(salon: World, turns: int = 1) -> None:
    for _ in range(turns):
        salon.clock.pass_time(SOON)
        await salon.gateway.worker.turn()


def only_booking(salon: World) -> str:
    (booking,) = salon.calendar.bookings
    return booking.uid


def inbox(salon: World) -> list[tuple[Any, ...]]:
    return salon.rows("SELECT event, times, outcome FROM inbox ORDER BY received_at, inbox_id")


# At the door ---------------------------------------------------------------------------------------------------------


async def test_its_own_booking_is_known(salon: World) -> None:
    """Of what we booked, and it is handled once, with what was told kept beside the appointment."""
    await salon.call()
    assert await carried(salon) == [{"status": "ok"}]
    await worked(salon)
    assert inbox(salon) == [("BOOKING_CREATED", 1, "as_known")]
    ((kept, confirmed_at),) = salon.rows("SELECT webhook_data, confirmed_at FROM appointments")
    assert confirmed_at is not None
    told = json.loads(kept)
    assert (told["event"], told["uids"]) == ("BOOKING_CREATED", [only_booking(salon)])


async def test_what_is_kept_of_it_names_nobody(salon: World) -> None:
    """Ids and times; the payload has the attendee's name, address and answers."""
    await salon.call(telefon="0171 2345678", email="anna@gast.test")
    (delivery,) = salon.calcom.take_deliveries()
    assert b"anna@gast.test" in delivery.body
    await carried(salon, [delivery])
    await worked(salon)
    kept = str(salon.rows("SELECT i.data, a.webhook_data FROM inbox i, appointments a"))
    assert not any(private in kept for private in ("anna@", "Groß", "2345678", "salon@host"))


async def test_anothers_booking_is_unknown_and_acknowledged(salon: World) -> None:
    """Of what somebody booked at the counter: 200, and nothing changes."""
    salon.calendar.create(101, salon.clock.now() + timedelta(days=1), GUEST)
    assert await carried(salon) == [{"status": "unknown_booking"}]
    await worked(salon)
    assert inbox(salon) == [("BOOKING_CREATED", 1, "unknown_booking")]
    assert salon.states() == []


@pytest.mark.parametrize("path", [f"{PATH}/booking-created", f"{PATH}/booking-cancelled"])
async def test_the_paths_of_old(salon: World, path: str) -> None:
    """What happened stands in the body, whichever of them it comes to."""
    await salon.call()
    (delivery,) = salon.calcom.take_deliveries()
    answer = await post(salon, delivery.body, delivery.headers["X-Cal-Signature-256"], path)
    assert (answer.status, answer.json) == (200, {"status": "ok"})


async def test_told_twice_it_is_one_row_handled_once(salon: World) -> None:
    """Acknowledged as often as it comes."""
    await salon.call()
    (delivery,) = salon.calcom.take_deliveries()
    assert await carried(salon, [delivery] * 3) == [{"status": "ok"}] * 3
    await worked(salon)
    assert await carried(salon, [delivery]) == [{"status": "ok"}]
    await worked(salon)
    assert inbox(salon) == [("BOOKING_CREATED", 4, "as_known")]
    outcomes = [fact.outcome for fact in salon.observer.facts if isinstance(fact, Noticed)]
    assert sorted(outcomes) == ["as_known"] + 4 * ["received"]


async def test_a_ping_is_answered_and_not_kept(salon: World) -> None:
    body = b'{"triggerEvent":"PING","createdAt":"2026-11-23T09:00:00.000Z","payload":{}}'
    answer = await post(salon, body, signed(body))
    assert (answer.status, answer.json) == (200, {"status": "pong"})
    assert inbox(salon) == []


BODY = b'{"triggerEvent":"BOOKING_CANCELLED","createdAt":"2026-11-23T09:00:00.000Z","payload":{"uid":"abc"}}'


@pytest.mark.parametrize(
    ("signature", "error"),
    [
        (None, "signature_missing"),
        ("no-secret-provided", "signature_unsigned"),
        ("", "signature_malformed"),
        (signed(BODY).upper(), "signature_malformed"),
        (f"sha256={signed(BODY)}", "signature_malformed"),
        (f" {signed(BODY)}", "signature_malformed"),
        (signed(BODY)[:-1], "signature_malformed"),
        (signed(BODY, "whsec-of-another"), "signature_wrong"),
        (signed(BODY + b" "), "signature_wrong"),
        (signed(BODY, ""), "signature_wrong"),
        ("０" * 64, "signature_malformed"),
        ("0" * 64, "signature_wrong"),
    ],
)
async def test_what_is_not_signed_changes_nothing(salon: World, signature: str | None, error: str) -> None:
    """401, and not a row."""
    encoded = None if signature is None else signature.encode().decode("latin-1")
    answer = await post(salon, BODY, encoded)
    assert (answer.status, answer.json["error"]) == (401, error)
    assert inbox(salon) == []


async def test_control_the_same_body_signed_is_taken(salon: World) -> None:
    assert (await post(salon, BODY, signed(BODY))).status == 200
    assert [row[0] for row in inbox(salon)] == ["BOOKING_CANCELLED"]


async def test_a_forged_cancellation_changes_nothing(salon: World) -> None:
    """Even signed: the booking is read, and it stands."""
    await salon.call()
    salon.calcom.take_deliveries()
    body = json.dumps({"triggerEvent": "BOOKING_CANCELLED", "payload": {"uid": only_booking(salon)}}).encode()
    assert (await post(salon, body, signed(body))).json == {"status": "ok"}
    for pause in (2, 3, 6, 21, 91, 601):
        salon.clock.pass_time(timedelta(seconds=pause))
        await salon.gateway.worker.turn()
    assert salon.states() == ["confirmed"]
    assert inbox(salon) == [("BOOKING_CANCELLED", 1, "not_seen")]


async def test_without_a_secret_nothing_is_taken(tmp_path: Path) -> None:
    """On loopback neither; the message says what to set."""
    async with world(tmp_path) as made:
        answer = await post(made, BODY, signed(BODY))
        assert (answer.status, answer.json["error"]) == (401, "no_secret")
        assert "EINMAL_CALCOM_WEBHOOK_SECRET" in answer.json["message"]
        assert inbox(made) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"payload":{}}', b'{"triggerEvent":7}', b"\xff\xfe"])
async def test_what_is_no_webhook_is_422(salon: World, body: bytes) -> None:
    answer = await post(salon, body, signed(body))
    assert (answer.status, answer.json["error"]) == (422, "bad_webhook")
    assert inbox(salon) == []


async def test_a_ledger_that_cannot_keep_it_says_so(salon: World) -> None:
    """503: who sends again, sends again."""
    salon.rows("ALTER TABLE inbox RENAME TO gone")
    assert (await post(salon, BODY, signed(BODY))).status == 503


# What follows --------------------------------------------------------------------------------------------------------


async def test_a_cancellation_by_staff_is_taken_up(salon: World) -> None:
    await salon.call()
    await carried(salon)
    salon.calendar.cancel(only_booking(salon), "krank")
    assert await carried(salon) == [{"status": "ok"}]
    await worked(salon)
    assert salon.states() == ["cancelled"]
    assert salon.rows("SELECT status FROM appointments") == [("cancelled",)]
    assert [fact.drift.mended for fact in salon.observer.facts if isinstance(fact, Drifted)] == [True]


async def test_it_is_told_before_it_is_written(salon: World) -> None:
    """A cancelled booking reads as it was for as long as Cal.com waits for us; it is read again."""
    await salon.call()
    await carried(salon)
    salon.calendar.cancel(only_booking(salon), "krank")
    deliveries = salon.calcom.take_deliveries()
    with salon.calendar.before_written(deliveries):
        await carried(salon, deliveries)
        await worked(salon)
        assert salon.states() == ["confirmed"]
    await worked(salon, turns=3)
    assert salon.states() == ["cancelled"]
    assert [row[2] for row in inbox(salon)] == ["as_known", "mended"]


async def test_a_move_by_staff_is_taken_up(salon: World) -> None:
    """The chain is kept; the caller is told the new time."""
    await salon.call()
    uid = only_booking(salon)
    (booking,) = salon.calendar.bookings
    salon.calcom.take_deliveries()
    salon.calendar.reschedule(uid, booking.start + timedelta(hours=2), by_owner=True)
    assert await carried(salon) == [{"status": "ok"}]
    await worked(salon)
    assert salon.states() == ["moved", "confirmed"]
    assert salon.rows("SELECT kind, state FROM changes") == [("move", "done")]


async def test_a_host_who_accepts_confirms_it(on_request: World) -> None:
    """BOOKING_CREATED lacks our metadata then (recorded): the booking is known by its uid."""
    await on_request.call()
    assert on_request.states() == ["pending"]
    assert await carried(on_request) == [{"status": "ok"}]
    on_request.calendar.accept(only_booking(on_request))
    assert await carried(on_request) == [{"status": "ok"}]
    await worked(on_request)
    assert on_request.states() == ["confirmed"]
    assert on_request.rows("SELECT confirmed_at IS NOT NULL FROM appointments") == [(1,)]


async def test_a_host_who_declines(on_request: World) -> None:
    await on_request.call()
    on_request.calendar.decline(only_booking(on_request), "voll")
    await carried(on_request)
    await worked(on_request)
    assert on_request.states() == ["declined"]


async def test_the_customers_confirmation_is_due_once(salon: World) -> None:
    """However often Cal.com tells that it made the booking."""
    await salon.call()
    (delivery,) = salon.calcom.take_deliveries()
    later = delivery.body.replace(b'"createdAt":"2026', b'"createdAt":"2025', 1)
    assert later != delivery.body
    await carried(salon, [delivery])
    assert (await post(salon, later, signed(later))).status == 200
    await worked(salon, turns=2)
    assert [row[0] for row in inbox(salon)] == ["BOOKING_CREATED"] * 2
    assert salon.rows("SELECT kind FROM outbox") == [("confirmed",)]


async def test_nothing_is_confirmed_that_waits_for_its_host(on_request: World) -> None:
    await on_request.call()
    await carried(on_request)
    await worked(on_request)
    assert on_request.rows("SELECT kind FROM outbox") == []


async def test_a_webhook_before_our_201_ends_nothing_and_loses_nothing(salon: World) -> None:
    """It comes while the POST is still open: the sender concludes by its own answer."""
    seen: list[dict[str, Any]] = []

    async def answered(wire: WireRequest) -> WireAnswer:
        answer = await salon.tap.inner.send(wire)
        seen.extend(await carried(salon))
        await worked(salon)
        return answer

    salon.tap.on_post = answered
    assert (await salon.call())["status"] == "booked"
    assert seen == [{"status": "ok"}]
    assert salon.states() == ["confirmed"]
    assert inbox(salon) == [("BOOKING_CREATED", 1, None)]
    await worked(salon, turns=3)
    assert inbox(salon) == [("BOOKING_CREATED", 1, "as_known")]
    assert salon.rows("SELECT kind FROM outbox") == [("confirmed",)]


async def test_a_lost_answer_is_found_by_its_webhook(salon: World) -> None:
    """The doubt ends with the read that the webhook gives reason to, before recovery has looked."""

    async def lost(wire: WireRequest) -> WireAnswer:
        answer = await salon.tap.inner.send(wire)
        return WireAnswer(502, {}, b"", answer.elapsed_seconds)

    async def blind(_: WireRequest) -> WireAnswer:
        return WireAnswer(503, {}, b"", 0.0)

    salon.tap.on_post, salon.tap.on_get = lost, blind
    assert (await salon.call())["status"] == "in_doubt"
    salon.tap.on_get = None
    salon.rows("UPDATE intents SET look_at = '2026-11-23T20:00:00.000Z'")
    assert await carried(salon) == [{"status": "ok"}]
    await worked(salon)
    assert salon.states() == ["confirmed"]


async def test_what_was_free_a_moment_ago_is_forgotten(salon: World) -> None:
    """A webhook drops the slots that were looked up: the next offer knows of the booking at the counter."""
    wish = {"datum": "2026-12-01", "uhrzeit": "10:00", "dienstleistung": "Beratung"}
    assert (await salon.ask("check_availability", **wish))["status"] == "available"
    start = salon.clock.now().replace(hour=9, minute=0) + timedelta(days=8)
    salon.calendar.create(101, start, GUEST)
    salon.clock.pass_time(timedelta(seconds=3))
    assert (await salon.ask("check_availability", **wish))["status"] == "available", "control: it is still kept"
    await carried(salon)
    assert (await salon.ask("check_availability", **wish))["status"] == "unavailable"


async def test_a_calendar_that_is_down_is_asked_again(salon: World) -> None:
    await salon.call()
    await carried(salon)
    await worked(salon)
    salon.calendar.cancel(only_booking(salon), "")

    async def down(_: WireRequest) -> WireAnswer:
        return WireAnswer(503, {}, b"", 0.0)

    salon.tap.on_get = down
    await carried(salon)
    await worked(salon)
    assert salon.states() == ["confirmed"]
    salon.tap.on_get = None
    await worked(salon, turns=3)
    assert salon.states() == ["cancelled"]


async def test_a_move_that_a_replica_does_not_show_yet_is_read_again(salon: World) -> None:
    """It is told of under its new uid, and a reader that lags knows none such."""
    await salon.call()
    uid, (booking,) = only_booking(salon), salon.calendar.bookings
    salon.calcom.take_deliveries()
    salon.calendar.reschedule(uid, booking.start + timedelta(hours=2), by_owner=True)

    async def lagging(_: WireRequest) -> WireAnswer:
        return WireAnswer(404, {}, b"{}", 0.0)

    salon.tap.on_get = lagging
    await carried(salon)
    await worked(salon)
    assert salon.states() == ["confirmed"]
    salon.tap.on_get = None
    await worked(salon, turns=3)
    assert salon.states() == ["moved", "confirmed"]


async def test_many_at_once_about_one_booking_are_one_read(salon: World) -> None:
    await salon.call()
    await carried(salon)
    await worked(salon)
    uid = only_booking(salon)
    for number in range(8):
        body = json.dumps({"triggerEvent": "BOOKING_REQUESTED", "n": number, "payload": {"uid": uid}}).encode()
        assert (await post(salon, body, signed(body))).json == {"status": "ok"}
    before = len(salon.tap.requests)
    await worked(salon)
    assert [request.target for request in salon.tap.requests[before:]] == [f"/v2/bookings/{uid}"]
    assert len(inbox(salon)) == 9


async def test_what_is_long_handled_is_forgotten(salon: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("einmal.flows.notices.PRUNED_EVERY_SECONDS", 0)
    await salon.call()
    await carried(salon)
    await worked(salon)
    salon.clock.pass_time(timedelta(days=29))
    await salon.gateway.worker.turn()
    assert len(inbox(salon)) == 1
    salon.clock.pass_time(timedelta(days=2))
    await salon.gateway.worker.turn()
    assert inbox(salon) == []


# I13 -----------------------------------------------------------------------------------------------------------------


async def _end(folder: Path, order: list[int], *, reconciled: bool) -> tuple[list[str], list[tuple[Any, ...]]]:
    """A story of one salon, of which the webhooks come in this order: the states in the end, and what differs."""
    quiet = {"EINMAL_RECONCILE_SECONDS": "0", "EINMAL_VERIFY_SECONDS": "0"}
    async with world(folder, event_types=ON_REQUEST, EINMAL_CALCOM_WEBHOOK_SECRET=SECRET, **quiet) as made:
        made.calcom.subscribe(f"http://gateway.test{PATH}", SECRET)
        await made.call("call_one")
        first = only_booking(made)
        other = {"call_id": "call_two", "from_number": "anonymous"}
        await made.ask("book_appointment", other, **(WISH | {"name": "Anna Weiß", "uhrzeit": "11:00"}))
        second = next(one.uid for one in made.calendar.bookings if one.uid != first)
        made.calendar.accept(first)
        made.calendar.cancel(first, "")
        made.calendar.accept(second)
        made.calendar.reschedule(second, made.calendar.get(second).start + timedelta(hours=2), by_owner=True)  # type: ignore[union-attr]
        told = made.calcom.take_deliveries()
        assert len(told) == 6
        await carried(made, [told[number] for number in order])
        await worked(made, turns=3)
        if reconciled:
            back = made.gateway.tenancies.sole.behind.reconciliation
            assert back is not None
            run = await back.begin()
            while run is not None and run.ended_at is None:
                run, _ = await back.step(run)
        assert [b.status for b in made.calendar.bookings if b.status is BookingStatus.ACCEPTED] == [
            BookingStatus.ACCEPTED
        ]
        return made.states(), made.rows("SELECT status FROM appointments ORDER BY appointment_id")


SAME = (["cancelled", "moved", "confirmed"], [("cancelled",), ("moved",), ("confirmed",)])


def orders(how_many: int) -> list[list[int]]:
    """None, all as they came, and some in any order, some twice, some lost."""
    chance = random.Random(13)  # noqa: S311
    return [[], [*range(6)], *([chance.randrange(6) for _ in range(chance.randrange(10))] for _ in range(how_many))]


@pytest.mark.parametrize("order", orders(14), ids=str)
async def test_any_order_doubling_or_loss_of_them_leads_to_one_state(order: list[int], tmp_path: Path) -> None:
    """I13: whichever webhooks came, with one reconciliation after them the ledger is as the calendar."""
    assert await _end(tmp_path, order, reconciled=True) == SAME


@pytest.mark.parametrize("order", list(permutations([2, 3, 4, 5]))[::6], ids=str)
async def test_in_any_order_they_alone_are_enough(order: tuple[int, ...], tmp_path: Path) -> None:
    """Where none is lost nothing need be reconciled."""
    assert await _end(tmp_path, list(order), reconciled=False) == SAME


async def test_control_where_they_are_lost_and_nothing_is_reconciled_the_ledger_is_behind(tmp_path: Path) -> None:
    assert await _end(tmp_path, [], reconciled=False) != SAME


# What others wait for first ------------------------------------------------------------------------------------------


async def test_webhooks_leave_the_budget_to_the_callers(tmp_path: Path) -> None:
    """Where little is left of it nothing is read for a webhook, and an offer is looked up."""
    async with world(tmp_path, EINMAL_CALCOM_WEBHOOK_SECRET=SECRET, EINMAL_CALCOM_RATE_PER_MINUTE="120") as made:
        made.calcom.subscribe(f"http://gateway.test{PATH}", SECRET)
        wish = {"datum": "2026-12-01", "uhrzeit": "10:00", "dienstleistung": "Beratung"}
        await made.ask("check_availability", **wish)
        made.calendar.create(101, made.clock.now() + timedelta(days=1), GUEST)
        await carried(made)
        made.clock.pass_time(SOON)
        at = made.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        made.rows("UPDATE calendar_gates SET tokens = 16.0, at = ?", at)
        before = len(made.tap.requests)
        await made.gateway.worker.turn()
        assert made.tap.requests[before:] == []
        assert (await made.ask("check_availability", **wish))["status"] == "available"
        made.clock.pass_time(timedelta(seconds=30))
        await made.gateway.worker.turn()
        assert inbox(made) == [("BOOKING_CREATED", 1, "unknown_booking")]


async def test_a_repeat_of_it_is_no_reason_to_look_anew(salon: World) -> None:
    """Who replays an authentic webhook costs nobody a look-up."""
    wish = {"datum": "2026-12-01", "uhrzeit": "10:00", "dienstleistung": "Beratung"}
    salon.calendar.create(101, salon.clock.now() + timedelta(days=1), GUEST)
    (delivery,) = salon.calcom.take_deliveries()
    await carried(salon, [delivery])
    salon.clock.pass_time(timedelta(seconds=5))
    await salon.ask("check_availability", **wish)
    before = len(salon.tap.requests)
    await carried(salon, [delivery] * 5)
    await salon.ask("check_availability", **wish)
    assert len(salon.tap.requests) == before


async def test_a_slow_calendar_keeps_the_worker_for_two_seconds(salon: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not read in this turn is read in the next: doubts have their turn in between."""
    monkeypatch.setattr("einmal.flows.notices.TURN_SECONDS", 0.0)
    for number in range(6):
        salon.calendar.create(101, salon.clock.now() + timedelta(days=number + 1), GUEST)
    await carried(salon)
    before = len(salon.tap.requests)
    await worked(salon)
    assert len(salon.tap.requests) == before
    monkeypatch.setattr("einmal.flows.notices.TURN_SECONDS", 60.0)
    await worked(salon)
    assert {row[2] for row in inbox(salon)} == {"unknown_booking"}


async def test_a_change_that_waits_for_a_person_costs_a_few_reads(salon: World) -> None:
    """It may wait for days; nobody reads the booking every five seconds meanwhile."""
    await salon.call()
    salon.rows(
        "INSERT INTO changes (change_id, tenant_id, kind, intent_id, booking_uid, state, created_at, send_deadline, "
        "sends, looks) SELECT 'c1', tenant_id, 'cancel', intent_id, booking_uid, 'escalated', created_at, created_at, "
        "3, 9 FROM intents"
    )
    await carried(salon)
    before = len(salon.tap.requests)
    for _ in range(60):
        salon.clock.pass_time(timedelta(seconds=30))
        await salon.gateway.worker.turn()
    assert 1 < len(salon.tap.requests) - before <= 6
    assert inbox(salon) == [("BOOKING_CREATED", 1, "not_seen")]


# The customer's confirmation ------------------------------------------------------------------------------------------


def confirmations(salon: World) -> list[str]:
    return [row[0] for row in salon.rows("SELECT kind FROM outbox WHERE kind = 'confirmed'")]


async def test_a_host_who_accepts_is_news_without_any_webhook(on_request: World) -> None:
    """Seen by reconciliation, once, however often it is told after that."""
    await on_request.call()
    on_request.calendar.accept(only_booking(on_request))
    told = on_request.calcom.take_deliveries()
    back = on_request.gateway.tenancies.sole.behind.reconciliation
    assert back is not None
    run = await back.begin()
    while run is not None and run.ended_at is None:
        run, _ = await back.step(run)
    assert (on_request.states(), confirmations(on_request)) == (["confirmed"], ["confirmed"])
    await carried(on_request, told)
    await worked(on_request, turns=3)
    assert confirmations(on_request) == ["confirmed"]


async def test_nothing_is_confirmed_that_staff_have_moved_and_nobody_could_follow(salon: World) -> None:
    """The new booking could not be read: the webhook waits, and so does the customer."""
    await salon.call()
    created = salon.calcom.take_deliveries()
    uid = only_booking(salon)
    (booking,) = salon.calendar.bookings
    salon.calendar.reschedule(uid, booking.start + timedelta(hours=2), by_owner=True)
    new = next(one.uid for one in salon.calendar.bookings if one.uid != uid)

    async def half_blind(request: WireRequest) -> WireAnswer:
        if request.target.endswith(new):
            return WireAnswer(503, {}, b"", 0.0)
        return await salon.tap.inner.send(request)

    salon.tap.on_get = half_blind
    await carried(salon, created)
    await worked(salon, turns=2)
    assert (salon.states(), confirmations(salon)) == (["confirmed"], [])
    salon.tap.on_get = None
    await worked(salon, turns=10)
    assert salon.states() == ["moved", "confirmed"]


async def test_a_calendar_that_is_down_for_long_costs_nobody_the_news(salon: World) -> None:
    """A quarter of an hour of 503: it is read when it can be."""
    await salon.call()

    async def down(_: WireRequest) -> WireAnswer:
        return WireAnswer(503, {}, b"", 0.0)

    salon.tap.on_get = down
    await carried(salon)
    for _ in range(12):
        salon.clock.pass_time(timedelta(minutes=2))
        await salon.gateway.worker.turn()
    salon.tap.on_get = None
    for _ in range(8):
        salon.clock.pass_time(timedelta(minutes=2))
        await salon.gateway.worker.turn()
    assert confirmations(salon) == ["confirmed"]
