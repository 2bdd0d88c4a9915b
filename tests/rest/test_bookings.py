"""/v1: a program books, reads, cancels and moves; the same wish is one booking, whatever its network does."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from einmal.adapters.calcom.transport import MaybeSent, NeverSent, WireAnswer, WireRequest
from support.rest import ANOTHER, ASKED, heal, lose, program


async def test_a_booking_is_made_and_read(tmp_path: Path) -> None:
    """201, its name and where it is read; times with the house's offset; nothing of who it is for."""
    async with program(tmp_path) as one:
        told = await one.book()
        assert told.status == 201
        assert told.body | {"ref": "", "message": ""} == {
            "ref": "",
            "status": "booked",
            "start": "2026-12-01T10:00:00+01:00",
            "end": "2026-12-01T10:30:00+01:00",
            "service": "Beratung",
            "message": "",
            "staff": told.body["staff"],
        }
        assert "10 Uhr" in told.body["message"]
        assert told.headers["location"] == f"/v1/bookings/{told.body['ref']}"
        read = await one.get(f"/bookings/{told.body['ref']}")
        assert (read.status, read.body["status"], read.body["ref"]) == (200, "booked", told.body["ref"])
        assert "Groß" not in str(told.body) + str(read.body)


async def test_the_same_wish_under_another_key_is_the_same_booking(tmp_path: Path) -> None:
    async with program(tmp_path) as one:
        first, again = await one.book(), await one.book()
        assert (first.status, again.status) == (201, 200)
        assert first.body["ref"] == again.body["ref"]
        other_call = await one.book(ASKED | {"conversation_id": "chat-7"})
        assert (other_call.status, other_call.body["ref"]) == (200, first.body["ref"])
        assert one.live == 1
        assert len(one.here.tap.posts) == 1


async def test_two_of_one_name_are_two(tmp_path: Path) -> None:
    """Without phone, e-mail and conversation a request's key tells who it is for."""
    nobody = ASKED | {"customer": {"name": "Jürgen Groß"}}
    async with program(tmp_path) as one:
        first, same, other = await one.book(nobody, "k1"), await one.book(nobody, "k1"), await one.book(nobody, "k2")
        assert (first.status, same.status) == (201, 201)
        assert first.body["ref"] == same.body["ref"]
        assert (other.status, other.type) == (409, "slot-taken")


async def test_a_taken_slot_comes_with_others(tmp_path: Path) -> None:
    async with program(tmp_path) as one:
        await one.book()
        told = await one.book(ANOTHER)
        assert (told.status, told.type) == (409, "slot-taken")
        assert told.headers["content-type"] == "application/problem+json"
        assert {"slot", "start"} == told.body["alternatives"][0].keys()
        assert "Groß" not in str(told.body)
        other = ANOTHER | {"start": told.body["alternatives"][0]["start"]}
        assert (await one.book(other)).status == 201


async def test_a_lost_answer_is_a_202_that_can_be_looked_at(tmp_path: Path) -> None:
    """In doubt it says where to look; the same key, later, hears what has become of it."""
    async with program(tmp_path, EINMAL_REPLY_SECONDS="1") as one:
        await lose(one)
        told = await one.book(key="k1")
        assert (told.status, told.body["status"], told.body["do_not_rebook"]) == (202, "in_doubt", True)
        assert told.headers["retry-after"] == "5"
        where = told.headers["location"].removeprefix("/v1")
        read = await one.get(where)
        assert (read.status, read.body["status"], read.body["do_not_rebook"]) == (200, "in_doubt", True)
        assert (await one.book(key="k1")).status == 202
        assert (await one.book(key="k2")).status == 202
        await heal(one)
        read = await one.get(where)
        assert (read.body["status"], read.body["start"]) == ("booked", "2026-12-01T10:00:00+01:00")
        same = await one.book(key="k1")
        assert (same.status, same.body["ref"]) == (201, read.body["ref"])
        assert (await one.book(key="k2")).body["ref"] == read.body["ref"]
        assert one.live == 1
        assert len(one.here.tap.posts) == 1


async def test_another_wish_of_a_conversation_that_is_in_doubt_is_not_begun(tmp_path: Path) -> None:
    """It would be the second. Once the first is known to stand, that is told, and the second may be wished anew."""
    said = ASKED | {"conversation_id": "chat-7"}
    other = said | {"start": "2026-12-02T10:00:00+01:00"}
    async with program(tmp_path, EINMAL_REPLY_SECONDS="1") as one:
        await lose(one)
        assert (await one.book(said)).status == 202
        told = await one.book(other, "k2")
        assert (told.status, told.type, told.body["do_not_rebook"]) == (409, "other-in-doubt", True)
        await heal(one)
        assert (await one.book(other, "k2")).status == 201
        assert len((await one.get("/bookings?conversation_id=chat-7")).body["bookings"]) == 2


