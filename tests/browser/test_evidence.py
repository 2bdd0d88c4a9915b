"""The evidence pages in a real browser: the incident at one glance, what is masked, and what a person can do."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from support import stories
from support.browser import DESKTOP, PHONE, browse, shot, site
from support.world import World, world

MINUTES = timedelta(minutes=5)
OPERATOR = {"Authorization": "Bearer operator-token-0123456789abcdef"}
READER = {"Authorization": "Bearer reader-token-0123456789abcdef"}
TOKENS = {
    "EINMAL_ADMIN_TOKEN": OPERATOR["Authorization"].partition(" ")[2],
    "EINMAL_READER_TOKEN": READER["Authorization"].partition(" ")[2],
}


def audited(here: World) -> list[tuple[str, Any]]:
    rows = here.rows("SELECT event_type, data FROM system_audit_log ORDER BY id")
    return [(what, json.loads(data)) for what, data in rows]


async def fetched(
    url: str, fields: dict[str, str] | None = None, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """As something does that is no browser: a GET, or a POST of these fields."""
    async with aiohttp.ClientSession() as session:
        method = "GET" if fields is None else "POST"
        async with session.request(method, url, data=fields, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.text()


async def test_the_incident_is_seen_at_a_glance(tmp_path: Path) -> None:
    """The call whose answer was somebody else's booking: what differs is marked, by a word too; the layer says why; the
    call whose booking it is is one click away; names are dots until they are asked for, and that is written down."""
    async with world(tmp_path) as here, site(here) as url:
        await stories.incident(here)
        before = audited(here)
        seen = await browse("evidence.mjs", url, path=f"/calls/{stories.SECOND}", shot=shot("evidence-revealed"))
        after = audited(here)
    result = seen.result
    marked = {field for field, differs, told in result["rows"] if differs and "≠ weicht ab" in told}
    assert {"name", "created_at", "call_id", "operation_id"} <= marked
    assert marked.isdisjoint({"start", "event_type", "status"})
    assert result["links"] == [f"/calls/{stories.FIRST}"]
    assert "Schicht 1 (Alter): Die Buchung war 35 min 8 s älter als unsere Frage" in result["masked"]
    assert "Dieser Termin wurde bereits gebucht" in result["masked"]
    for name in ("Brandt", "Winter"):
        assert name not in result["masked"]
        assert name in result["revealed"]
        assert name not in result["again"]
    assert before == []
    assert after == [("personal_data_shown", {"role": "operator", "call_id": stories.SECOND})]
    assert (seen.elsewhere, seen.troubles) == ([], [])


@pytest.mark.parametrize("size", ["desktop", "phone"])
async def test_every_story_reads_well(tmp_path: Path, size: str) -> None:
    """Whatever became of a call: axe finds nothing, nothing scrolls aside, nothing is refused or asked elsewhere."""
    async with world(tmp_path) as here, site(here) as url:
        await stories.incident(here)
        await stories.lost_then_found(here)
        here.clock.pass_time(MINUTES)
        await stories.mended(here)
        await stories.told(here)
        await stories.lost_then_found(here, "call_doubt", "15:00")
        intent_id = await stories.escalated(here)
        await stories.moved_then_cancelled(here)
        await stories.wants_a_call_back(here)
        paths = {
            "incident": f"/calls/{stories.SECOND}",
            "incident-dark": f"/calls/{stories.SECOND}?lang=en",
            "doubt": "/calls/call_doubt?lang=de",
            "found": "/calls/call_lost?lang=en",
            "changed": "/calls/call_7d4d0c?lang=de",
            "back": "/calls/call_back",
            "odd": "/calls/call_odd",
            "intent": f"/intents/{intent_id}?lang=en",
            "act": f"/intents/{intent_id}/rule-booked?lang=de",
            "calls": "/calls",
        }
        pages = [
            (name, path, {"shot": shot(f"evidence-{name}-{size}"), "dark": name.endswith("dark")})
            for name, path in paths.items()
        ]
        seen = await browse("stories.mjs", url, pages=pages, **(DESKTOP if size == "desktop" else PHONE))
    for name, one in seen.result.items():
        assert (one["status"], one["sideways"], one["violations"]) == (200, 0, []), name
    assert (seen.elsewhere, seen.troubles) == ([], [])


async def test_a_person_rules_once_however_often_they_press(tmp_path: Path) -> None:
    """Without JavaScript, in two tabs: a page asks, the ruling is taken once, and both are told that it is."""
    async with world(tmp_path) as here, site(here) as url:
        intent_id = await stories.escalated(here)
        uid = here.calendar.bookings[0].uid
        given = {"path": f"/intents/{intent_id}", "act": "rule-booked", "javascript": False}
        seen = await browse("act.mjs", url, field=uid, **given)
        states, kept = here.states(), audited(here)
    assert "Zurücknehmen lässt sich das nicht" in seen.result["asked"]
    assert [path for path, _ in seen.result["ended"]] == [f"/intents/{intent_id}"] * 2
    assert all("Entschieden: Es ist gebucht." in text for _, text in seen.result["ended"])
    assert states == ["confirmed"]
    assert kept == [("rule_booked", {"role": "operator", "intent_id": intent_id, "booking_uid": uid})]


async def pressed(url: str, path: str, **fields: str) -> list[tuple[int, str]]:
    """An operator opens the page that asks and presses its button twice; what each press leads to."""
    async with aiohttp.ClientSession(headers=OPERATOR) as session:
        async with session.get(url + path) as answer:
            text = await answer.text()
            cookie = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
        fields["token"] = text.partition('name="token" value="')[2].partition('"')[0]
        ended = []
        for _ in range(2):
            async with session.post(url + path, data=fields, headers=cookie) as answer:
                ended.append((answer.status, await answer.text()))
        return ended


async def test_a_ruling_that_cannot_be_taken_says_why(tmp_path: Path) -> None:
    async with world(tmp_path, **TOKENS) as here, site(here) as url:
        intent_id = await stories.escalated(here)
        ended = await pressed(url, f"/intents/{intent_id}/rule-booked", uid="nobodys")
        assert [status for status, _ in ended] == [409, 409]
        assert all("Cal.com has no live booking nobodys" in text for _, text in ended)
        [(status, text), _] = await pressed(url, f"/intents/{intent_id}/rule-booked")
        assert (status, "Bitte geben Sie die UID" in text) == (409, True)
        assert here.states() == ["escalated"]


async def test_a_rejection_is_ruled_on_and_the_timeline_says_so(tmp_path: Path) -> None:
    async with world(tmp_path, **TOKENS) as here, site(here) as url:
        await stories.incident(here)
        [(intent_id,)] = here.rows("SELECT intent_id FROM intents WHERE state = 'rejected'")
        ended = await pressed(url, f"/intents/{intent_id}/rule-right")
        assert [status for status, _ in ended] == [200, 200]
        assert all("Ein Mensch hat entschieden: Die Ablehnung war richtig." in text for _, text in ended)
        assert [what for what, _ in audited(here)] == ["rule_right"]
        assert here.rows("SELECT count(*) FROM facts WHERE kind = 'rejectionruled'") == [(1,)]


@pytest.mark.parametrize("act", ["", "/rule-not-booked"])
async def test_a_forged_form_does_nothing(tmp_path: Path, act: str) -> None:
    """Without the form's token, with another's, from another site: 403, nothing ruled, nothing shown, nothing kept."""
    async with world(tmp_path, **TOKENS) as here, site(here) as url:
        intent_id = await stories.escalated(here)
        path = f"{url}/intents/{intent_id}{act}"
        async with aiohttp.ClientSession(headers=OPERATOR) as session, session.get(path) as answer:
            token = (await answer.text()).partition('name="token" value="')[2].partition('"')[0]
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
        assert token
        mine = OPERATOR | {"Cookie": cookie}
        forged = [
            await fetched(path, {}, mine),
            await fetched(path, {"token": "0" * 64}, mine),
            await fetched(path, {"token": token}, mine | {"Origin": "https://elsewhere.test"}),
            await fetched(path, {"token": token}, mine | {"Sec-Fetch-Site": "cross-site"}),
            await fetched(path, {"token": token}, READER),
        ]
        assert [status for status, _ in forged] == [403] * 5
        assert not any("Jürgen" in text for _, text in forged)
        assert (here.states(), audited(here)) == (["escalated"], [])
        status, text = await fetched(path, {"token": token}, mine)
        assert (status, "Jürgen" in text) == ((303, False) if act else (200, True))
        assert len(audited(here)) == 1


async def test_a_reader_is_shown_no_buttons(tmp_path: Path) -> None:
    """Who may only read sees the story, masked, and that others can act."""
    async with world(tmp_path, **TOKENS) as here, site(here) as url:
        intent_id = await stories.escalated(here)
        status, text = await fetched(f"{url}/intents/{intent_id}", headers=READER)
        acting, _ = await fetched(f"{url}/intents/{intent_id}/rule-booked", headers=READER)
    assert status == 200
    assert "Ihr Zugang liest nur" in text
    assert "Namen zeigen" not in text
    assert "rule-booked" not in text
    assert acting == 403


async def test_a_doubt_is_looked_at_now(tmp_path: Path) -> None:
    """The look is due at once; the next turn of the worker makes it, and the booking is found."""
    async with world(tmp_path, **TOKENS) as here, site(here) as url:
        await stories.lost_then_found(here)
        [(intent_id,)] = here.rows("SELECT intent_id FROM intents")
        await here.gateway.worker.turn()
        assert here.states() == ["doubt"]
        ended = await pressed(url, f"/intents/{intent_id}/look-now")
        await here.gateway.worker.turn()
        assert here.states() == ["confirmed"]
        assert all("ist jetzt fällig" in text for _, text in ended)
        [(status, text), _] = await pressed(url, f"/intents/{intent_id}/look-now")
        assert (status, "Der Stand hat sich geändert" in text) == (409, True)


async def test_an_appointment_is_cancelled_by_the_flow_of_callers(tmp_path: Path) -> None:
    """Once, in the calendar too; and it is no call's change."""
    async with world(tmp_path, **TOKENS) as here, site(here) as url:
        await here.call()
        [(intent_id,)] = here.rows("SELECT intent_id FROM intents")
        ended = await pressed(url, f"/intents/{intent_id}/cancel")
        assert [one.status.value for one in here.calendar.bookings] == ["cancelled"]
        assert here.rows("SELECT kind, state, conversation_id FROM changes") == [("cancel", "done", None)]
        assert [what for what, _ in audited(here)] == ["cancel"]
        assert all("Abgesagt." in text for _, text in ended)


