"""Metrics of the whole gateway: what a scrape tells after calls, and who may ask."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from einmal.adapters.calcom.transport import WireAnswer, WireRequest
from einmal.adapters.retell.signature import sign
from einmal.entrypoints.http.app import create_app
from einmal.simulator.asgi import HttpAnswer, request
from support.world import World, world


@pytest.fixture
async def salon(tmp_path: Path) -> Any:
    async with world(tmp_path) as made:
        yield made


async def scrape(salon: World, **headers: str) -> HttpAnswer:
    return await request(create_app(salon.gateway), "GET", "/metrics", headers=headers)


async def value(salon: World, name: str, **labels: str) -> float:
    answer = await scrape(salon)
    assert answer.status == 200
    for family in text_string_to_metric_families(answer.body.decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return float(sample.value)
    raise AssertionError(f"{name} {labels} is not there")


async def test_a_booking_is_seen(salon: World) -> None:
    """Appointment, request, layers, function: each once."""
    await salon.call()
    assert await value(salon, "einmal_appointments_created_total") == 1
    assert await value(salon, "einmal_calendar_requests_total", operation="create", code="201") == 1
    assert await value(salon, "einmal_layer_seconds_count", layer="judge") == 1
    assert await value(salon, "einmal_layer_seconds_count", layer="layer4") == 1
    labels = {"adapter": "retell", "function": "collect", "outcome": "booked"}
    assert await value(salon, "einmal_function_seconds_count", **labels) == 1
    assert await value(salon, "einmal_ledger_readable") == 1


async def test_a_repeat_is_told_from_a_booking(salon: World) -> None:
    await salon.call()
    await salon.call()
    assert await value(salon, "einmal_appointments_created_total") == 1
    assert await value(salon, "einmal_wishes_not_started_total", why="replay") == 1


async def test_a_foreign_booking_is_a_rejection(salon: World) -> None:
    """The incident: the layers' counters and the rate of the last day tell of it."""
    await salon.call("call_one")

    async def anothers(wire: WireRequest) -> WireAnswer:
        if "call_one" in wire.body.decode():
            return await salon.tap.inner.send(wire)
        (booking,) = salon.calendar.bookings
        found = await salon.tap.inner.send(
            WireRequest("GET", f"/v2/bookings/{booking.uid}", wire.headers, b"", wire.deadline, wire.deadline)
        )
        return WireAnswer(201, found.headers, found.body, 0.1)

    salon.tap.on_post = anothers
    other = {"call_id": "call_two", "from_number": "anonymous"}
    wish = {"datum": "2026-12-01", "uhrzeit": "10:00", "name": "Anna Weiß", "dienstleistung": "Beratung"}
    assert (await salon.ask("book_appointment", other, **wish))["status"] == "slot_taken"
    rejected = "einmal_duplicate_booking_rejections_total"
    assert await value(salon, rejected, layer="layer2", reason="call_id_mismatch") == 1
    assert await value(salon, rejected, layer="layer1", reason="stale_booking") == 0


async def test_how_a_doubt_ended_is_told(salon: World) -> None:
    """It came before a person, and the person ruled."""

    async def at_another_time(wire: WireRequest) -> WireAnswer:
        answer = await salon.tap.inner.send(wire)
        data = json.loads(answer.body)
        data["data"]["start"] = "2026-12-01T11:00:00.000Z"
        return WireAnswer(201, {}, json.dumps(data).encode(), 0.0)

    salon.tap.on_post = at_another_time
    await salon.call()
    settled = "einmal_doubts_settled_total"
    assert await value(salon, settled, way="escalated") == 1
    assert await value(salon, settled, way="ruled_not_booked") == 0
    [(intent_id,)] = salon.rows("SELECT intent_id FROM intents")
    await salon.gateway.rulings.not_booked(intent_id)
    assert await value(salon, settled, way="ruled_not_booked") == 1
    assert await value(salon, settled, way="found_accepted") == 0


async def test_what_is_taken_back_is_told(salon: World) -> None:
    """That it arrived after its no, and that it is gone."""
    await salon.call()
    salon.rows("UPDATE intents SET state = 'rejected', doubted_at = created_at, booking_uid = NULL")
    salon.rows("DELETE FROM appointments")
    reconciliation = salon.gateway.tenancies.sole.behind.reconciliation
    assert reconciliation is not None
    run = await reconciliation.begin()
    while run is not None and run.ended_at is None:
        salon.clock.pass_time(timedelta(seconds=1))
        run, _ = await reconciliation.step(run)
    assert await value(salon, "einmal_compensations_total", step="surfaced") == 1
    assert await value(salon, "einmal_compensations_total", step="compensated") == 0
    await salon.gateway.worker.turn()
    salon.clock.pass_time(timedelta(seconds=5))
    await salon.gateway.worker.turn()
    assert await value(salon, "einmal_compensations_total", step="compensated") == 1


@pytest.mark.parametrize(
    ("path", "name", "labels"),
    [
        ("/api/retell/collect-appointment", "einmal_function_calls_refused_total", ("adapter", "error")),
        ("/api/webhooks/retell", "einmal_webhooks_total", ("source", "outcome")),
    ],
)
async def test_a_wrong_signature_is_told(tmp_path: Path, path: str, name: str, labels: tuple[str, str]) -> None:
    """At each of Retell's doors; Cal.com's has its own tests."""
    async with world(tmp_path, EINMAL_RETELL_API_KEY="key_ours") as salon:
        app, body = create_app(salon.gateway), b"{}"
        signed = {"x-retell-signature": sign(body, "key_other", int(salon.clock.now().timestamp() * 1000))}
        told = dict(zip(labels, ("retell", "signature_wrong"), strict=True))
        assert await value(salon, name, **told) == 0
        assert (await request(app, "POST", path, body, headers=signed)).status == 401
        assert await value(salon, name, **told) == 1


async def test_a_request_that_is_given_up_is_counted(salon: World) -> None:
    """Whoever asked had no more time; the calendar was asked all the same."""
    asked, never = asyncio.Event(), asyncio.Event()

    async def silent(wire: WireRequest) -> WireAnswer:
        asked.set()
        await never.wait()
        return await salon.tap.inner.send(wire)

    salon.tap.on_get = silent
    look = asyncio.create_task(salon.gateway.bookings.attempts.calendar.read("uid-1", salon.clock.monotonic() + 60))
    await asked.wait()
    look.cancel()
    with pytest.raises(asyncio.CancelledError):
        await look
    assert await value(salon, "einmal_calendar_requests_total", operation="read", code="other") == 1


async def test_a_ledger_that_cannot_be_read_is_told(salon: World) -> None:
    """The scrape is answered all the same: what this process counted is there."""
    await salon.call()
    salon.rows("ALTER TABLE calendar_gates RENAME TO gone")
    assert await value(salon, "einmal_ledger_readable") == 0
    assert await value(salon, "einmal_appointments_created_total") == 1


async def test_off_loopback_it_takes_the_token(tmp_path: Path) -> None:
    async with world(tmp_path, EINMAL_HOST="0.0.0.0", EINMAL_ADMIN_TOKEN="t0ken", EINMAL_RETELL_API_KEY="k") as made:  # noqa: S104
        assert (await scrape(made)).status == 401
        assert (await scrape(made, Authorization="Bearer wrong")).status == 401
        assert (await scrape(made, Authorization="Bearer t0ken")).status == 200


async def test_the_namespace_is_the_operators(tmp_path: Path) -> None:
    async with world(tmp_path, EINMAL_METRICS_NAMESPACE="api_gateway") as made:
        assert b"api_gateway_appointments_created_total 0.0" in (await scrape(made)).body