async def test_cancelled_once_however_often_it_is_asked(tmp_path: Path) -> None:
    async with program(tmp_path) as one:
        ref = (await one.book()).body["ref"]
        answers = [await one.post(f"/bookings/{ref}/cancel", {}) for _ in range(2)]
        assert [(told.status, told.body["status"]) for told in answers] == [(200, "cancelled")] * 2
        assert (await one.get(f"/bookings/{ref}")).body["status"] == "cancelled"
        assert one.live == 0
        one.here.clock.pass_time(timedelta(minutes=2))
        assert (await one.book()).status == 201  # the same wish, wished anew


async def test_moved_once_however_often_it_is_asked(tmp_path: Path) -> None:
    """The booking has a new ref; the old one leads to it."""
    async with program(tmp_path) as one:
        ref = (await one.book()).body["ref"]
        to = {"start": "2026-12-01T11:00:00+01:00", "conversation_id": "chat-7"}
        answers = [await one.post(f"/bookings/{ref}/move", to) for _ in range(2)]
        assert [(told.status, told.body["start"]) for told in answers] == [(200, to["start"])] * 2
        (new,) = {told.body["ref"] for told in answers}
        old = await one.get(f"/bookings/{ref}")
        assert (old.body["status"], old.body["moved_to"]) == ("moved", new)
        assert (await one.get(f"/bookings/{new}")).body["status"] == "booked"
        listed = await one.get("/bookings?conversation_id=chat-7")
        assert [found["ref"] for found in listed.body["bookings"]] == [new]
        assert one.live == 1


async def test_what_is_over_is_not_changed(tmp_path: Path) -> None:
    async with program(tmp_path) as one:
        ref = (await one.book()).body["ref"]
        new = (await one.post(f"/bookings/{ref}/move", {"start": "2026-12-01T11:00:00+01:00"})).body["ref"]
        told = await one.post(f"/bookings/{ref}/cancel", {})
        assert (told.status, told.type, told.body["booking"]["moved_to"]) == (409, "not-standing", new)
        await one.post(f"/bookings/{new}/cancel", {})
        told = await one.post(f"/bookings/{new}/move", {"start": "2026-12-01T12:00:00+01:00"})
        assert (told.status, told.type) == (409, "not-standing")
        assert one.live == 0


async def test_a_move_to_a_taken_time_leaves_it_where_it_was(tmp_path: Path) -> None:
    async with program(tmp_path) as one:
        ref = (await one.book()).body["ref"]
        await one.book(ANOTHER | {"start": "2026-12-01T11:00:00+01:00"})
        told = await one.post(f"/bookings/{ref}/move", {"start": "2026-12-01T11:00:00+01:00"})
        assert (told.status, told.type) == (409, "slot-taken")
        assert told.body["booking"]["start"] == "2026-12-01T10:00:00+01:00"
        assert (await one.get(f"/bookings/{ref}")).body["status"] == "booked"


async def test_a_lost_cancel_is_in_doubt_until_it_shows(tmp_path: Path) -> None:
    async with program(tmp_path, EINMAL_REPLY_SECONDS="1") as one:
        ref = (await one.book()).body["ref"]
        reads = iter([False])

        async def blind_after_the_first(request: WireRequest) -> WireAnswer:
            if next(reads, True):
                raise MaybeSent("timeout")
            return await one.here.tap.inner.send(request)

        one.here.tap.on_get = blind_after_the_first
        told = await one.post(f"/bookings/{ref}/cancel", {}, "k1")
        assert (told.status, told.body["do_not_rebook"]) == (202, True)
        assert told.headers["location"] == f"/v1/bookings/{ref}"
        assert (await one.get(f"/bookings/{ref}")).body["status"] == "in_doubt"
        await heal(one)
        told = await one.post(f"/bookings/{ref}/cancel", {}, "k1")
        assert (told.status, told.body["status"]) == (200, "cancelled")


async def test_the_calendar_down_is_a_503_and_nothing_is_booked(tmp_path: Path) -> None:
    async with program(tmp_path) as one:

        async def down(_: WireRequest) -> WireAnswer:
            raise NeverSent("refused")

        one.here.tap.on_post = down
        told = await one.book(key="k1")
        assert (told.status, told.type) == (503, "unavailable")
        assert int(told.headers["retry-after"]) > 0
        assert one.live == 0


@pytest.mark.parametrize("start", ["2026-11-01T10:00:00+01:00", "2029-12-01T10:00:00+01:00"])
async def test_what_the_house_does_not_offer_is_a_422(tmp_path: Path, start: str) -> None:
    async with program(tmp_path) as one:
        told = await one.book(ASKED | {"start": start})
        assert (told.status, told.type) == (422, "rejected")
        assert told.body["message"]