async def test_a_call_back_is_done_once(tmp_path: Path) -> None:
    async with world(tmp_path, **TOKENS) as here, site(here) as url:
        await stories.wants_a_call_back(here)
        [(callback_id,)] = here.rows("SELECT callback_id FROM callbacks")
        path = f"{url}/calls/call_back/callbacks/{callback_id}"
        async with aiohttp.ClientSession(headers=OPERATOR) as session, session.get(path) as answer:
            asked = await answer.text()
            token = asked.partition('name="token" value="')[2].partition('"')[0]
            mine = OPERATOR | {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
        both = await asyncio.gather(*(fetched(path, {"token": token}, mine) for _ in range(2)))
        assert [status for status, _ in both] == [303, 303]
        [(done_at,)] = here.rows("SELECT done_at FROM callbacks")
        assert done_at is not None
        assert "Weiß" not in asked
        assert "<button>" in asked
        again = await fetched(path, headers=OPERATOR)
        assert (again[0], "<button>" in again[1], "Das geht jetzt nicht mehr" in again[1]) == (409, False, True)
        assert (await fetched(f"{url}/calls/call_back/callbacks/nobodys", headers=OPERATOR))[0] == 404


async def test_calls_are_listed_and_found_by_their_ids(tmp_path: Path) -> None:
    """By call, intent, operation, appointment and booking; what is not found says what is looked for."""
    async with world(tmp_path) as here, site(here) as url:
        empty = (await fetched(f"{url}/calls"))[1]
        assert "Noch kein Anruf." in empty
        assert "curl -sw" in empty
        await stories.incident(here)
        status, listed = await fetched(f"{url}/calls")
        assert (status, listed.index(stories.SECOND) < listed.index(stories.FIRST)) == (200, True)
        [(intent_id, operation, uid)] = here.rows(
            "SELECT intent_id, operation_id, booking_uid FROM intents WHERE state = 'confirmed'"
        )
        [(appointment,)] = here.rows("SELECT appointment_id FROM appointments")
        async with aiohttp.ClientSession() as session:
            for one, leads in (
                (stories.FIRST, f"/calls/{stories.FIRST}"),
                *((one, f"/intents/{intent_id}") for one in (intent_id, operation, uid, appointment)),
            ):
                async with session.get(f"{url}/calls", params={"id": one}, allow_redirects=False) as answer:
                    assert (answer.status, answer.headers["Location"]) == (303, leads)
        status, text = await fetched(f"{url}/calls?id=%3Cscript%3E")
        assert status == 404
        assert "Nichts gefunden zu „&lt;script&gt;“" in text
        assert (await fetched(f"{url}/calls/unknown"))[0] == 404
        assert (await fetched(f"{url}/intents/unknown"))[0] == 404
