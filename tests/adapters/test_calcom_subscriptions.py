"""Webhook subscriptions at Cal.com: found, made, mended, never twice, whatever becomes of an answer."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from einmal.adapters.calcom.calendar import Account
from einmal.adapters.calcom.registration import PATH, State, Survey, register, survey
from einmal.adapters.calcom.subscriptions import TRIGGERS, CouldNotAsk, Flaw, Subscriptions, Wanted
from einmal.adapters.calcom.transport import MaybeSent, NeverSent, WireAnswer, WireRequest
from einmal.adapters.system import SystemClock
from einmal.domain.model import Service
from einmal.secret import Secret
from einmal.simulator.calendar import SimulatedCalendar
from einmal.simulator.catalogue import recorded_event_types
from einmal.simulator.transport import InProcessTransport
from einmal.simulator.wire import SimulatedCalcom

NOW = datetime(2026, 11, 21, 3, 4, tzinfo=UTC)
URL = f"https://gateway.example{PATH}"
WANTED = Wanted(URL, Secret("hush-hush"))
PLAIN = Service("plain", "Beratung", 1, 30)
TEAM = Service("team", "Haarschnitt", 9, 30)


class Lost:
    """A request that is lost on its way."""


@dataclass
class Account1:
    """The account of u-plain at a simulated Cal.com; `befalls` is done to the answers of requests."""

    befalls: dict[str, list[Any]] = field(default_factory=dict)
    """By method: what becomes of each request in turn; None for nothing."""
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        uids = iter(f"uid-{number}" for number in range(100))
        calendar = SimulatedCalendar(recorded_event_types(), now=lambda: NOW, new_uid=lambda: next(uids))
        self.calcom = SimulatedCalcom(calendar, api_keys={"key": "u-plain"}, now=lambda: NOW)
        self.wire = InProcessTransport(self.calcom)
        self.at = Subscriptions(self, Account("key", "2024-08-13", "Europe/Berlin", "de"), SystemClock())

    async def send(self, request: WireRequest) -> WireAnswer:
        self.asked.append((request.method, request.target.partition("?")[0]))
        plan = self.befalls.get(request.method, [])
        becomes = plan.pop(0) if plan else None
        if isinstance(becomes, NeverSent):
            raise becomes
        if isinstance(becomes, Lost):
            raise MaybeSent("reset")
        answer = await self.wire.send(request)
        if isinstance(becomes, Exception):
            raise becomes
        return answer if becomes is None else becomes(request, answer)

    async def close(self) -> None:
        return

    def stands(self, **changed: Any) -> None:
        """A subscription that is right, but for what is changed."""
        made = self.calcom.calendar.webhooks.subscribe(URL, "hush-hush", TRIGGERS, account="u-plain")
        self.calcom.calendar.webhooks.subscriptions[made.id] = replace(made, **changed)

    @property
    def subscriptions(self) -> list[Any]:
        return list(self.calcom.calendar.webhooks.subscriptions.values())

    async def registered(self, *services: Service) -> Survey:
        return await register(self.at, WANTED, services or (PLAIN,))

    async def checked(self, *services: Service, url: str | None = URL) -> Survey:
        return await survey(self.at, url, WANTED.secret, services or (PLAIN,))


def states(found: Survey) -> list[State]:
    return [one.state for one in found.found]


async def test_one_is_made_and_left_alone_afterwards() -> None:
    """Active, with all triggers and the secret; a second time nothing is sent but questions."""
    account = Account1()
    assert states(await account.checked()) == [State.MISSING]
    assert states(await account.registered()) == [State.MADE]
    (made,) = account.subscriptions
    assert (made.url, made.triggers, made.active, made.secret) == (URL, TRIGGERS, True, "hush-hush")
    account.asked.clear()
    assert states(await account.registered()) == [State.RIGHT]
    assert {method for method, _ in account.asked} == {"GET"}
    assert (await account.checked()).is_right


@pytest.mark.parametrize(
    ("changed", "flaws"),
    [
        ({"active": False}, (Flaw.INACTIVE,)),
        ({"triggers": ("BOOKING_CREATED",)}, (Flaw.TRIGGERS,)),
        ({"secret": None}, (Flaw.UNSIGNED,)),
        ({"secret": "another"}, (Flaw.SIGNED_OTHERWISE,)),
        ({"template": "{}"}, (Flaw.TEMPLATE,)),
        ({"active": False, "template": "{}"}, (Flaw.INACTIVE, Flaw.TEMPLATE)),
    ],
)
async def test_one_that_is_wrong_is_said_so_and_mended(changed: dict[str, Any], flaws: tuple[Flaw, ...]) -> None:
    """The same one; there is no second."""
    account = Account1()
    account.stands(**changed)
    before = await account.checked()
    assert (states(before), before.found[0].flaws, before.is_right) == ([State.WRONG], flaws, False)
    assert states(await account.registered()) == [State.MENDED]
    (mended,) = account.subscriptions
    assert (mended.active, mended.secret, mended.template) == (True, "hush-hush", None)
    assert set(mended.triggers) == set(TRIGGERS)


async def test_what_else_it_tells_of_stays() -> None:
    """Somebody may want to hear of meetings that end."""
    account = Account1()
    account.stands(triggers=("MEETING_ENDED", "BOOKING_CREATED"))
    await account.registered()
    assert account.subscriptions[0].triggers[:2] == ("MEETING_ENDED", "BOOKING_CREATED")
    assert (await account.checked()).is_right


@pytest.mark.parametrize("lost", [MaybeSent("reset"), MaybeSent("timeout"), lambda _, answer: error(answer)])
async def test_a_lost_answer_makes_no_second_one(lost: Any) -> None:
    """It is found by reading."""
    account = Account1({"POST": [lost]})
    assert states(await account.registered()) == [State.MADE]
    assert [method for method, _ in account.asked].count("POST") == 1
    assert len(account.subscriptions) == 1


async def test_a_lost_request_is_not_sent_again_by_itself() -> None:
    """It may still arrive. Whoever runs it again gets one."""
    account = Account1({"POST": [Lost()]})
    with pytest.raises(CouldNotAsk, match="not known yet: run this again"):
        await account.registered()
    assert account.subscriptions == []
    assert states(await account.registered()) == [State.MADE]


async def test_a_lost_answer_of_a_patch_is_read_too() -> None:
    """It was done."""
    account = Account1({"PATCH": [MaybeSent("reset")]})
    account.stands(active=False)
    assert states(await account.registered()) == [State.MENDED]


async def test_two_that_register_at_once_make_one() -> None:
    """The 409 says that it stands; reading says how."""
    account = Account1()

    def meanwhile(_: WireRequest, answer: WireAnswer) -> WireAnswer:
        account.stands()
        return replace(answer, body=b'{"status":"success","data":[]}')

    account.befalls = {"GET": [meanwhile]}
    assert states(await account.registered()) == [State.MADE]
    assert len(account.subscriptions) == 1


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "refuses the API key; check EINMAL_CALCOM_API_KEY"),
        (403, "does not let this API key see webhooks"),
        (429, "no more requests just now; try again in a minute"),
        (502, "answered 502"),
        (418, "answered 418"),
    ],
)
async def test_what_cal_com_refuses_is_told(status: int, says: str) -> None:
    """In words, and nothing is made."""
    account = Account1({"GET": [lambda _, answer: replace(answer, status=status)]})
    with pytest.raises(CouldNotAsk, match=says):
        await account.registered()
    assert account.subscriptions == []


async def test_an_unreachable_cal_com_is_told() -> None:
    """With the transport's word for it."""
    account = Account1({"GET": [NeverSent("dns")]})
    with pytest.raises(CouldNotAsk, match=r"cannot be reached \(dns\)"):
        await account.checked()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff", b"[" * 5000])
async def test_an_answer_that_is_none_is_told(body: bytes) -> None:
    """A proxy's page, or another API."""
    account = Account1({"GET": [lambda _, answer: replace(answer, body=body)]})
    with pytest.raises(CouldNotAsk, match="does EINMAL_CALCOM_BASE_URL lead to its API"):
        await account.checked()


async def test_why_it_will_not_have_it_is_told_without_the_secret() -> None:
    """Cal.com quotes what was sent, and the secret is in that."""

    def refuse(request: WireRequest, answer: WireAnswer) -> WireAnswer:
        target = json.loads(request.body)
        errors = [{"target": target, "property": "triggers"}, {"target": target, "property": "hush-hush"}]
        error = {"message": "Bad Request Exception", "details": {"errors": errors}}
        return replace(answer, status=400, body=json.dumps({"error": error}).encode())

    account = Account1({"POST": [refuse]})
    with pytest.raises(CouldNotAsk) as caught:
        await account.registered()
    assert str(caught.value) == "Cal.com will not have it (400; Bad Request Exception; triggers)"

    def quote(_: WireRequest, answer: WireAnswer) -> WireAnswer:
        return replace(answer, status=400, body=b'{"error": {"message": "no hush-hush please"}}')

    account = Account1({"POST": [quote]})
    with pytest.raises(CouldNotAsk, match=r"will not have it \(400\)$"):
        await account.registered()


async def test_a_secret_that_is_not_shown_is_set_once_more() -> None:
    """It cannot be compared, and that is no flaw."""

    def hide(_: WireRequest, answer: WireAnswer) -> WireAnswer:
        told = json.loads(answer.body)
        for row in told["data"]:
            row.pop("secret", None)
        return replace(answer, body=json.dumps(told).encode())

    account = Account1()
    account.stands(secret="another")
    account.befalls = {"GET": [hide] * 9}
    seen = await account.checked()
    assert (seen.is_right, seen.found[0].secret_unseen) == (True, True)
    assert states(await account.registered()) == [State.RIGHT]
    assert account.subscriptions[0].secret == "hush-hush"


async def test_many_are_read_page_by_page() -> None:
    """Ours may be behind the first 250."""
    account = Account1()
    for number in range(260):
        account.calcom.calendar.webhooks.subscribe(f"https://x.example/{number}", None, account="u-plain")
    account.stands()
    assert states(await account.checked()) == [State.RIGHT]


# A team's event types


async def test_a_teams_event_type_is_for_a_person() -> None:
    """Cal.com refuses a host; the account's own is made all the same."""
    account = Account1()
    found = await account.registered(PLAIN, TEAM)
    assert states(found) == [State.MADE, State.BY_HAND]
    assert found.found[1].place.event_type_id == 9
    assert found.is_right, "no one can do more from here"
    assert states(await account.checked(PLAIN, TEAM)) == [State.RIGHT, State.BY_HAND]


async def test_without_services_all_that_is_listed_counts() -> None:
    """Those that say they are a team's apart."""
    found = await register(Account1().at, WANTED, ())
    assert [one.place.event_type_id for one in found.found] == [None, 9, 10, 12, 13]


async def test_an_event_type_that_is_not_listed_is_asked_for() -> None:
    """There is none of this number, as far as this key may know."""
    account = Account1()
    assert states(await account.checked(Service("x", "Unbekannt", 77, 30), url=None)) == [State.MISSING]
    account.stands()
    assert states(await account.checked(Service("x", "Unbekannt", 77, 30))) == [State.RIGHT, State.UNKNOWN]


async def test_where_cal_com_lets_us_a_teams_own_is_made() -> None:
    """As an owner of what is not listed may."""
    account = Account1()

    def unlisted(request: WireRequest, answer: WireAnswer) -> WireAnswer:
        empty = request.target == "/v2/event-types"
        return replace(answer, status=404, body=b"{}") if empty else answer

    account.befalls = {"GET": [unlisted] * 20}
    assert states(await account.registered(PLAIN)) == [State.MADE, State.MADE]
    assert [one.event_type_id for one in account.subscriptions] == [None, 1]
    assert states(await account.registered(PLAIN)) == [State.RIGHT, State.RIGHT]


# Others


async def test_other_webhooks_to_a_gateway_are_told() -> None:
    """Without user and query; what goes elsewhere is nobody's business here."""
    account = Account1()
    account.stands()
    for url in (f"https://u:pw@old.example{PATH}/booking-created?k=1", "https://zap.example/x", "http://[odd"):
        account.calcom.calendar.webhooks.subscribe(url, None, account="u-plain")
    assert (await account.checked()).foreign == (f"https://old.example{PATH}/booking-created",)


async def test_one_that_stands_twice_is_told() -> None:
    """It does no harm; nothing is deleted."""
    account = Account1()
    account.stands()
    account.stands()
    seen = await account.registered()
    assert (states(seen), seen.found[0].twice, len(account.subscriptions)) == ([State.RIGHT], True, 2)


async def test_without_an_address_the_one_that_stands_is_looked_at() -> None:
    """Against the secret and the triggers."""
    account = Account1()
    account.stands(active=False)
    seen = await account.checked(url=None)
    assert (seen.url, seen.found[0].flaws) == (URL, (Flaw.INACTIVE,))


@pytest.mark.parametrize("row", [7, {}, {"id": 1, "subscriberUrl": URL}, {"id": "../x", "subscriberUrl": URL}])
async def test_rows_that_are_none_are_passed_over(row: object) -> None:
    """An id goes into an address."""
    body = json.dumps({"data": [row]}).encode()
    account = Account1({"GET": [lambda _, answer: replace(answer, body=body)]})
    assert states(await account.checked()) == [State.MISSING]


def error(answer: WireAnswer) -> WireAnswer:
    return replace(answer, status=500, body=b"{}")