async def test_no_such_booking_is_a_404(tmp_path: Path) -> None:
    async with program(tmp_path) as one:
        for told in (await one.get("/bookings/none"), await one.post("/bookings/none/cancel", {})):
            assert (told.status, told.type) == (404, "not-found")
        assert (await one.get("/nothing")).type == "not-found"
        assert (await one.ask("PUT", "/bookings")).type == "method-not-allowed"


async def test_pages_go_on_where_the_last_one_ended(tmp_path: Path) -> None:
    """All of one customer's, in the order of time, each once; another's are not among them."""
    async with program(tmp_path) as one:
        for day in (3, 1, 2):
            assert (await one.book(ASKED | {"start": f"2026-12-0{day}T10:00:00+01:00"})).status == 201
        await one.book(ANOTHER | {"start": "2026-12-02T12:00:00+01:00"})
        found: list[str] = []
        cursor = ""
        for _ in range(3):
            page = await one.get(f"/bookings?phone=%2B4930901820&limit=1{cursor}")
            found += [one["start"][8:10] for one in page.body["bookings"]]
            cursor = f"&cursor={page.body['next']}"
        assert found == ["01", "02", "03"]
        assert page.body["next"] is None
        every = await one.get("/bookings?from=2026-12-02T00:00:00%2B01:00&to=2026-12-03T00:00:00%2B01:00")
        assert [one["start"][11:16] for one in every.body["bookings"]] == ["10:00", "12:00"]
        odd = await one.get("/bookings?cursor=made-up")
        assert (odd.status, odd.body["errors"][0]["parameter"]) == (422, "cursor")


async def test_an_e_mail_finds_its_own(tmp_path: Path) -> None:
    async with program(tmp_path) as one:
        await one.book(ASKED | {"customer": {"name": "Anna Weiß", "email": "anna.weiss@kunde.de"}})
        assert len((await one.get("/bookings?email=Anna.Weiss@kunde.de")).body["bookings"]) == 1
        assert (await one.get("/bookings?email=otto@kunde.de")).body["bookings"] == []


async def test_free_slots_services_and_holds(tmp_path: Path) -> None:
    """A held slot is free to who holds it, to nobody else, and free again once it is let go."""
    async with program(tmp_path) as one:
        assert {"id", "name", "minutes"} <= (await one.get("/services")).body["services"][0].keys()
        day = "/availability?service=Beratung&from=2026-12-01T00:00:00%2B01:00&to=2026-12-02T00:00:00%2B01:00"

        async def free(more: str = "") -> bool:
            slots = (await one.get(day + more)).body["slots"]
            return any(slot["start"] == ASKED["start"] for slot in slots)

        assert await free()
        hold = {"service": "Beratung", "start": ASKED["start"], "conversation_id": "chat-7"}
        told = await one.post("/holds", hold)
        assert (told.status, told.body["status"]) == (201, "reserved")
        assert told.body["expires_at"] == "2026-11-23T10:05:00+01:00"
        assert not await free()
        assert await free("&conversation_id=chat-7")
        other = await one.post("/holds", hold | {"conversation_id": "chat-8"})
        assert (other.status, other.type) == (409, "slot-taken")
        assert (await one.ask("DELETE", "/holds/chat-7")).status == 204
        assert (await one.ask("DELETE", "/holds/chat-7")).status == 204
        assert await free()


async def test_an_offered_slot_is_booked_by_its_name(tmp_path: Path) -> None:
    """What stands beside it must say the same; a made-up one is none."""
    async with program(tmp_path) as one:
        slots = (await one.get("/availability?service=Beratung")).body["slots"]
        by_name = {"slot": slots[3]["slot"], "customer": ASKED["customer"]}
        told = await one.book(by_name)
        assert (told.status, told.body["start"]) == (201, slots[3]["start"])
        assert (await one.book(by_name | {"service": "Beratung", "start": slots[3]["start"]})).status == 200
        for change, pointer in (
            ({"slot": slots[3]["slot"][:-1] + "x"}, "#/slot"),
            ({"start": slots[4]["start"]}, "#/start"),
            ({"service": "Haarschnitt"}, "#/service"),
        ):
            odd = await one.book(by_name | change)
            assert (odd.status, odd.body["errors"][0]["pointer"]) == (422, pointer)
        hold = {"slot": slots[5]["slot"], "conversation_id": "chat-7"}
        assert (await one.post("/holds", hold)).body["start"] == slots[5]["start"]


async def test_many_programs_at_once_make_one_booking(tmp_path: Path) -> None:
    async with program(tmp_path) as one:
        answers = await asyncio.gather(*(one.book() for _ in range(8)))
        assert {told.status for told in answers} <= {200, 201}
        assert len({told.body["ref"] for told in answers}) == 1
        assert one.live == 1
